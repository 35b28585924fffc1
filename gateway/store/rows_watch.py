"""What is looked at without a report: DNS block lists that are asked, and what they list of ours.

As in `rows_in`. Must not be imported outside `gateway.store`.
"""

from datetime import datetime

from sqlmodel import Field, SQLModel


class WatchedZoneRow(SQLModel, table=True):
    """One block list. `next_at` is the claim: whoever moves it asks. `trouble`: why its answers do not count."""

    __tablename__ = "watched_zones"
    id: int | None = Field(default=None, primary_key=True)
    zone: str = Field(unique=True)
    next_at: datetime
    round: int = 0
    checked_at: datetime | None = None
    asked: int = 0
    failed: int = 0
    trouble: str | None = None


class ListingRow(SQLModel, table=True):
    """One address of ours on one list, from when it was seen until it was seen gone. `current` is `zone/address`
    while it is listed: at most one such row."""

    __tablename__ = "listings"
    id: int | None = Field(default=None, primary_key=True)
    current: str | None = Field(default=None, unique=True)
    zone: str
    address: str = Field(index=True)
    codes: str
    reason: str = ""  # the list's own words
    account: str | None = None  # customer/account who held it when it was listed
    listed_at: datetime
    seen_at: datetime
    delisted_at: datetime | None = None
