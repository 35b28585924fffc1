"""Debian's smtp-sink: takes mail and forgets it, fast enough to measure against."""

from __future__ import annotations

import os
import shutil
import subprocess

from servers.ports import free_port, wait_until_listening


class SmtpSink:
    host = "127.0.0.1"

    def __init__(self) -> None:
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = shutil.which("smtp-sink", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or "smtp-sink"
        as_user = ["-u", "nobody"] if os.geteuid() == 0 else []
        command = [program, *as_user, f"{self.host}:{self.port}", "256"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until_listening(self.port)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None
