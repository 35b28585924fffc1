"""A value that is computed at the first question and kept: `functools.cached_property` without its lock.

The lock (of Python 3.11) costs more than most of what is kept here. One thread reads one message, so nothing needs it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

_Value = TypeVar("_Value")


class Lazy(Generic[_Value]):
    """Decorates a method; its class must have a `__dict__`."""

    def __init__(self, made: Callable[[Any], _Value]) -> None:
        self.made = made
        self.name = made.__name__
        self.__doc__ = made.__doc__

    def __get__(self, instance: Any, owner: type | None = None) -> _Value:
        value = self.made(instance)
        setattr(instance, self.name, value)  # the next question does not come here; quicker than by its `__dict__`
        return value

    if TYPE_CHECKING:  # what is known at once is set at once, and never asked

        def __set__(self, instance: Any, value: _Value) -> None: ...
