"""Free ports on loopback, and waiting until somebody listens there."""

from __future__ import annotations

import socket
import time


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody held a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_listening(port: int, seconds: float = 15.0) -> None:
    """Return as soon as 127.0.0.1:port accepts a connection; TimeoutError when it never does."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise TimeoutError(f"nobody listens on 127.0.0.1:{port} after {seconds:.0f} s") from None
            time.sleep(0.02)  # a foreign process starts: there is no event to await
        else:
            return
