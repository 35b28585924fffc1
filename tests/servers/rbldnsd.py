"""Debian's rbldnsd on loopback: serves the zones that its files hold, and reads them anew when told."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rdatatype

_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin"


class Rbldnsd:
    """DNS on 127.0.0.1:`port`. `zones` are rbldnsd's specifications with file names relative to `folder`."""

    def __init__(self, zones: list[str]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="arfgate-rbldnsd-"))
        self.folder.chmod(0o755)  # the server runs as nobody
        self.zones = zones
        self._moment = time.time()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        for spec in self.zones:
            file = self.folder / spec.rpartition(":")[2]
            if not file.exists():
                file.write_text("")
        # -n: stays in the foreground; -c 0: looks at its files only when told; -t 1: answers hold for a second
        command = ["rbldnsd", "-n", "-u", "nobody", "-w", str(self.folder), "-c", "0", "-t", "1",
                   "-b", f"127.0.0.1/{self.port}", *self.zones]  # fmt: skip
        with (self.folder / "stderr").open("w+b") as errors:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, env={**os.environ, "PATH": _PATH}
            )
        deadline = time.monotonic() + 15
        while True:
            try:
                self.ask("1.0.0.127." + self.zones[0].partition(":")[0])
            except (dns.exception.Timeout, OSError):
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise TimeoutError((self.folder / "stderr").read_text(errors="replace")) from None
            else:
                return

    def reread(self) -> None:
        """Look at the files now; returns once it has."""
        assert self._process is not None
        before = self._reloads()
        self._moment += 2  # it looks at whole seconds, and tests are faster
        for spec in self.zones:
            os.utime(self.folder / spec.rpartition(":")[2], (self._moment, self._moment))
        self._process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 15
        while self._reloads() == before:
            assert time.monotonic() < deadline, (self.folder / "stderr").read_text(errors="replace")
            time.sleep(0.01)  # a foreign process reads: there is no event to await

    def _reloads(self) -> int:
        return (self.folder / "stderr").read_text(errors="replace").count("zones reloaded")

    def ask(self, name: str, kind: str = "A") -> list[str]:
        """What a resolver would be told; empty where there is no such name."""
        query = dns.message.make_query(name, kind)
        answer = dns.query.udp(query, "127.0.0.1", port=self.port, timeout=1)
        return [record.to_text() for rrset in answer.answer for record in rrset]

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
