"""`arfgate contacts` says of each address whether it would be told, why not, and where it comes from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner
from whole.outside import ROLES, advertising, scene
from whole.scene import ALDER, FOREIGN, Scene, bounce
from whole.world import World

from gateway.cli import build
from gateway.store import third_parties
from gateway.would_tell import would_tell
from servers.outside_registry import Registry, registry_at
from servers.receiver import SmtpReceiver

HOLDER = "abuse@holder.example.net"


async def asked(made: Scene, subject: str) -> dict[str, str]:
    assert made.house.contacts is not None
    kind: Any = "ip" if subject[0].isdigit() else "domain"
    said = await would_tell(made.house, made.house.contacts, kind, subject)
    return {row["address"].partition("@")[0]: row["would be told"] for row in said.rows}


async def test_each_role_goes_by_the_policy_and_the_acknowledgement(
    tmp_path: Path, smtp_receiver: SmtpReceiver
) -> None:
    async with scene(tmp_path, smtp_receiver, contacts={"upstreams": ["noc@transit.example.net"]}) as made:
        no = dict.fromkeys(ROLES[1:], "no: role")
        assert await asked(made, FOREIGN) == {"abuse": "yes"} | no
        assert await asked(made, "shop.example") == {"abuse": "yes"} | no
        ours = await asked(made, ALDER)
        assert ours == {"abuse": "no: ourselves", "noc": "no: role"} | dict.fromkeys(ROLES[1:], "no: role")
        made.house.book.default.third_parties.__dict__["abuse"] = "approve"
        assert (await asked(made, FOREIGN))["abuse"] == "once a person approves"


async def test_what_happened_before_counts(tmp_path: Path, smtp_receiver: SmtpReceiver) -> None:
    async with scene(tmp_path, smtp_receiver, contacts={"most_a_day": 1}) as made:
        await made.take_in(advertising("shop.example"))
        assert (await asked(made, "store.example"))["abuse"] == "in tomorrow's digest: 1 mails today"
        (mail,) = [mail.raw for mail in made.relay.received if mail.rcpt_tos == [HOLDER]]
        await made.take_in(bounce(mail))
        assert (await asked(made, "store.example"))["abuse"] == "no: dead"
        async with made.house.database.writing() as connection:
            await third_parties.refuse(connection, HOLDER, "ann", made.house.clock())
        assert (await asked(made, "store.example"))["abuse"] == "no: opted-out"
        assert await made.ask("SELECT count(*) FROM notices WHERE kind = 'digest'") == [(0,)]


@pytest.fixture
def registry(tmp_path: Path) -> Any:
    with registry_at() as made:
        yield made


def run(world: World, *arguments: str) -> Any:
    return CliRunner().invoke(build("contacts"), ["contacts", *arguments, "--config", str(world.config)])


def test_the_command_prints_who_and_from_where(tmp_path: Path, registry: Registry) -> None:
    world = World(tmp_path, f"sqlite+aiosqlite:///{tmp_path}/a.db")
    world.sections["rdap"] = {"enabled": True, "allow_hosts": [registry.place], "bootstrap_dir": str(tmp_path)}
    services = [[["192.0.2.0/24", "198.51.100.0/24"], [f"http://{registry.place}/"]]]
    (tmp_path / "ipv4.json").write_text(json.dumps({"services": services}))
    world.write()
    said = run(world, "192.0.2.1")
    assert said.exit_code == 0
    assert "abuse@net.example" in said.stdout
    (row, *_) = json.loads(run(world, "192.0.2.1", "--json").stdout)
    assert row == {
        "address": "abuse@net.example", "roles": "abuse", "would be told": "yes",
        "registration": "192.0.2.0 - 192.0.2.255 (EXAMPLE-NET)", "source": f"http://{registry.place}/ip/192.0.2.1",
    }  # fmt: skip
    unknown = run(world, "198.51.100.99")
    assert unknown.exit_code == 0
    assert "Nobody is known" in unknown.stdout
    private = run(world, "10.0.0.1")
    assert private.exit_code == 1
    assert "names no registry" in private.stderr
    assert run(world, "no such thing").exit_code == 1
