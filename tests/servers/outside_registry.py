"""A registry in a thread, for commands that run in this one: it knows 192.0.2.1 and nobody else."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_ARIN = Path(__file__).parents[2] / "fixtures" / "_rdap" / "arin.json"


@dataclass
class Registry:
    place: str


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        known = self.path.endswith("/ip/192.0.2.1")
        document = json.loads(_ARIN.read_text()) | {"startAddress": "192.0.2.0", "endAddress": "192.0.2.255"}
        body = json.dumps(document).encode()
        self.send_response(200 if known else 404)
        self.send_header("Content-Length", str(len(body) if known else 0))
        self.end_headers()
        if known:
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextlib.contextmanager
def registry_at() -> Iterator[Registry]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Registry(f"127.0.0.1:{server.server_address[1]}")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
