"""The sections of arfgate.toml about who sent a mail: own checks, trusted forwarders, feeds, name servers.

As in `sections`. Must never read anything.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from gateway.sections import Section
from gateway.setting_types import AddressList, DomainList, NetworkList, Port, TextList
from parsers.fields import ip


class Screening(Section):
    """How senders are told from those who only say so."""

    own_checks: bool = True
    """Where your border left no Authentication-Results on a mail, check DKIM, SPF and DMARC alignment here (asks the
    name servers of the sender's domain). false: without the border's word a report is held."""
    border_hosts: DomainList = ()
    """Names that your border servers write after "by" in Received lines, for SPF; default: operator.authserv_ids."""
    border_networks: NetworkList = ()
    """Addresses at which your mail servers hand mail to each other; operator.relays and loopback always count."""
    trusted_forwarders: DomainList = ()
    """Domains whose ARC seal is believed about the mail they passed on: lists and forwarders that you know."""
    cfbl_addresses: AddressList = ()
    """Addresses of yours that your mail names in CFBL-Address (RFC 9477): only reports with an aligned DKIM signature
    are accepted there."""
    known_feeds: bool = True
    """Register the feeds that arfgate knows; [[feeds]] of the same name change or extend an entry."""
    dns_seconds: Annotated[float, Field(gt=0, le=60)] = 5.0
    """Seconds that a batch of mails waits for all answers together."""

    @field_validator("cfbl_addresses")
    @classmethod
    def _lower(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(address.lower() for address in value)


class Dns(Section):
    """Name servers."""

    nameservers: TextList = ()
    """Addresses of name servers; default: those of this machine."""
    port: Port = 53
    """Their port."""

    @field_validator("nameservers")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(ip(one) != one for one in value):
            raise ValueError("is not an IP address such as 192.0.2.53")
        return value
