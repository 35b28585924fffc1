"""`arfgate policy`: what the rules say, whether a file is one, what changed, and what it would have done."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gateway import policy_versions
from gateway.casework.replay import Would
from gateway.cli.session import ConfigOption, JsonOption, as_json, fail, in_house, settings_of, table, text, who
from gateway.house import House
from gateway.policies.book import Edition, differences, edition
from gateway.policies.policy import Policy, PolicyError, load, shipped
from gateway.policies.words import describe
from gateway.simulate import simulate
from gateway.store import policies
from gateway.store.policies import Version

policy_app = typer.Typer(help="The rules: which hold, what they say, what they would have done.", no_args_is_help=True)

Source = Annotated[str, typer.Argument(help="Name of a policy that comes with arfgate, or a file (.toml).")]


@policy_app.command("list")
def list_policies(json: JsonOption = False, config: ConfigOption = None) -> None:
    """Policies that come with arfgate, those that hold here, and every version that ever did."""

    async def work(house: House) -> tuple[list[Version], dict[str, str]]:
        async with house.database.reading() as connection:
            return await policies.versions(connection), await policies.assigned(connection)

    held, customers = in_house(config, work)
    settings = settings_of(config)
    now = [one.policy.label for one in policy_versions.editions(settings)]
    rows = [_line(version, now, customers) for version in reversed(held)]
    rows += [[name, load(name).version, "comes with arfgate", "", ""] for name in shipped() if name not in _names(held)]
    columns = ("name", "version", "state", "since", "customers")
    if json:
        as_json([dict(zip(columns, row, strict=True)) for row in rows])
        return
    table("Policies", columns, rows, empty="No policy.")


@policy_app.command()
def show(
    policy: Source,
    toml: Annotated[bool, typer.Option("--toml", help="The file itself, to copy and edit.")] = False,
    json: JsonOption = False,
) -> None:
    """What a policy says, in words."""
    one = _or_fail(policy)
    if json:
        as_json(one.policy.model_dump(mode="json"))
    else:
        typer.echo(one.text if toml else describe(one.policy), nl=not toml)


@policy_app.command()
def check(policy: Source) -> None:
    """Whether a file is a policy. Each problem is one line with file, line, key and what to do."""
    one = _or_fail(policy)
    typer.echo(f"{one.policy.label} is well-formed: {len(one.policy.classes)} classes of cases.")


@policy_app.command()
def diff(old: Source, new: Source, json: JsonOption = False) -> None:
    """What differs between two policies, a line each."""
    lines = differences(_or_fail(old).policy, _or_fail(new).policy)
    if json:
        as_json(lines)
        return
    for line in lines or ["They say the same."]:
        typer.echo(text(line))


@policy_app.command()
def assign(
    customer: Annotated[str, typer.Argument(help="Key of the customer.")],
    policy: Annotated[
        str, typer.Argument(help="Name of a policy of the settings; that of policy.name is the default.")
    ],
    config: ConfigOption = None,
) -> None:
    """Give a customer a policy of its own. Open cases go on under the version that they name."""

    async def work(house: House) -> Policy:
        name = None if policy == house.policy.name else policy
        if name is not None and name not in house.book.current:
            known = ", ".join(house.book.current)
            raise PolicyError([f'policy "{policy}" is not in the settings; there are: {known} (policy.others)'])
        async with house.database.writing() as connection:
            await policies.assign(connection, customer, name, who=who(), now=house.clock())
        return house.book.of_customer(name)

    typer.echo(f"Customer {customer} is under {in_house(config, work).label} from now on.")


def _or_fail(source: str) -> Edition:
    try:
        return edition(source if source in shipped() else Path(source))
    except PolicyError as error:
        fail(*error.problems)


def _line(version: Version, now: list[str], customers: dict[str, str]) -> list[object]:
    if version.label not in now:
        return [version.name, version.version, "held before", version.since, ""]
    state = "default" if version.label == now[0] else "for single customers"
    having = ", ".join(sorted(key for key, name in customers.items() if name == version.name))
    return [version.name, version.version, state, version.since, having]


def _names(held: list[Version]) -> set[str]:
    return {version.name for version in held}


@policy_app.command("simulate")
def simulate_policy(
    policy: Source,
    days: Annotated[float, typer.Option("--days", min=0.01, max=3650, help="How far to go back.")] = 30,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """What a policy would have done to the real past. Nothing is stored, sent or carried out."""
    chosen = _or_fail(policy).policy

    async def work(house: House) -> tuple[Would, dict[str, int]]:
        return await simulate(house, chosen, days)

    would, happened = in_house(config, work)
    if json:
        as_json({"policy": chosen.label, "days": days, "would": asdict(would), "happened": happened})
        return
    opened = ", ".join(f"{count} {cls}" for cls, count in sorted(would.cases.items())) or "none"
    typer.echo(f"{chosen.label} over the last {days:g} days: cases {opened}; {would.resources} resources notified;")
    typer.echo(f"{would.recorded} reports only counted. Really: {', '.join(f'{n} {k}' for k, n in happened.items())}.")
    rows = [[step.at, step.account, step.what, step.why] for step in would.steps]
    table("It would have done", ("when", "account", "what", "why"), rows, empty="It would have acted against nobody.")
