"""The customers' suppression lists. As in `rows_in`. Must not be imported outside `gateway.store`."""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel


class SuppressionRow(SQLModel, table=True):
    """An address to which a customer is to write no more."""

    __tablename__ = "suppressions"
    __table_args__ = (UniqueConstraint("customer_id", "address"),)
    id: int | None = Field(default=None, primary_key=True)
    customer_id: int = Field(foreign_key="customers.id")
    address: str
    cause: str  # opt-out | bounce | complaint
    authenticated: bool  # whoever told us so proved who it is; a bounce rarely does
    message_id: int = Field(foreign_key="messages.id")
    at: datetime
