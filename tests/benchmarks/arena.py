"""The world that both pipelines are measured in: one Dovecot, one smtp-sink that counts, a fresh folder for each run."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the tests' servers

from servers.dovecot import PASSWORD, Dovecot
from servers.needs import CHECKS
from servers.ports import free_port, wait_until_listening

__all__ = ["PASSWORD", "CountingSink", "Dovecot", "dumping_sink", "folder", "missing", "servers"]
SERVERS = ("dovecot", "smtp-sink")


def missing() -> str | None:
    """Why nothing can be measured here; None when everything is there."""
    return next((f"{name}: {why}" for name in SERVERS if (why := CHECKS[name]())), None)


class CountingSink:
    """Postfix's smtp-sink, which takes mail and forgets it (or keeps it in `kept`); its own counter says how many."""

    def __init__(self, folder: Path, kept: Path | None = None) -> None:
        self.port = free_port()
        self._said = (folder / "sink").open("w+b")
        program = shutil.which("smtp-sink", path="/usr/sbin:/usr/bin") or "smtp-sink"
        keeping = ["-d", f"{kept}/mail."] if kept else []
        command = [program, "-u", "nobody", "-c", *keeping, f"127.0.0.1:{self.port}", "512"]
        self._process = subprocess.Popen(command, stdout=self._said, stderr=subprocess.STDOUT)
        wait_until_listening(self.port)

    def mails(self) -> int:
        """Mails taken since the start."""
        self._said.seek(0)
        found = re.findall(rb"mesg=(\d+)", self._said.read())
        return int(found[-1]) if found else 0

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        self._said.close()


@contextmanager
def servers() -> Iterator[tuple[Dovecot, CountingSink]]:
    """Both, running; gone afterwards."""
    with folder() as base:
        dovecot = Dovecot()
        sink = None
        try:
            dovecot.start()
            sink = CountingSink(base)
            yield dovecot, sink
        finally:
            if sink is not None:
                sink.stop()
            dovecot.remove()


@contextmanager
def dumping_sink() -> Iterator[tuple[CountingSink, Path]]:
    """A sink beside the measured one, and the folder in which it leaves each mail as a file."""
    with folder() as base:
        kept = base / "kept"
        kept.mkdir()
        base.chmod(0o711)
        kept.chmod(0o777)  # the sink gives up root's rights
        sink = CountingSink(base, kept)
        try:
            yield sink, kept
        finally:
            sink.stop()


@contextmanager
def folder() -> Iterator[Path]:
    """A folder of its own, on the disk that the databases would be on."""
    made = Path(tempfile.mkdtemp(prefix="arfgate-bench-"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
