"""The section of arfgate.toml about the pages of customers and reporters: how long links hold, what may be sent.

As in `sections`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.sections import Section


class Portal(Section):
    """The pages without an account, for customers and reporters. They are there when `public_url` is set."""

    report_form: bool = False
    """Offer the public form for reports at /report. What is sent there is held until the sender has clicked on a link
    that is mailed to the address given."""
    link_days: Annotated[int, Field(ge=1, le=366)] = 60
    """Days for which a link in a notice opens its case; after that a new one is asked for on the page."""
    closed_days: Annotated[int, Field(ge=0, le=3660)] = 30
    """Days after the end of a case for which its links still open it."""
    status_days: Annotated[int, Field(ge=1, le=3660)] = 180
    """Days for which a reporter can see what became of a report."""
    upload_bytes: Annotated[int, Field(ge=10_000, le=100_000_000)] = 10_000_000
    """Most bytes that one form may send, its files included."""
    upload_files: Annotated[int, Field(ge=1, le=50)] = 5
    """Most files that one form may send."""
    upload_seconds: Annotated[int, Field(ge=1, le=3600)] = 120
    """Seconds in which a form must have arrived; what is slower is cut off."""
    network_hourly: Annotated[int, Field(ge=10, le=1_000_000)] = 300
    """Pages of these that one network (a /24, of IPv6 a /48) may open in an hour."""
    form_network_hourly: Annotated[int, Field(ge=1, le=100_000)] = 20
    """Reports by the form, and new links asked for, from one network in an hour."""
    form_address_hourly: Annotated[int, Field(ge=1, le=1000)] = 3
    """Confirmation mails to one address in an hour."""
