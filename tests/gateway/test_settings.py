"""arfgate.toml, environment, secret files: what is read, what is refused, and in which words."""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError
from typer import Typer
from typer.testing import CliRunner

from gateway.cli.init import init, settings_text
from gateway.settings import Settings, SettingsError, load
from gateway.tomlfile import models_in

SECRET = "not-to-be-seen-0123456789-0123456789"
MINIMAL = f"""
secret_key = "{SECRET}"
[operator]
name = "Example Provider"
domain = "ISP.example"
address = "abuse@ISP.example"
[web]
enabled = false
"""
MAILBOX = f"""
[[mailboxes]]
name = "abuse"
role = "abuse"
host = "imap.isp.example"
user = "abuse@isp.example"
password = "{SECRET}"
"""


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch):
    for name in os.environ:
        if name.startswith("ARFGATE_"):
            monkeypatch.delenv(name)


@pytest.fixture
def written(tmp_path):
    def write(text: str, name: str = "arfgate.toml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def refused(path: Path) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(path)
    text = str(caught.value)
    assert SECRET not in text
    assert text.splitlines() == list(caught.value.problems), "one line for each problem"
    return list(caught.value.problems)


def test_the_least_file_gives_every_default(written):
    settings = load(written(MINIMAL))
    assert settings.operator.domain == "isp.example"
    assert settings.operator.notice_address == settings.operator.address == "abuse@isp.example"
    assert settings.operator.own_domains == ("isp.example",)
    assert settings.database.url == f"sqlite+aiosqlite:///{settings.folder}/arfgate.db"
    assert (settings.smtp.host, settings.smtp.security, settings.smtp.port) == ("127.0.0.1", "none", 25)
    assert settings.policy_sources == ["default"]
    assert settings.sender_name == "Example Provider"
    assert settings.node
    assert settings.limits.for_parsing().message_bytes == 25 * 1024 * 1024


@pytest.mark.parametrize(
    ("extra", "port"),
    [
        ("", 993),
        ('security = "plain"\nhost = "127.0.0.1"', 143),
        ("port = 10993", 10993),
        ('security = "starttls"', 143),
    ],
)
def test_a_mailbox_has_the_usual_port_of_its_security(written, extra, port):
    box = MAILBOX.replace('host = "imap.isp.example"\n', "") if "host" in extra else MAILBOX
    assert load(written(MINIMAL + box + extra)).mailboxes[0].port == port


@pytest.mark.parametrize(
    ("extra", "security", "port"),
    [
        ("", "none", 25),
        ('host = "smtp.isp.example"', "starttls", 587),
        ('host = "smtp.isp.example"\nsecurity = "tls"', "tls", 465),
        ('security = "starttls"\nport = 2525', "starttls", 2525),
    ],
)
def test_the_relay_has_usual_security_and_port(written, extra, security, port):
    smtp = load(written(f"{MINIMAL}\n[smtp]\n{extra}")).smtp
    assert (smtp.security, smtp.port) == (security, port)


def test_networks_are_networks_and_single_addresses_count(written):
    text = MINIMAL.replace(
        "[web]",
        'networks = ["192.0.2.0/24", "2001:db8::/32"]\nrelays = ["192.0.2.25"]\nauthserv_ids = ["MX.isp.example"]\n[web]',
    )
    operator = load(written(text)).operator
    assert operator.networks == (ipaddress.ip_network("192.0.2.0/24"), ipaddress.ip_network("2001:db8::/32"))
    assert operator.relays == (ipaddress.ip_network("192.0.2.25/32"),)
    assert operator.authserv_ids == ("mx.isp.example",)


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("postgresql://u:p@db/arfgate", "postgresql+asyncpg://u:p@db/arfgate"),
        ("postgres://u:p@db/arfgate", "postgresql+asyncpg://u:p@db/arfgate"),
        ("postgresql+asyncpg://u:p@db/arfgate", "postgresql+asyncpg://u:p@db/arfgate"),
        ("sqlite:////var/lib/arfgate.db", "sqlite+aiosqlite:////var/lib/arfgate.db"),
        ("sqlite+aiosqlite:///:memory:", "sqlite+aiosqlite:///:memory:"),
    ],
)
def test_the_database_url_gets_its_driver(written, given, stored):
    assert load(written(f'{MINIMAL}[database]\nurl = "{given}"')).database.url == stored


def test_relative_paths_belong_to_the_files_folder_not_to_where_the_command_runs(written, tmp_path, monkeypatch):
    (tmp_path / "key").write_text(SECRET + "\n")
    text = MINIMAL.replace(f'secret_key = "{SECRET}"', 'secret_key_file = "key"') + '[policy]\nname = "mine.toml"'
    path = written(text)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    settings = load(path)
    assert settings.secret_key.get_secret_value() == SECRET
    assert settings.policy_sources == [tmp_path / "mine.toml"]
    assert settings.database.url.endswith(f"{tmp_path}/arfgate.db")


def test_the_file_is_found_by_argument_then_variable_then_here(written, tmp_path, monkeypatch):
    here = written(MINIMAL.replace("Example Provider", "Here"))
    named = written(MINIMAL.replace("Example Provider", "Named"), "named.toml")
    given = written(MINIMAL.replace("Example Provider", "Given"), "given.toml")
    monkeypatch.chdir(tmp_path)
    assert load().operator.name == "Here"
    assert load().path == here
    monkeypatch.setenv("ARFGATE_CONFIG", str(named))
    assert load().operator.name == "Named"
    assert load(given).operator.name == "Given"


def test_the_environment_overrides_the_file_at_every_level(written, monkeypatch):
    path = written(MINIMAL + MAILBOX.replace('"abuse"', '"abuse-desk"', 1) + "[smtp]\nport = 2525\n")
    monkeypatch.setenv("ARFGATE_SMTP__PORT", "26")
    monkeypatch.setenv("ARFGATE_SMTP__HOST", "smtp.isp.example")
    monkeypatch.setenv("ARFGATE_NODE", "two")
    monkeypatch.setenv("ARFGATE_OPERATOR__RELAYS", "192.0.2.1, 2001:db8::1")
    monkeypatch.setenv("ARFGATE_OPERATOR__AUTHSERV_IDS", '["a.example"]')
    monkeypatch.setenv("ARFGATE_MAILBOXES__ABUSE_DESK__PASSWORD", "12345")
    monkeypatch.setenv("ARFGATE_LOG__LEVEL", "")  # empty: as if it were not there
    settings = load(path)
    assert (settings.smtp.host, settings.smtp.port, settings.node) == ("smtp.isp.example", 26, "two")
    assert [str(net) for net in settings.operator.relays] == ["192.0.2.1/32", "2001:db8::1/128"]
    assert settings.operator.authserv_ids == ("a.example",)
    assert settings.mailboxes[0].password.get_secret_value() == "12345"
    assert settings.mailboxes[0].host == "imap.isp.example"


def test_a_secret_of_the_environment_replaces_a_secret_file(written, monkeypatch):
    path = written(MINIMAL + MAILBOX.replace(f'password = "{SECRET}"', 'password_file = "absent"'))
    monkeypatch.setenv("ARFGATE_MAILBOXES__ABUSE__PASSWORD", "from-environment")
    assert load(path).mailboxes[0].password.get_secret_value() == "from-environment"


def test_a_secret_file_of_the_environment_replaces_a_secret(written, tmp_path, monkeypatch):
    (tmp_path / "pw").write_text("from-file\r\n")
    monkeypatch.setenv("ARFGATE_MAILBOXES__ABUSE__PASSWORD_FILE", "pw")
    assert load(written(MINIMAL + MAILBOX)).mailboxes[0].password.get_secret_value() == "from-file"


def test_secrets_appear_in_no_text_of_the_settings(written):
    url = f"postgresql://u:{SECRET}@db/arfgate"
    settings = load(written(f'{MINIMAL}[database]\nurl = "{url}"\n{MAILBOX}'))
    for text in (
        repr(settings),
        str(settings),
        settings.model_dump_json(exclude={"database"}),
        "".join(settings.warnings()),
    ):
        assert SECRET not in text


WRONG = [
    # (what is laid into the file, what the one line must say)
    ("[smtp]\nport = 70000", ["smtp.port = 70000", "less than or equal to 65535", "25 for none, 587"]),
    ("[smtp]\nprot = 25", ["smtp.prot: unknown setting; did you mean port?"]),
    ("[smpt]\nport = 25", ["smpt: unknown setting; did you mean smtp?"]),
    ('[smtp]\nmode = "relays"', ["smtp.mode = 'relays'", "'relay' or 'direct'"]),
    ('[smtp]\nhost = "smtp.isp.example"\nuser = "u"', ["smtp.password: is missing", "password_file"]),
    ('[smtp]\nhost = "smtp.isp.example:25"', ["smtp.host = 'smtp.isp.example:25'", "no port"]),
    (
        f'[smtp]\nhost = "192.0.2.1"\nsecurity = "none"\nuser = "u"\npassword = "{SECRET}"',
        ["smtp.password = (hidden)", "readable", '"starttls" or "tls"'],
    ),
    (f'[smtp]\npasword = "{SECRET}"', ["smtp.pasword: unknown setting; did you mean password?"]),
    ('[database]\nurl = "mysql://u@db/x"', ["database.url = (hidden)", "sqlite+aiosqlite:///"]),
    ('[database]\nurl = "sqlite+aiosqlite://"', ["names no file"]),
    ('[web]\nhost = "0.0.0.0"', ["web:", "host = '0.0.0.0'", "this machine only", "SSH tunnel", "trusted_proxies"]),
    ('[sign_on]\nissuer = "https://login.example"', ["sign_on.client_id", "is missing"]),
    ('[sign_on]\nissuer = "login.example"', ["sign_on.issuer = 'login.example'"]),
    ('[rdap]\nallow_hosts = ["127.0.0.1"]', ["rdap.allow_hosts[1] = '127.0.0.1'", '"host:port"']),
    ("[limits]\nparts = 0", ["limits.parts = 0", "greater than or equal to 1"]),
    ('[limits]\nparts = "many"', ["limits.parts = 'many'", "valid integer"]),
    ('[log]\nlevel = "loud"', ["log.level = 'loud'", "'debug', 'info'"]),
    ('[[feeds]]\nname = "f"', ["feeds[1].aliases", "neither domains nor aliases"]),
    ('[[feeds]]\nname = "f"\ndomains = ["feed"]', ["feeds[1].domains[1] = 'feed'", "is not a domain name"]),
    ('[[feeds]]\nname = "f"\naliases = ["fbl"]', ["feeds[1].aliases[1] = 'fbl'", "is not a mail address"]),
    (
        '[[feeds]]\nname = "f"\ndomains = ["a.example"]\n[[feeds]]\nname = "f"\ndomains = ["b.example"]',
        ['2 entries are named "f"', "its own name"],
    ),
    (MAILBOX * 2, ["mailboxes: 2 entries are named", "its own name"]),  # and neither password beside it
    (
        MAILBOX.replace('role = "abuse"', 'role = "abus"'),
        ["mailboxes[1].role = 'abus'", "'abuse', 'postmaster' or 'isp-desk'"],
    ),
    (MAILBOX.replace(f'password = "{SECRET}"', ""), ["mailboxes[1].password: is missing", "MAILBOXES__NAME__PASSWORD"]),
    (MAILBOX + 'password_file = "pw"', ["mailboxes[1].password = (hidden)", "keep one of the two"]),
    (MAILBOX.replace(f'password = "{SECRET}"', 'password_file = "absent"'), ["mailboxes[1].password", "No such file"]),
    (
        MAILBOX + 'security = "plain"',
        ["mailboxes[1].allow_plain", "sends the password readable", 'use security = "tls"'],
    ),
    (MAILBOX + "poll_seconds = 0", ["mailboxes[1].poll_seconds = 0"]),
    (MAILBOX.replace('"abuse"', '"Abuse Desk"', 1), ["mailboxes[1].name = 'Abuse Desk'"]),
    (MAILBOX + 'folder = "IN\\nBOX"', ["mailboxes[1].folder = 'IN\\nBOX'", "control character"]),
]


@pytest.mark.parametrize(("addition", "words"), WRONG, ids=[words[0] for _, words in WRONG])
def test_a_wrong_setting_is_one_line_with_file_key_value_and_what_to_do(written, addition, words):
    text = MINIMAL.replace("[web]\nenabled = false\n", "") if "[web]" in addition else MINIMAL
    path = written(text + addition)
    (line,) = refused(path)
    assert line.startswith(f"{path}: ")
    for word in words:
        assert word in line


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (f'secret_key = "{SECRET}"\n', "", ["secret_key: is missing", "secret_key_file", "arfgate init"]),
        (SECRET, "short", ["secret_key = (hidden)", "5 characters, at least 32"]),
        ('name = "Example Provider"\n', "", ["operator.name: is missing; add it (Your organisation's name"]),
        ("ISP.example", "isp", ["operator.domain = 'isp'", "is not a domain name"]),
        ("abuse@", "a-local-part-of-more-than-thirty@", ["operator.notice_address", "longer than 30"]),
        ('"abuse@ISP.example"', '"abuse@isp.example"\nnetworks = ["192.0.2.1/24"]', ["write 192.0.2.0/24"]),
        ('"abuse@ISP.example"', '"abuse@isp.example"\ndomains = 1', ["operator.domains: unknown", "mean domain?"]),
    ],
)
def test_wrong_identity_of_the_operator_is_told(written, old, new, words):
    lines = refused(written(MINIMAL.replace(old, new, 1)))
    assert any(all(word in line for word in words) for line in lines), lines


def test_all_problems_are_told_at_once(written):
    lines = refused(written(MINIMAL + '[smtp]\nport = 0\nmode = "x"\n[limits]\nparts = 0\n[[mailboxes]]\nname = "a"\n'))
    keys = {re.sub(r"line \d+: ", "", line).split(": ")[1].split(" = ")[0] for line in lines}
    assert {"smtp.port", "smtp.mode", "limits.parts", "mailboxes[1].host", "mailboxes[1].password"} <= keys


def test_a_wrong_variable_is_named_instead_of_the_file(written, monkeypatch):
    monkeypatch.setenv("ARFGATE_SMTP__PORT", "many")
    monkeypatch.setenv("ARFGATE_SMTP__HOTS", SECRET)
    monkeypatch.setenv("ARFGATE_MAILBOXES__NOBODY__PASSWORD", SECRET)
    lines = refused(written(MINIMAL + MAILBOX))
    assert len(lines) == 3
    assert any(line.startswith("environment variable ARFGATE_SMTP__PORT: smtp.port = 'many'") for line in lines)
    assert any(line.startswith("environment variable ARFGATE_SMTP__HOTS: smtp.hots: unknown") for line in lines)
    assert any("ARFGATE_MAILBOXES__NOBODY__" in line and "no entry of that name" in line for line in lines)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[operator\n", ["not valid TOML", "line 1"]),
        (b"a = 1\na = 2\n", ["not valid TOML", "line 2"]),
        (b'a = "\xff"\n', ["line 1 is not UTF-8"]),
        (b"a = " + b"[" * 100_000, ["not valid TOML"]),
        (b"#" * (1024 * 1024 + 1), ["larger than"]),
    ],
    ids=["syntax", "twice", "encoding", "nesting", "size"],
)
def test_a_file_that_is_no_toml_is_named_with_its_line(tmp_path, content, words):
    path = tmp_path / "arfgate.toml"
    path.write_bytes(content)
    (line,) = refused(path)
    assert str(path) in line
    assert all(word in line for word in words)


def test_a_missing_file_names_the_next_step(tmp_path):
    (line,) = refused(tmp_path / "absent.toml")
    assert "arfgate init" in line
    assert "--config" in line


def test_a_folder_in_place_of_the_file_is_told(tmp_path):
    (line,) = refused(tmp_path)
    assert "cannot be read" in line


@pytest.mark.parametrize(
    ("content", "words"), [(b"two\nlines\n", "one line"), (b"\xff\xfe", "is not text"), (b"", "0 characters")]
)
def test_a_secret_file_must_hold_one_line_of_text(written, tmp_path, content, words):
    (tmp_path / "pw").write_bytes(content)
    (line,) = refused(written(MINIMAL + MAILBOX.replace(f'password = "{SECRET}"', 'password_file = "pw"')))
    assert words in line


@pytest.mark.parametrize(
    ("addition", "words"),
    [
        (MAILBOX + "verify = false", 'mailboxes "abuse": verify = false: the server\'s certificate is NOT checked'),
        (MAILBOX + 'security = "plain"\nallow_plain = true', "UNENCRYPTED to imap.isp.example"),
        ("[smtp]\nverify = false", "smtp: verify = false"),
        ('[smtp]\nhost = "192.0.2.1"\nsecurity = "none"', "notices travel UNENCRYPTED to 192.0.2.1"),
        (
            '[rdap]\nallow_hosts = ["127.0.0.1:8043"]',
            "rdap.allow_hosts: RDAP answers are taken from 127.0.0.1:8043 too",
        ),
    ],
)
def test_what_is_dangerous_is_warned_of(written, addition, words):
    assert any(words in line for line in load(written(MINIMAL + addition)).warnings())


def test_no_border_server_means_a_warning_that_reports_are_held(written):
    unchecked = MINIMAL + "\n[screening]\nown_checks = false\n"
    assert any("authserv_ids is empty" in line for line in load(written(unchecked)).warnings())
    assert not any("authserv_ids is empty" in line for line in load(written(MINIMAL)).warnings())
    text = MINIMAL.replace("[web]", 'authserv_ids = ["mx.isp.example"]\n[web]')
    assert load(written(text)).warnings() == []


def test_a_secret_file_that_others_can_read_is_warned_of(written, tmp_path):
    secret = tmp_path / "key"
    secret.write_text(SECRET)
    path = written(MINIMAL.replace(f'secret_key = "{SECRET}"', 'secret_key_file = "key"'))
    secret.chmod(0o600)
    assert not any("chmod" in line for line in load(path).warnings())
    secret.chmod(0o644)
    assert any(f"chmod 600 {secret}" in line for line in load(path).warnings())


def test_a_variable_that_names_nothing_is_warned_of(written, monkeypatch):
    monkeypatch.setenv("ARFGATE_SMPT__HOST", "x")
    monkeypatch.setenv("ARFGATE_REQUIRE", "all")
    named = [line for line in load(written(MINIMAL)).warnings() if "names no setting" in line]
    assert len(named) == 1
    assert "ARFGATE_SMPT__HOST" in named[0]


def test_settings_cannot_be_changed(written):
    settings = load(written(MINIMAL))
    with pytest.raises(ValidationError):
        settings.node = "other"


# --- arfgate init ----------------------------------------------------------------------


@pytest.fixture
def run_init():
    app = Typer()
    app.command()(init)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_init_writes_a_file_that_loads_and_secrets_for_the_owner_alone(run_init, tmp_path):
    folder = tmp_path / "new" / "folder"
    result = run_init(folder)
    assert result.exit_code == 0, result.output
    settings = load(folder / "arfgate.toml")
    assert len(settings.secret_key.get_secret_value()) >= 32
    assert (folder / "secret.key").stat().st_mode & 0o777 == 0o600
    assert settings.secret_key.get_secret_value() not in result.output
    assert "arfgate check" in result.output


def test_init_overwrites_nothing_unasked_and_a_secret_never(run_init, tmp_path):
    run_init(tmp_path)
    key = (tmp_path / "secret.key").read_text()
    (tmp_path / "arfgate.toml").write_text("mine = true\n")
    refused_run = run_init(tmp_path)
    assert refused_run.exit_code == 1
    assert "--force" in refused_run.output
    assert (tmp_path / "arfgate.toml").read_text() == "mine = true\n"
    assert run_init(tmp_path, "--force").exit_code == 0
    assert (tmp_path / "secret.key").read_text() == key
    assert "mine" not in (tmp_path / "arfgate.toml").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["arfgate.toml", "secret.key"]


def test_init_where_nothing_can_be_written_says_so_without_a_traceback(run_init, tmp_path):
    (tmp_path / "file").write_text("")
    result = run_init(tmp_path / "file" / "folder")
    assert result.exit_code == 1
    assert "cannot be written" in result.output
    assert "Traceback" not in result.output


def _uncommented(text: str) -> str:
    lines = (line[1:] if line.startswith("#") and line[1:2] not in {" ", ""} else line for line in text.splitlines())
    return "\n".join(lines)


def test_the_written_file_names_every_setting_and_stays_toml_when_all_are_uncommented():
    everything = tomllib.loads(_uncommented(settings_text()))
    from_files = {"secret_key", "password", "token", "outside_secret", "secret", "oauth_secret", "oauth_refresh"}
    from_files.add("webhook")
    for name, field in Settings.model_fields.items():
        if name in from_files:
            continue
        assert name in everything
        for section in models_in(field.annotation):
            table = everything[name][0] if isinstance(everything[name], list) else everything[name]
            assert set(section.model_fields) - from_files == set(table), name


def test_every_example_of_the_written_file_is_a_valid_value(tmp_path):
    secrets = ("secret.key", "sign-on.secret", "mailbox-abuse.password", "smtp.password", "outside.key", "netbox.token")
    by_oauth = ("mailbox-abuse.secret", "mailbox-abuse.refresh", "google-key.json")
    for name in (*secrets, *by_oauth, "connector-edge.secret", "channel-acme.secret"):
        (tmp_path / name).write_text(SECRET)
    (tmp_path / "alarms.webhook").write_text("https://chat.example/hooks/secret")
    path = tmp_path / "arfgate.toml"
    path.write_text(_uncommented(settings_text()), encoding="utf-8")
    settings = load(path)
    assert [box.name for box in settings.mailboxes] == ["abuse"]
    assert settings.public_url == "https://abuse.isp.example"
