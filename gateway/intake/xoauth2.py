"""AUTHENTICATE XOAUTH2 over aioimaplib, which has the command but waits for ever when the server objects.

The token goes in the command where the server takes that (SASL-IR), else after its `+`. A server that refuses says why
in a second `+`, and wants an empty line before its NO. Must never log a token.
"""

from __future__ import annotations

import base64

from aioimaplib import aioimaplib


async def authenticate(protocol: aioimaplib.IMAP4ClientProtocol, user: str, token: str) -> aioimaplib.Response:
    """The server's answer; the protocol is logged in where it is OK. Raises ValueError for a user or token that would
    break the line."""
    if "\1" in user or "\1" in token:
        raise ValueError("a control character in the user's name or in the token")
    first = base64.b64encode(f"user={user}\1auth=Bearer {token}\1\1".encode()).decode("ascii")
    initial = "SASL-IR" in protocol.capabilities
    arguments = ("XOAUTH2", first) if initial else ("XOAUTH2",)
    command = aioimaplib.Command("AUTHENTICATE", protocol.new_tag(), *arguments, loop=protocol.loop)
    waiting = [] if initial else [first]
    usual = protocol._continuation  # noqa: SLF001  no public place sees these lines

    def go_on(line: bytes) -> None:
        if protocol.pending_sync_command is not command:
            usual(line)
            return
        protocol.transport.write((waiting.pop() if waiting else "").encode("ascii") + b"\r\n")

    protocol._continuation = go_on  # noqa: SLF001
    try:
        answer = await protocol.execute(command, scrub=first)
    finally:
        protocol._continuation = usual  # noqa: SLF001
    if answer.result == "OK":
        protocol.state = aioimaplib.AUTH
    return answer
