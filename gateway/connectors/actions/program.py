"""A program that the operator names, run with arguments only: no shell, a time limit, bounded output.

The order stands on its standard input as one line of JSON; `{phase}`, `{kind}`, `{target}`, `{key}`, `{case}` and
`{account}` in its arguments are replaced. Exit status 0 says done, 100 never, anything else not now. Must never
hand a value on where it could be read as an option.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from gateway.connectors.contract import ANSWER_CHARS, Done, Never, NotNow, Order, Outcome, Standing
from gateway.logs import clean_text
from gateway.model import ActionKind

_NEVER = 100  # exit status: another attempt would say the same
_LAST_SECONDS = 5  # for what was killed to be gone
_KEPT_BYTES = 4 * ANSWER_CHARS
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Program:
    """The connector. `seconds` bounds one run."""

    name: str
    kinds: frozenset[ActionKind]
    give_up_hours: float
    command: tuple[str, ...]
    seconds: float

    def takes(self, kind: ActionKind, target: str) -> bool:
        return kind in self.kinds and not target.startswith("-")

    async def carry_out(self, order: Order, standing: Standing) -> Outcome:  # noqa: ARG002  (it needs no list)
        values = {
            "phase": order.phase.value, "kind": order.kind.value, "target": order.target, "key": order.key,
            "case": order.case or "", "account": order.account or "",
        }  # fmt: skip
        return await run(self.command, values, json.dumps(order.document()).encode() + b"\n", self.seconds)


async def run(command: Sequence[str], values: Mapping[str, str], given: bytes, seconds: float) -> Outcome:
    """Run `command` with `{name}` replaced by `values`, `given` on its standard input. Never raises for the world."""
    arguments = [_filled(argument, values) for argument in command]
    made_up = (now for now, raw in zip(arguments, command, strict=True) if now[:1] == "-" != raw[:1])
    if odd := next(made_up, None):
        return Never(f"{command[0]}: the argument {clean_text(odd)} would be read as an option")
    try:
        process = await asyncio.create_subprocess_exec(
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={"PATH": _PATH, "LANG": "C.UTF-8"},
            start_new_session=True,  # so that all it starts can be ended with it
        )
    except (OSError, ValueError) as error:
        return NotNow(f"{command[0]} cannot be started: {error}")
    running = asyncio.create_task(_to_its_end(process, given))
    try:
        await asyncio.wait({running}, timeout=seconds)
    finally:
        ended = running.done()
        if not ended:
            await _end(process, running)
    if not ended:
        return NotNow(f"{command[0]}: no end within {seconds:g} seconds; it was stopped")
    said, status = running.result()
    answer = clean_text(said.decode("utf-8", "replace").strip())[:ANSWER_CHARS]
    if status == 0:
        return Done(answer)
    said_so = f"{command[0]}: exit status {status}{': ' if answer else ''}{answer}"
    return Never(said_so) if status == _NEVER else NotNow(said_so)


async def _to_its_end(process: asyncio.subprocess.Process, given: bytes) -> tuple[bytes, int]:
    return await asyncio.gather(_talk(process, given), process.wait())


async def _end(process: asyncio.subprocess.Process, running: asyncio.Task[tuple[bytes, int]]) -> None:
    """It and all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await asyncio.wait({running}, timeout=_LAST_SECONDS)
    running.cancel()


def _filled(argument: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        argument = argument.replace("{" + name + "}", value)
    return argument


async def _talk(process: asyncio.subprocess.Process, given: bytes) -> bytes:
    """The first bytes of what it says; the rest is read and dropped, so that it does not hang on a full pipe."""
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(ConnectionError):  # it need not read what it is given
        process.stdin.write(given)
        await process.stdin.drain()
    process.stdin.close()
    kept = b""
    while chunk := await process.stdout.read(65536):
        kept += chunk[: _KEPT_BYTES - len(kept)]
    return kept
