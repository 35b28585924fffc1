"""The sections of arfgate.toml that are about what we tell: texts, evidence, third parties.

As in `sections`. Must never read anything.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.sections import Section
from gateway.setting_types import AddressList, FilePath, TextList


class Notices(Section):
    """How notices are worded, and how much of the reported mail they carry."""

    templates: FilePath | None = None
    """Folder with your own texts, as en/complaint.txt or zh/_signature.txt; what it lacks is taken from those that come
    with arfgate. `arfgate notice preview` shows what comes of it."""
    html: bool = False
    """Send the same words also as HTML."""
    vetted_customers: TextList = ()
    """Keys of customers who may see the body of a reported mail (redacted, without attachments) where the
    complainant agreed, besides those whom an import calls vetted. Everybody else gets redacted headers."""
    body_feeds: TextList = ()
    """Names of feeds whose terms let the body be passed on to such customers, besides those with `raw_forwarding` (here
    or by `arfgate reporter trust --raw`); "*": what people send too."""
    xarf_customers: TextList = ()
    """Keys of customers whose programs read XARF: they get the evidence as XARF 4 instead of ARF."""


class Contacts(Section):
    """Contacts outside the house: who is told is the policy's business, and how it is found is said here."""

    acknowledge_rfc6650: bool = False
    """RFC 6650 section 5.3 says that reports should not go to technical, administrative and billing contacts, nor to
    parties that are not involved. true: you know, and the roles that your policy switches on besides abuse are used."""
    upstreams: AddressList = ()
    """Abuse contacts of your own upstream providers, for policies that tell them (SES-10)."""
    whois: bool = True
    """Ask WHOIS (port 43) where RDAP gives no answer."""
    dns_sources: TextList = ("abuse-contacts.abusix.zone", "contacts.abuse.net")
    """DNS zones with abuse contacts, asked where the registries name none: the first for addresses, the second for
    domains. Empty: none."""
    guess: bool = True
    """Where nobody names a contact of a domain, abuse@ that domain counts as one, and is shown as a guess."""
    most_a_day: Annotated[int, Field(ge=1, le=1000)] = 5
    """Single mails to one contact on one day; what comes beyond goes into one digest on the next day."""
