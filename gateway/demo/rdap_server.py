"""The demo's RDAP registry: recorded answers (RFC 9083) about documentation addresses and names, on 127.0.0.1.

`rdap/ip/` and `rdap/domain/` hold one file each. Must never ask anybody else.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import socket
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from fastapi.responses import JSONResponse

ANSWERS = Path(__file__).parent / "rdap"


def registry() -> FastAPI:
    """The two questions of RFC 9082 that arfgate asks."""
    app = FastAPI(openapi_url=None)
    networks = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((ANSWERS / "ip").glob("*.json"))]

    @app.get("/ip/{address}")
    async def ip(address: str) -> JSONResponse:
        return _answer(next((network for network in networks if _holds(network, address)), None))

    @app.get("/domain/{name}")
    async def domain(name: str) -> JSONResponse:
        known = {path.stem: path for path in (ANSWERS / "domain").glob("*.json")}
        path = known.get(name.lower())
        return _answer(json.loads(path.read_text(encoding="utf-8")) if path else None)

    return app


@asynccontextmanager
async def answering() -> AsyncIterator[int]:
    """The registry's port."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(registry(), log_config=None, access_log=False, lifespan="off")
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await task


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the demo ends it."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]  # ours does nothing
        return nullcontext()


def _holds(network: dict[str, Any], address: str) -> bool:
    try:
        asked, first, last = map(ipaddress.ip_address, (address, network["startAddress"], network["endAddress"]))
    except ValueError:
        return False
    return asked.version == first.version and int(first) <= int(asked) <= int(last)


def _answer(found: dict[str, Any] | None) -> JSONResponse:
    if found is None:
        return JSONResponse({"errorCode": 404, "title": "Not found"}, 404, media_type="application/rdap+json")
    return JSONResponse(found, media_type="application/rdap+json")
