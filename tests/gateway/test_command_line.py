"""The command line as a whole: it loads what it needs, and nothing else."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from gateway.cli import COMMANDS, NOUNS, build


def loaded_by(program: str) -> set[str]:
    """Modules of ours that are loaded once the program ran."""
    shown = f"{program}\nimport sys\nprint(*(name for name in sys.modules if name.partition('.')[0] == 'gateway'))"
    done = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.split())


def test_a_process_that_reads_mail_loads_no_command():
    """It begins with the script `arfgate` again, which imports `main` from there."""
    assert loaded_by("from gateway.cli import main") == {"gateway", "gateway.cli"}


def test_a_command_loads_its_own_noun_and_no_pages():
    names = loaded_by("from gateway.cli import build\nbuild('parse')")
    assert "gateway.cli.parse" in names
    assert not {name for name in names if name.startswith(("gateway.store", "gateway.web"))}


@pytest.mark.parametrize("name", [*COMMANDS, *NOUNS])
def test_each_is_the_same_alone_and_in_the_whole_line(name: str):
    whole, alone = (CliRunner().invoke(build(part), [name, "--help"], prog_name="arfgate") for part in (None, name))
    assert whole.exit_code == alone.exit_code == 0
    assert whole.output == alone.output
