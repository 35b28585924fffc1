"""The header of a part as nearly every program writes it, read at once: where it ends, its type, its encoding.

One pattern instead of a look for the end, a look whether all is regular, and a search for each field. Must never match
what the `header_block` module would read in another way: two Content-Types, comments, blanks before a colon, folds of
blanks, mixed line ends are all left to it.
"""

from __future__ import annotations

import re

# The case is ignored of names alone: of a set, `re` would then look at each character by itself.
_REST = rb".*+\n(?:[ \t]++[^ \t\r\n].*+\n)*+"  # of a line, with its folds
_OTHERS = rb"(?:(?!(?i:content-t))[!-9;-~]++:" + _REST + rb")*+"
_PLAIN = re.compile(
    _OTHERS
    + rb"(?i:content-type):[ \t]*+(([A-Za-z]{1,20}+/[A-Za-z0-9.+-]{1,100}+)(?:;"
    + _REST
    + rb"|\r?\n))"
    + _OTHERS
    + rb"(?:(?i:content-transfer-encoding):[ \t]*+([A-Za-z0-9-]{1,40}+)\r?\n)?+"
    + _OTHERS
    + rb"(?=(\r?\n))"
)
# Groups: the value with its line end, the type in it, the transfer encoding (None: no such field), the empty line. The
# header itself, with its last line end, is the whole match.
read = _PLAIN.match
