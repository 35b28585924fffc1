"""What is known of the addresses that we write to: which did not arrive, how often a contact outside was concerned.

As in `rows_in`. Must not be imported outside `gateway.store`.
"""

from datetime import datetime

from sqlmodel import Field, SQLModel


class DeadAddressRow(SQLModel, table=True):
    """Mail to it came back or was refused, and not for our fault. It counts for a time (`dead_addresses.FOR`)."""

    __tablename__ = "dead_addresses"
    id: int | None = Field(default=None, primary_key=True)
    address: str = Field(unique=True)  # lower-case
    at: datetime
    why: str
    notice_id: int | None = None


class OutsideContactRow(SQLModel, table=True):
    """How many incidents in a row a contact outside had, and of how many of them it has not been told (OUT-6)."""

    __tablename__ = "outside_contacts"
    id: int | None = Field(default=None, primary_key=True)
    address: str = Field(unique=True)  # lower-case
    incidents: int
    untold: int
    last_at: datetime
