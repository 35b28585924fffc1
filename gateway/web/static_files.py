"""The console's own style sheets and script, each under an address that changes with what is in it: a browser asks for
it once and not with every page.

Must never hold anything about anybody: these files are the same for everyone and are kept by browsers and proxies.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from types import MappingProxyType

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FOLDER = Path(__file__).parent / "static"
_FOR_GOOD = {"cache-control": "public, max-age=31536000, immutable"}


@cache
def _files() -> MappingProxyType[str, tuple[str, bytes]]:
    """Name -> (digest, content)."""
    found = {file.name: file.read_bytes() for file in _FOLDER.iterdir() if file.suffix in _KINDS}
    return MappingProxyType({name: (hashlib.sha256(held).hexdigest()[:12], held) for name, held in found.items()})


def address(name: str) -> str:
    """Where a page finds the file. Raises KeyError where there is none of that name."""
    return f"/static/{name}?{_files()[name][0]}"


async def answer(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _files():
        raise HTTPException(404)
    digest, content = _files()[name]
    # After an update the old address may still be asked for: the new file is not kept under it.
    return Response(
        content, media_type=_KINDS[Path(name).suffix], headers=_FOR_GOOD if request.url.query == digest else None
    )
