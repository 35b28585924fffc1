"""Senders with real keys: each publishes its records with a NameServer and signs mail with dkimpy."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass
from functools import cache

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from servers.name_server import NameServer

HEADERS = (b"from", b"to", b"subject", b"date", b"message-id", b"mime-version", b"content-type")


@cache
def _key(number: int, bits: int) -> tuple[bytes, str]:
    """(private key as PEM, public key as the p= of a record); made once for a run."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private, base64.b64encode(public).decode()


@dataclass
class Signer:
    """Signs for a domain. `number` chooses one of the run's keys."""

    domain: str
    selector: str = "s1"
    number: int = 1
    bits: int = 1024

    @property
    def name(self) -> str:
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def record(self) -> str:
        return f"v=DKIM1; k=rsa; p={_key(self.number, self.bits)[1]}"

    def publish(self, server: NameServer, extra: str = "") -> None:
        server.txt(self.name, self.record.replace("p=", f"{extra}p=", 1))

    def sign(
        self,
        raw: bytes,
        *,
        include: tuple[bytes, ...] = HEADERS,
        length: bool = False,
        algorithm: bytes = b"rsa-sha256",
        tags: bytes = b"",
        identity: bytes | None = None,
        canonicalize: tuple[bytes, bytes] = (b"relaxed", b"relaxed"),
    ) -> bytes:
        """The message with a DKIM-Signature on top. `tags`: further ones, such as b"x=1"."""
        signer = _WithTags(raw, signature_algorithm=algorithm)
        signer.more = tags
        header = signer.sign(
            self.selector.encode(), self.domain.encode(), _key(self.number, self.bits)[0],
            include_headers=list(include), length=length, identity=identity, canonicalize=canonicalize,
        )  # fmt: skip
        return header + raw

    def seal(self, raw: bytes, authserv_id: str) -> bytes:
        """The message with one more ARC set, of what its Authentication-Results of that id say."""
        lines = dkim.arc_sign(
            raw, self.selector.encode(), self.domain.encode(), _key(self.number, self.bits)[0], authserv_id.encode()
        )
        return b"".join(lines) + raw


class _WithTags(dkim.DKIM):
    """Signs further tags, such as x=, that dkimpy's signer has no argument for."""

    more = b""

    def gen_header(self, fields, *more, **named):
        for tag in filter(None, self.more.split(b";")):
            name, _, value = tag.strip().partition(b"=")
            fields = [one for one in fields if one[0] != name]
            fields.insert(-2, (name, value))
        return super().gen_header(fields, *more, **named)


def seconds_ago(seconds: int) -> bytes:
    return str(int(time.time()) - seconds).encode()
