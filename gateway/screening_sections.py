"""The sections of arfgate.toml that are about screening: replies, what is held, the legal lane, alarms.

As in `sections`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from gateway.channel_sections import called
from gateway.legal_checklists import jurisdictions
from gateway.sections import Section
from gateway.setting_types import Address, AddressList, FilePath, TextList, secret_from_file


class Replies(Section):
    """What people who complain are told by the program, and how long an incomplete complaint waits."""

    enabled: bool = True
    """Tell authenticated people what is missing in their complaint, and that a complete one was accepted. Nobody
    else is ever answered, and nobody more than once in seven days."""
    hourly: Annotated[int, Field(ge=0, le=10_000)] = 60
    """Most replies in an hour, to all senders together."""
    hold_days: Annotated[int, Field(ge=1, le=365)] = 14
    """Days after which a report that is held, and that nobody completed or released, expires."""


class Flood(Section):
    """How many accepted reports of people are fine in an hour, before what follows waits for a person. Registered feeds
    are not counted."""

    domain_hourly: Annotated[int, Field(ge=1, le=1_000_000)] = 200
    """From one authenticated organisation."""
    network_hourly: Annotated[int, Field(ge=1, le=1_000_000)] = 200
    """From one network: the /24 (IPv6: /48) of the client that spoke to your border."""
    account_hourly: Annotated[int, Field(ge=1, le=1_000_000)] = 500
    """About one account."""

    def of(self, key: str) -> int:
        """The number for a key of `screening.flood`."""
        by = {"domain": self.domain_hourly, "network": self.network_hourly, "account": self.account_hourly}
        return by[key.partition(" ")[0]]


class Suppression(Section):
    """Addresses that customers are to drop from their lists."""

    complainants_of: TextList = ()
    """Names of feeds whose terms let a complainant's address go to the customer. Opt-outs and dead mailboxes always go
    there, persons only where `arfgate reporter` has their consent, a spam trap's address never."""


class Legal(Section):
    """The restricted lane: child abuse, threats to life, court and police, copyright."""

    staff: AddressList = ()
    """Who may see it, by mail address: they are alarmed without a word of the content, and two of them decide."""
    jurisdictions: TextList = ()
    """Whose checklists are shown: "us", "eu", "uk", "ro", "de", "cn"; without any, all of them."""

    @field_validator("jurisdictions")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in value if name not in jurisdictions()]
        if unknown:
            raise ValueError(f'there is no checklist of "{unknown[0]}"; possible: {", ".join(jurisdictions())}')
        return value


class Alarms(Section):
    """Whom the program writes to when a person has to look."""

    address: Address | None = None
    """Mail address of your staff; not one of the mailboxes that are read. Without it alarms stand in the log only."""
    webhook_file: FilePath | None = None
    """File that holds the address of a chat's incoming webhook (Slack, Mattermost), relative to this file."""
    webhook: SecretStr | None = None
    """That address: whoever has it can write there. Or use `webhook_file`, or ARFGATE_ALARMS__WEBHOOK."""
    hourly: Annotated[int, Field(ge=1, le=10_000)] = 30
    """Most mails (and messages) to staff in an hour; what is more is in the log and on the lists."""

    @field_validator("webhook", mode="before")
    @classmethod
    def _webhook(cls, value: object, info: ValidationInfo) -> object:
        found = secret_from_file(value, info, "webhook_file", required=False)
        if found is not None:
            called(found.get_secret_value())
        return found
