"""Which registry answers for an address or a domain: the IANA bootstrap, from files.

RFC 9224, RD-1. The packaged files are an extract that is enough to start with; folders with
IANA's own files (or the demo's) replace them one by one; `bootstrap_files` keeps one fresh.
Must never fetch anything.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from notifier.headers import clean

PACKAGED = Path(__file__).parent / "bootstrap"
_LARGEST_FILE = 4 * 1024 * 1024  # bytes; IANA's dns.json has about 60 thousand


class BootstrapError(ValueError):
    """A bootstrap file cannot be used; the message names it."""


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """Base addresses (each ends with `/`, HTTPS first) by network and by top-level labels.

    `networks`: (IP version, prefix length) -> network as integer -> addresses.
    """

    networks: Mapping[tuple[int, int], Mapping[int, tuple[str, ...]]]
    domains: Mapping[str, tuple[str, ...]]

    def for_address(self, address: str) -> tuple[str, ...]:
        """Longest prefix (RFC 9224 section 5.1); empty where nobody is known, or for what is no address."""
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return ()
        bits = parsed.max_prefixlen
        for length in range(bits, -1, -1):
            table = self.networks.get((parsed.version, length))
            urls = table.get(int(parsed) >> (bits - length)) if table else None
            if urls:
                return urls
        return ()

    def for_domain(self, name: str) -> tuple[str, ...]:
        """Longest match by labels (RFC 9224 section 4); empty where nobody is known."""
        labels = name.lower().strip(".").split(".")[-20:]
        for start in range(len(labels)):
            urls = self.domains.get(".".join(labels[start:]))
            if urls:
                return urls
        return ()

    def urls(self) -> Iterator[str]:
        """Every base address: the only hosts that are asked."""
        for table in self.networks.values():
            for urls in table.values():
                yield from urls
        for urls in self.domains.values():
            yield from urls


def load(*folders: Path | None) -> Bootstrap:
    """Read `ipv4.json`, `ipv6.json` and `dns.json`, each from the first folder that has it, else from the package.

    Raises BootstrapError naming the file and what is wrong in it.
    """
    networks: dict[tuple[int, int], dict[int, tuple[str, ...]]] = {}
    for name in ("ipv4.json", "ipv6.json"):
        for network, urls in _networks(_path(folders, name)):
            shift = network.max_prefixlen - network.prefixlen
            table = networks.setdefault((network.version, network.prefixlen), {})
            table[int(network.network_address) >> shift] = urls
    domains = {key.lower().strip("."): urls for key, urls in _services(_path(folders, "dns.json"))}
    return Bootstrap(networks, domains)


def checked(path: Path, name: str) -> None:
    """Raises BootstrapError where `path` could not stand as the file `name`, or where nobody is named in it."""
    found = sum(1 for _ in (_services(path) if name == "dns.json" else _networks(path)))
    if not found:
        raise BootstrapError(f"{path} names no registry")


def _networks(path: Path) -> Iterator[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, tuple[str, ...]]]:
    for key, urls in _services(path):
        try:
            yield ipaddress.ip_network(key), urls
        except ValueError as error:
            raise BootstrapError(f"{path}: {clean(key, 60)!r} is no network: {error}") from error


def _path(folders: Sequence[Path | None], name: str) -> Path:
    own = (folder / name for folder in folders if folder is not None)
    return next((path for path in own if path.is_file()), PACKAGED / name)


def _services(path: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(key, addresses) of a file: `services` is a list of [keys, addresses] (RFC 9224 section 3)."""
    try:
        with path.open("rb") as file:
            document = json.loads(file.read(_LARGEST_FILE))
        services = document["services"]
        for keys, urls in services:
            https_first = sorted((str(url) for url in urls), key=lambda url: not url.startswith("https://"))
            bases = tuple(url if url.endswith("/") else url + "/" for url in https_first)
            for key in keys:
                yield str(key), bases
    except OSError as error:
        raise BootstrapError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise BootstrapError(f"{path} is no bootstrap file in the format of RFC 9224: {error}") from error
