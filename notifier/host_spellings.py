"""How the name or the address of a host may be written: in its own letters, in words, as one number, turned round.

Pure. Must never decide which hosts are private, nor look for them in text.
"""

from __future__ import annotations

import base64
import contextlib
import ipaddress
from functools import lru_cache

_DOTS = (".", "[.]", "[dot]", "(dot)", " [dot] ", " (dot) ", " dot ", "_dot_", "-dot-")
ROT13 = {**{65 + i: 65 + (i + 13) % 26 for i in range(26)}, **{97 + i: 97 + (i + 13) % 26 for i in range(26)}}


def in_scripts(domain: str) -> set[str]:
    """A domain in ASCII and in its own letters, where it has others."""
    scripts = {domain}
    with contextlib.suppress(UnicodeError):
        scripts.add(domain.encode("idna").decode("ascii") if not domain.isascii() else domain.encode().decode("idna"))
    return scripts


@lru_cache(maxsize=1000)
def domain_spellings(domain: str) -> tuple[str, ...]:
    """A domain as it may be spelt, longest first: its dots in words, its other letters as RFC 5890 has them."""
    spelt = {one.replace(".", dot) for one in in_scripts(domain) for dot in _DOTS}
    return tuple(sorted(spelt, key=lambda one: (-len(one), one)))


@lru_cache(maxsize=1000)
def forms(host: str) -> tuple[str, ...]:
    """Every form of a domain, or of an address, that is read from left to right, in lower case, the longest first:
    `example.net`, `rknzcyr.arg`; `192.0.2.1`, `192-0-2-1`, `1.2.0.192`, `3221225985`, `0xc0000201` ..."""
    try:
        written = _address_forms(ipaddress.ip_address(host))
    except ValueError:
        written = {spelt for one in in_scripts(host) for spelt in (one, one.translate(ROT13))}
    return tuple(sorted({host, *written}, key=lambda one: (-len(one), one)))


def _address_forms(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> set[str]:
    packed = address.packed
    short = base64.b64encode(packed).decode("ascii").rstrip("=").lower()
    written = {str(address), address.reverse_pointer.rpartition(".")[0].rpartition(".")[0], str(int(address)), short}
    if isinstance(address, ipaddress.IPv6Address):
        return written | {address.exploded, address.exploded.replace(":", ""), str(address).replace(":", "-")}
    octets = str(address).split(".")
    written |= {"-".join(octets), "-".join(octets[::-1]), "".join(part.zfill(3) for part in octets)}
    written |= {".".join(form % part for part in packed) for form in ("0x%02x", "0x%x", "0%o", "%03o", "%03d", "%02x")}
    return written | {packed.hex(), f"0x{packed.hex()}", packed.hex(":"), f"{packed[:2].hex()}:{packed[2:].hex()}"}
