"""Each test that takes `box` runs against Dovecot and against pymap."""

from __future__ import annotations

import pytest

from gateway.intake.imap import MailboxAccess
from servers.mailbox import Box, dovecot_box


@pytest.fixture(
    params=[
        pytest.param("dovecot", marks=pytest.mark.needs("dovecot")),
        pytest.param("pymap", marks=pytest.mark.needs("pymap")),
    ]
)
def box(request) -> Box:
    if request.param == "dovecot":
        return dovecot_box(request.getfixturevalue("dovecot"))
    server = request.getfixturevalue("pymap_server")
    server.add_user("abuse@example.net", "secret")
    access = MailboxAccess("abuse", "127.0.0.1", server.port, "abuse@example.net", "secret", "plain", timeout=10)
    return Box(server, "abuse@example.net", access)
