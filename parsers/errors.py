"""What can be wrong in a message, as one tree. Must never be raised for a bug or for the world outside.

    ParserError          the message cannot be read as it should: kept whole, shown to a person
     +- LimitError       a bound of SEC-1 holds: reading on would cost too much
     +- MalformedError   the structure says one thing and the bytes another
     +- AmbiguousError   two formats claim the message, and neither is declared a dialect of the other

`parse()` turns each of them into `unreadable` with the text of the error.
"""

from __future__ import annotations


class ParserError(Exception):
    """The message cannot be read. The text names what, and which bound or rule."""


class LimitError(ParserError):
    """A size, a count or a depth is above what `Limits` allows."""


class MalformedError(ParserError):
    """Nothing dependable can be got out of the bytes."""


class AmbiguousError(ParserError):
    """More than one format claims the message."""
