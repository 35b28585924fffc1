"""How often strangers may knock: token buckets in the database, shared by all nodes.

Each page without an account takes one from the bucket of its visitor's network before it looks at anything else.
Must never hold an address of a person: a bucket's key has its mark only.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from ipaddress import ip_address

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.house import House
from gateway.screening.flood import network_of, take
from gateway.store import flood


async def knock(house: House, limits: Mapping[str, int]) -> bool:
    """Take one from each of these buckets, {key: how many an hour}. False: one of them was empty."""
    async with house.database.writing() as connection:
        return await taken(house, connection, limits)


async def taken(house: House, connection: AsyncConnection, limits: Mapping[str, int]) -> bool:
    """As `knock`, within a transaction that is under way. Three statements."""
    now = house.clock()
    known = await flood.buckets(connection, limits)
    done = [take(known.get(key), key, most, now) for key, most in limits.items()]
    await flood.write(connection, [one.bucket for one in done], now)
    return all(one.passes for one in done)


def of_network(what: str, client: str) -> str:
    """The bucket for what a network does: `client` is an address of it."""
    try:
        return f"{what} {network_of(str(ip_address(client)))}"
    except ValueError:
        return f"{what} unknown"


def of_address(house: House, what: str, address: str) -> str:
    """The bucket for what is done to a mail address."""
    mark = hmac.digest(house.key("portal"), f"bucket\n{address.lower()}".encode("utf-8", "replace"), hashlib.sha256)
    return f"{what} {mark.hex()[:32]}"
