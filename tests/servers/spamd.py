"""Debian's spamd on loopback, local tests only, with rules of its own: it needs no download and asks no network."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from servers.ports import free_port, wait_until_listening

_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin"


class Spamd:
    """The plain protocol on 127.0.0.1:`port`."""

    host = "127.0.0.1"

    def __init__(self) -> None:
        self.base = Path(tempfile.mkdtemp(prefix="arfgate-spamd-"))
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def place(self) -> str:
        return f"{self.host}:{self.port}"

    def start(self) -> None:
        self.base.chmod(0o755)
        # -L: no network; -x: no users' files; -m: two children
        command = [
            "spamd",
            "-L",
            "-x",
            "-m",
            "2",
            "-i",
            self.host,
            "-p",
            str(self.port),
            "-s",
            "stderr",
            "-u",
            "nobody",
        ]
        with (self.base / "stderr").open("w+b") as errors:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                env={**os.environ, "PATH": _PATH, "HOME": str(self.base)},
            )
        wait_until_listening(self.port, 60)

    def remove(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
        shutil.rmtree(self.base, ignore_errors=True)
