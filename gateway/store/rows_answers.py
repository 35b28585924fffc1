"""What customers answer, and the files that came with it.

As in `rows_in`. Must not be imported outside `gateway.store`.
"""

from datetime import datetime

from sqlmodel import Field, SQLModel


class AnswerRow(SQLModel, table=True):
    """One answer to a case. `key`: the same answer is filed once, however often it is handed over. `text` is what the
    customer wrote, `quoted` what the mail program put there of our notice."""

    __tablename__ = "answers"
    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    case_id: int = Field(foreign_key="cases.id", index=True)
    way: str  # mail | portal | staff
    who: str
    at: datetime
    text: str
    quoted: str = ""
    resolution: str = ""  # what the customer says was done
    prevention: str = ""
    since: datetime | None = None
    stopped: int = 0  # clocks that it stopped
    message_id: int | None = Field(default=None, foreign_key="messages.id")
    notice_id: int | None = Field(default=None, foreign_key="notices.id")


class AnswerFileRow(SQLModel, table=True):
    """A file that came with an answer: for staff, never sent on. `content` NULL: too large, only its digest is kept."""

    __tablename__ = "answer_files"
    id: int | None = Field(default=None, primary_key=True)
    answer_id: int = Field(foreign_key="answers.id", index=True)
    name: str
    content_type: str
    size: int  # bytes
    sha256: str
    content: bytes | None = None
