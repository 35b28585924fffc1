"""What a member of staff may do: four roles, each holding all that the ones before it hold.

Pure. Must never know who has which.
"""

from __future__ import annotations

from enum import IntEnum


class Role(IntEnum):
    """In rising order: reading; deciding about reports and cases; approving actions; accounts and settings."""

    VIEWER = 1
    ANALYST = 2
    APPROVER = 3
    ADMIN = 4

    @property
    def word(self) -> str:
        """As people, the database and the settings write it."""
        return self.name.lower()


WORDS = tuple(role.word for role in Role)


def role_of(word: str) -> Role:
    """The role that a word names. Raises ValueError for another word."""
    if word not in WORDS:
        raise ValueError(f"{word!r} is no role; there are {', '.join(WORDS)}")
    return Role[word.upper()]
