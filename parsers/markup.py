"""XML in a report -> a plain tree. expat, and nothing of XML that reaches out of the document or multiplies it.

A document type declaration is refused before anything in it is read: no entities, no external
subsets, no parameter entities. Size, elements and depth are bounded. Must never fetch anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

DOCUMENT_BYTES = 1024 * 1024
ELEMENTS = 20_000
DEPTH = 50
TEXT_CHARS = 4_000  # of one element


class MarkupError(Exception):
    """The document is not read: what is wrong with it."""


@dataclass(slots=True)
class Node:
    """An element. `name` without its namespace prefix, in lower case, as are the names of `attributes`."""

    name: str
    attributes: dict[str, str]
    text: str = ""
    children: list[Node] = field(default_factory=list)

    def walk(self) -> Iterator[Node]:
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.children))

    def every(self, name: str) -> list[Node]:
        """Elements of that name, in order, at any depth."""
        return [node for node in self.walk() if node.name == name]

    def said(self, *names: str) -> str | None:
        """The text of the first element of these names that has any."""
        for name in names:
            for node in self.every(name):
                if text := node.text.strip():
                    return text
        return None


class _Builder:
    """expat's events -> nodes."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self.open: list[Node] = []
        self.elements = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.elements += 1
        if self.elements > ELEMENTS or len(self.open) >= DEPTH:
            raise MarkupError(f"more than {ELEMENTS} elements, or deeper than {DEPTH}")
        node = Node(_local(name), {_local(k): v[:TEXT_CHARS] for k, v in attributes.items() if k[:5] != "xmlns"})
        if self.open:
            self.open[-1].children.append(node)
        elif self.root is None:
            self.root = node
        self.open.append(node)

    def end(self, _name: str) -> None:
        self.open.pop()

    def characters(self, text: str) -> None:
        node = self.open[-1]
        if len(node.text) < TEXT_CHARS:
            node.text += text[: TEXT_CHARS - len(node.text)]

    def refuse(self, *_: object) -> int:
        raise MarkupError("it declares a document type or entities")


def tree(document: bytes) -> Node:
    """The root element. Raises MarkupError."""
    if len(document) > DOCUMENT_BYTES:
        raise MarkupError(f"larger than {DOCUMENT_BYTES} bytes")
    builder = _Builder()
    reader = expat.ParserCreate()
    reader.buffer_text = True
    reader.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    reader.StartDoctypeDeclHandler = builder.refuse
    reader.EntityDeclHandler = builder.refuse
    reader.ExternalEntityRefHandler = builder.refuse
    reader.StartElementHandler = builder.start
    reader.EndElementHandler = builder.end
    reader.CharacterDataHandler = builder.characters
    try:
        reader.Parse(document.strip(), True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise MarkupError(f"not well-formed: {str(error)[:100]}") from error
    if builder.root is None:
        raise MarkupError("no element")
    return builder.root


def _local(name: str) -> str:
    return name.rpartition(":")[2].lower()
