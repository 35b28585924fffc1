"""What every test has: the real servers as fixtures (tests/servers), `--rewrite`, and `needs`."""

from __future__ import annotations

import pytest
import structlog
from hypothesis import settings

# Tests run side by side: how long an example takes says nothing, and fewer of them fit into ten minutes.
settings.register_profile("arfgate", max_examples=60, deadline=None)
settings.load_profile("arfgate")

pytest_plugins = ["servers.fixtures"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rewrite", action="store_true", help="write the fixtures' expected results anew instead of comparing"
    )


@pytest.fixture
def rewrite(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--rewrite"))


@pytest.fixture(autouse=True)
def _logs_as_they_begin() -> None:
    """A command that ran in this process has set the level of the logs: the next test must not inherit it. A traceback
    is plain, since drawing one with all its variables takes a second."""
    structlog.reset_defaults()
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])
