"""The registry that answers for an address is the one with the longest prefix, from files that name their mistakes."""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path
from typing import Any

import pytest

from notifier.bootstrap import PACKAGED, BootstrapError, load


def write(folder: Path, name: str, *services: Any) -> Path:
    path = folder / name
    path.write_text(json.dumps({"version": "1.0", "services": list(services)}))
    return path


@pytest.mark.parametrize(
    ("address", "registry"),
    [
        ("41.0.0.1", "rdap.afrinic.net"),
        ("1.1.1.1", "rdap.apnic.net"),
        ("8.8.8.8", "rdap.arin.net"),
        ("193.0.6.139", "rdap.db.ripe.net"),
        ("200.1.2.3", "rdap.lacnic.net"),
        ("2001:67c:2e8::1", "rdap.db.ripe.net"),
        ("2400:cb00::1", "rdap.apnic.net"),
        ("2600::1", "rdap.arin.net"),
        ("2800::1", "rdap.lacnic.net"),
        ("2c00::1", "rdap.afrinic.net"),
    ],
)
def test_the_packaged_files_know_the_five_registries(address: str, registry: str) -> None:
    (url,) = load().for_address(address)
    assert url.startswith(f"https://{registry}/")


def test_every_unicast_ipv4_network_that_is_handed_out_has_one_registry() -> None:
    bootstrap = load()
    missing = [first for first in range(1, 224) if not bootstrap.for_address(f"{first}.0.0.1")]
    assert missing == [10, 127]


@pytest.mark.parametrize("address", ["10.0.0.1", "127.0.0.1", "224.0.0.1", "fe80::1", "nonsense", ""])
def test_nobody_answers_for_what_is_nobodys(address: str) -> None:
    assert load().for_address(address) == ()


def test_a_domain_is_found_by_its_longest_ending(tmp_path: Path) -> None:
    write(tmp_path, "dns.json", [["Example"], ["https://a.example/"]], [["co.example"], ["https://b.example/rdap"]])
    bootstrap = load(tmp_path)
    assert bootstrap.for_domain("shop.example") == ("https://a.example/",)
    assert bootstrap.for_domain("SHOP.CO.example.") == ("https://b.example/rdap/",)
    assert bootstrap.for_domain("shop.com") == ()
    assert load().for_domain("shop.com") == ("https://rdap.verisign.com/com/v1/",)


def test_the_longest_prefix_wins_and_https_comes_first(tmp_path: Path) -> None:
    write(
        tmp_path,
        "ipv4.json",
        [["198.0.0.0/8"], ["https://wide.example/"]],
        [["198.51.100.0/24"], ["http://narrow.example/", "https://narrow.example/"]],
    )
    bootstrap = load(tmp_path)
    assert bootstrap.for_address("198.51.100.7") == ("https://narrow.example/", "http://narrow.example/")
    assert bootstrap.for_address("198.51.101.7") == ("https://wide.example/",)
    assert bootstrap.for_address("2600::1") != ()  # a file that the folder lacks is the packaged one


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"services": 7}',
        '{"services": [[["198.51.100.7/24"], ["https://a.example/"]]]}',
        "[" * 100_000,
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "ipv4.json"
    path.write_text(content)
    with pytest.raises(BootstrapError, match=r"ipv4\.json"):
        load(tmp_path)


def test_the_packaged_files_say_what_they_are_and_hold_no_network_twice() -> None:
    for name in ("ipv4.json", "ipv6.json", "dns.json"):
        document = json.loads((PACKAGED / name).read_text())
        assert "extract" in document["description"]
        keys = [key for service in document["services"] for key in service[0]]
        assert len(keys) == len(set(keys))
        if name != "dns.json":
            networks = [ipaddress.ip_network(key) for key in keys]
            assert len(networks) > 20
