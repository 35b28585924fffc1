"""What was counted of days that are over, so that nobody counts a million rows again to draw a line.

As in `rows_in`. Must not be imported outside `gateway.store`.
"""

from sqlalchemy import Index
from sqlmodel import Field, SQLModel


class DayFigureRow(SQLModel, table=True):
    """How often something was on a day: a kind (`name`), a reporter or customer (`ref`), a length of time (`step`)."""

    __tablename__ = "day_figures"
    __table_args__ = (Index("day_figures_ref", "figure", "name", "ref", "step", "day", "count"),)  # added up over days
    figure: str = Field(primary_key=True)
    day: str = Field(primary_key=True)  # 2026-01-31, UTC
    name: str = Field(primary_key=True)
    ref: int = Field(primary_key=True)
    step: int = Field(primary_key=True)
    count: int


class CountedDayRow(SQLModel, table=True):
    """A part of the figures of this day is counted: no row of `day_figures` means none."""

    __tablename__ = "counted_days"
    part: str = Field(primary_key=True)
    day: str = Field(primary_key=True)


class StaleDayRow(SQLModel, table=True):
    """Something of this day changed after it was over: written by the database's own triggers, for every change one,
    so that no two who change something wait for each other."""

    __tablename__ = "stale_days"
    __table_args__ = (Index("stale_days_part", "part", "day"),)
    id: int | None = Field(default=None, primary_key=True)
    part: str
    day: str
