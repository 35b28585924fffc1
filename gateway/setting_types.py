"""The kinds of values that settings have, each with its check: domains, addresses, networks, paths, secrets.

Relative paths are relative to the settings file's folder, which comes as the validation
context's `folder`. Must never look a name up, and never quote a secret.
"""

from __future__ import annotations

import ipaddress
import json
import re
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, StringConstraints, ValidationInfo

IpNetwork = IPv4Network | IPv6Network
MAX_SECRET_BYTES = 64 * 1024

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*", re.ASCII)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine without asking anybody."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def secret_from_file(
    value: object, info: ValidationInfo, file_key: str, *, required: bool, least: int = 1
) -> SecretStr | None:
    """The secret itself, or what the file named by `file_key` holds (without the line end).

    Raises ValueError where both are given, where the file cannot be read, where a `required`
    one is missing, and where it is shorter than `least` characters.
    """
    path = info.data.get(file_key)
    if value is not None and not isinstance(value, str | SecretStr):
        raise ValueError("must be text in quotes")
    if value is not None and path is not None:
        raise ValueError(f"{file_key} is given too; keep one of the two")
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    if path is not None:
        text = _read_secret(path)
    if text is None:
        if required:
            raise ValueError(f"is missing; give it, or {file_key}")
        return None
    if len(text) < least:
        where = f"{path} holds" if path else "has"
        raise ValueError(f"{where} {len(text)} characters, at least {least} are needed; `arfgate init` makes one")
    return SecretStr(text)


def _read_secret(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_SECRET_BYTES + 1)
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}); check the path, its owner and mode") from None
    try:
        text = raw.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not text; write the secret into it as one line") from None
    if len(raw) > MAX_SECRET_BYTES or "\n" in text:
        raise ValueError(f"{path} has more than one line; write the secret into it as one line")
    return text


def _plain_text(value: str) -> str:
    if _CONTROLS.search(value):
        raise ValueError("contains a control character or line break; remove it")
    return value


def _domain(value: str) -> str:
    name = value.lower().rstrip(".")
    if not name.isascii():
        raise ValueError("has letters outside ASCII; write the xn-- form")
    labels = name.split(".")
    if len(labels) < 2 or len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("is not a domain name such as isp.example")
    return name


def _host(value: str) -> str:
    if is_loopback(value):
        return value.lower()
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        pass
    if len(value) > 253 or not all(_LABEL.fullmatch(label) for label in value.lower().rstrip(".").split(".")):
        raise ValueError("is neither a host name nor an IP address (no port, no scheme)")
    return value.lower()


def _address(value: str) -> str:
    local, at, domain = value.rpartition("@")
    if not at or len(local) > 64 or not _LOCAL.fullmatch(local):
        raise ValueError("is not a mail address such as abuse@isp.example")
    return f"{local}@{_domain(domain)}"


def _network(value: object) -> object:
    if not isinstance(value, str):
        return value  # a network already; anything else is refused by its type
    try:
        return ipaddress.ip_network(value.strip())
    except ValueError as error:
        text = str(error)
        if text.endswith("has host bits set"):
            raise ValueError(f"has host bits set; write {ipaddress.ip_network(value.strip(), strict=False)}") from None
        raise ValueError("is not an address or prefix such as 192.0.2.0/24") from None


def _host_port(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or not port.isascii() or not port.isdecimal() or not 0 < int(port[:6]) < 65536:
        raise ValueError('is not "host:port" such as "127.0.0.1:8043"')
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    shown = _host(bare)
    return f"[{shown}]:{int(port)}" if ":" in shown else f"{shown}:{int(port)}"


def listed(value: object) -> object:
    """Lists from the environment: JSON, or values with commas between."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except ValueError:
            raise ValueError("is not a list; write values with commas between") from None
    return [item.strip() for item in value.split(",") if item.strip()]


def in_folder(path: Path, info: ValidationInfo) -> Path:
    """A relative path belongs to the settings file's folder, not to where the command was started."""
    folder: Path = (info.context or {}).get("folder", Path())
    return (folder / path.expanduser()).absolute()


def _database_url(value: str, info: ValidationInfo) -> str:
    """Driver filled in, and a relative SQLite path made absolute."""
    scheme, separator, rest = value.partition("://")
    driver = {
        "sqlite": "sqlite+aiosqlite",
        "sqlite+aiosqlite": "sqlite+aiosqlite",
        "postgres": "postgresql+asyncpg",
        "postgresql": "postgresql+asyncpg",
        "postgresql+asyncpg": "postgresql+asyncpg",
    }.get(scheme)
    if driver is None or not separator:
        raise ValueError("must begin with sqlite+aiosqlite:/// or postgresql+asyncpg://")
    if driver == "postgresql+asyncpg":
        return f"{driver}://{rest}"
    if not rest.startswith("/") or rest == "/":
        raise ValueError("names no file; write sqlite+aiosqlite:///arfgate.db")
    path, question, options = rest[1:].partition("?")
    if path != ":memory:":
        path = str(in_folder(Path(path), info))
    return f"{driver}:///{path}{question}{options}"


Text = Annotated[str, StringConstraints(min_length=1, max_length=300), AfterValidator(_plain_text)]
MailboxName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
DomainName = Annotated[str, AfterValidator(_domain)]
Host = Annotated[str, StringConstraints(min_length=1), AfterValidator(_host)]
Address = Annotated[str, AfterValidator(_address)]
Port = Annotated[int, Field(ge=1, le=65535)]
FilePath = Annotated[Path, AfterValidator(in_folder)]
DatabaseUrl = Annotated[str, AfterValidator(_database_url)]

TextList = Annotated[tuple[Text, ...], BeforeValidator(listed)]
DomainList = Annotated[tuple[DomainName, ...], BeforeValidator(listed)]
AddressList = Annotated[tuple[Address, ...], BeforeValidator(listed)]
NetworkList = Annotated[tuple[Annotated[IpNetwork, BeforeValidator(_network)], ...], BeforeValidator(listed)]
HostPortList = Annotated[tuple[Annotated[str, AfterValidator(_host_port)], ...], BeforeValidator(listed)]

Data = dict[str, Any]  # what a default may depend on: the section's settings above it
