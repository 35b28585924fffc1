"""Which registries are asked: the operator's bootstrap files, else IANA's as they were last fetched, else the bundled.

Must never keep the gateway from starting for a file that was fetched.
"""

from __future__ import annotations

import structlog

from gateway.house import House
from gateway.settings import Settings
from notifier import bootstrap
from notifier.bootstrap import Bootstrap, BootstrapError

log = structlog.get_logger(module=__name__)


def known(settings: Settings) -> Bootstrap:
    """From the files that are there. Raises BootstrapError for one of the operator's own."""
    own, fetched = settings.rdap.bootstrap_dir, settings.rdap.refresh_dir
    try:
        return bootstrap.load(own, fetched)
    except BootstrapError as error:
        if fetched is None or str(fetched) not in str(error):
            raise
        log.warning("a fetched bootstrap file cannot be used", why=str(error))
        return bootstrap.load(own)


async def refresh(house: House) -> int:
    """Fetch IANA's files where they have expired, and ask by them from now on. Always 0: nothing is left to do."""
    if house.bootstrap_files is None or house.rdap is None:
        return 0
    changed, wrong = await house.bootstrap_files.refresh()
    for line in wrong:
        log.warning("bootstrap file not refreshed", why=line)
    if changed:
        house.rdap.use(known(house.settings))
        log.info("bootstrap files refreshed", files=changed)
    return 0
