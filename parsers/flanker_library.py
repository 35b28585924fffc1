"""flanker, loaded when first needed: the only importer of it. Used by the envelope module alone."""

from __future__ import annotations

import contextlib
import io
import logging
from functools import cache
from typing import Any, NamedTuple


class Flanker(NamedTuple):
    """What of it is used."""

    words: Any  # RFC 2047
    charsets: Any
    parse_list: Any
    from_string: Any


@cache
def loaded() -> Flanker:
    """flanker, imported when the first message needs it: that costs 250 ms, more than 2,000 plain reports.

    Its grammar tables cannot be written where the installation is read-only, of which ply complains on stderr; and its
    loggers repeat hostile text. Neither is news for the operator.
    """
    with contextlib.redirect_stderr(io.StringIO()):
        from flanker import mime  # noqa: PLC0415  see above
        from flanker.addresslib import address  # noqa: PLC0415
        from flanker.mime.message import charsets as detector  # noqa: PLC0415
        from flanker.mime.message.headers import encodedword  # noqa: PLC0415
    logger = logging.getLogger("flanker")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return Flanker(encodedword.mime_to_unicode, detector.convert_to_unicode, address.parse_list, mime.from_string)
