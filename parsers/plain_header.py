"""The header of a part as nearly every program writes it, read at once: where it ends, its type, its encoding.

One pattern instead of a look for the end, a look whether all is regular, and a search for each field. Must never match
what the `header_block` module would read in another way: two Content-Types, comments, blanks before a colon, folds of
blanks, mixed line ends are all left to it.
"""

from __future__ import annotations

import re

_OTHERS = rb"(?:(?!content-t)[!-9;-~]++:.*+\n(?:[ \t]++[^ \t\r\n].*+\n)*+)*+"
_PLAIN = re.compile(
    _OTHERS
    + rb"content-type:[ \t]*+(([a-z]{1,20}+/[a-z0-9.+-]{1,100}+)(?:;.*+\n(?:[ \t]++[^ \t\r\n].*+\n)*+|\r?\n))"
    + _OTHERS
    + rb"(?:content-transfer-encoding:[ \t]*+([a-z0-9-]{1,40}+)\r?\n)?+"
    + _OTHERS
    + rb"(?=(\r?\n))",
    re.IGNORECASE,
)
# Groups: the value with its line end, the type in it, the transfer encoding (None: no such field), the empty line. The
# header itself, with its last line end, is the whole match.
read = _PLAIN.match
