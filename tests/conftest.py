"""What every test has: the real servers as fixtures (tests/servers), `--rewrite`, and `needs`."""

from __future__ import annotations

import pytest

pytest_plugins = ["servers.fixtures"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rewrite", action="store_true", help="write the fixtures' expected results anew instead of comparing"
    )


@pytest.fixture
def rewrite(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--rewrite"))
