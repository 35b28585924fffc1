"""Passwords as argon2id, made and checked in a thread, a few at once: each takes 64 MiB and a tenth of a second.

Must never keep, log or compare a password as it is.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

LEAST_CHARS, MOST_CHARS = 12, 1024
_AT_ONCE = 2
_Result = TypeVar("_Result")


class WeakPasswordError(ValueError):
    """The password cannot be taken; the text says why."""


class Passwords:
    """Made once for the application. `hasher`: argon2's cost, its own defaults (RFC 9106) where none is given."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._nobody: str | None = None

    async def hashed(self, password: str) -> str:
        """What is kept of it."""
        return await self._in_thread(self._hasher.hash, password.encode())

    async def fits(self, kept: str | None, password: str) -> bool:
        """Is this the password? Takes as long where there is no account (`kept` is None)."""
        if self._nobody is None:
            self._nobody = await self.hashed(secrets.token_urlsafe(24))
        try:
            right = await self._in_thread(self._hasher.verify, kept or self._nobody, password[:MOST_CHARS].encode())
        except (VerificationError, InvalidHashError):
            return False
        return bool(right) and kept is not None

    def is_outdated(self, kept: str) -> bool:
        """Whether it was made at another cost than is usual now."""
        return self._hasher.check_needs_rehash(kept)

    async def _in_thread(self, work: Callable[..., _Result], *values: str | bytes) -> _Result:
        async with self._turn:
            return await asyncio.to_thread(work, *values)


def checked(password: str, name: str, email: str) -> str:
    """The password, long enough and not the account's own name. Raises WeakPasswordError."""
    if len(password) < LEAST_CHARS:
        raise WeakPasswordError(f"the password has {len(password)} characters; at least {LEAST_CHARS} are needed")
    if len(password) > MOST_CHARS:
        raise WeakPasswordError(f"the password has more than {MOST_CHARS} characters")
    if password.lower() in {name.lower(), email.lower()} or len(set(password)) < 5:
        raise WeakPasswordError("the password can be guessed; take several words, or let a password manager make one")
    return password
