"""The pages of staff. One module a page; each has its table PLACES, and the rail of the frame is here.

`RAIL`: path and word of each place of the left rail, in order; a place appears there when its page exists.
"""

from __future__ import annotations

from gateway.web.console import (
    account,
    audit,
    customers,
    daily,
    find,
    lab,
    live,
    mutes,
    policies,
    reporters,
    settings,
    sign_in,
    sign_on,
    sources,
    statistics,
    users,
)
from gateway.web.visit import Place

PLACES: tuple[Place, ...] = (
    *sign_on.PLACES,
    *sign_in.PLACES,
    *account.PLACES,
    *find.PLACES,
    *live.PLACES,
    *daily.PLACES,
    *customers.PLACES,
    *mutes.PLACES,
    *sources.PLACES,
    *reporters.PLACES,
    *policies.PLACES,
    *lab.PLACES,
    *statistics.PLACES,
    *users.PLACES,
    *audit.PLACES,
    *settings.PLACES,
)
RAIL = (
    ("/today", "Today"),
    ("/queue", "Queue"),
    ("/held", "Held"),
    ("/junk", "Junk"),
    ("/legal", "Legal"),
    ("/cases", "Cases"),
    ("/customers", "Customers"),
    ("/reporters", "Reporters"),
    ("/approvals", "Approvals"),
    ("/blocks", "Blocks"),
    ("/policies", "Policies"),
    ("/lab", "Lab"),
    ("/statistics", "Statistics"),
    ("/audit", "Audit"),
    ("/users", "Accounts"),
    ("/settings", "Settings"),
)
