"""DKIM signatures (RFC 6376) on our own mail, for operators whose relay does not sign (OUT-4).

RSA with SHA-256, relaxed/relaxed, over every header field that we write. Must never sign a mail that is not ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import dkim

from notifier.compose import Composed

_SIGNED = (
    *(b"From", b"To", b"Reply-To", b"Subject", b"Date", b"Message-ID", b"In-Reply-To", b"References"),
    *(b"Auto-Submitted", b"MIME-Version", b"Content-Type"),
)


@dataclass(frozen=True, slots=True)
class Signer:
    """`key`: PEM of an RSA private key. Raises ValueError where it is none."""

    domain: str
    selector: str
    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        try:
            self._signature(b"From: a@example.org\r\n\r\nx\r\n")
        except Exception as error:
            raise ValueError(f"the DKIM key cannot sign: {error}; it has to be an RSA private key (PEM)") from error

    def sign(self, composed: Composed) -> Composed:
        """The mail with its DKIM-Signature in front."""
        return replace(composed, message=self._signature(composed.message) + composed.message)

    def _signature(self, message: bytes) -> bytes:
        present = [name for name in _SIGNED if b"\n" + name + b":" in b"\n" + message.partition(b"\r\n\r\n")[0]]
        signature: bytes = dkim.sign(
            message, self.selector.encode("ascii"), self.domain.encode("idna"), self.key,
            canonicalize=(b"relaxed", b"relaxed"), include_headers=present,
        )  # fmt: skip
        return signature
