"""`arfgate parse` as a user runs it, and where it finds messages: files, folders, mbox, Maildir, standard input."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from gateway.cli.parse import parse
from gateway.intake import files
from gateway.intake.files import PathError, read_messages, split_stream

FIXTURES = Path(__file__).parents[2] / "fixtures"
app = typer.Typer()
app.command()(parse)
ONE = b"From: a@reader.example\nSubject: one\n\ntext\n"
TWO = b"From: b@reader.example\nSubject: two\n\n>From here on\nFrom now on, no separator\n"
LINE = b"From a@reader.example Tue Jan  6 07:30:07 2026\n"
MBOX = LINE + ONE + b"\n" + LINE + TWO + b"\n" + LINE.replace(b"\n", b"\r\n") + ONE.replace(b"\n", b"\r\n")


def run(*arguments: object, stdin: bytes | None = None):
    return CliRunner().invoke(app, [str(one) for one in arguments], input=stdin)


def rows(result) -> list[dict]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_one_object_a_line_and_status_0_where_all_was_read() -> None:
    paths = sorted(str(path) for path in (FIXTURES / "arf").glob("*.eml"))
    result = run("--jsonl", *paths)
    assert result.exit_code == 0
    assert [row["file"] for row in rows(result)] == paths
    assert {row["format"] for row in rows(result)} == {"arf"}


def test_what_cannot_be_read_is_printed_and_the_status_is_1(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(b"")
    (tmp_path / "b.eml").write_bytes(ONE)
    result = run("--jsonl", tmp_path)
    assert result.exit_code == 1
    assert [(row["kind"], row["error"]) for row in rows(result)] == [
        ("unreadable", "the message is empty"),
        ("unknown", None),
    ]


@pytest.mark.parametrize("arguments", [(), ("no/such/file",), ("--no-such-option", "x")])
def test_wrong_usage_is_status_2(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2


def test_a_missing_path_is_named_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(ONE)
    result = run("--jsonl", tmp_path / "a.eml", tmp_path / "b.eml")
    assert result.stdout == ""
    assert f"{tmp_path / 'b.eml'}: there is no such file" in result.stderr


def test_the_table_for_people_shows_source_time_and_remarks() -> None:
    result = CliRunner(env={"COLUMNS": "160"}).invoke(app, [str(FIXTURES / "arf" / "013-duplicate-source-ip.eml")])
    assert result.exit_code == 0
    for shown in ("arf spam", "198.51.100.7", "2026-01-06 07:30", "offers@sender.example", "duplicate-source-ip"):
        assert shown in result.stdout


def test_standard_input_is_one_message_or_an_mbox() -> None:
    assert [(row["file"], row["index"]) for row in rows(run("--jsonl", "-", stdin=ONE))] == [("-", 0)]
    found = [(row["file"], row["index"], row["envelope"]["subject"]) for row in rows(run("--jsonl", "-", stdin=MBOX))]
    assert found == [("-", 0, "one"), ("-", 1, "two"), ("-", 2, "one")]


def test_an_mbox_is_split_at_its_separators_only_and_nothing_is_changed(tmp_path: Path) -> None:
    (tmp_path / "box").write_bytes(MBOX)
    found = list(read_messages([str(tmp_path / "box")]))
    assert [index for _, index, _ in found] == [0, 1, 2]
    assert b"".join(raw for *_, raw in found) == MBOX
    assert found[1][2] == LINE + TWO + b"\n"


def test_an_eml_file_is_one_message_whatever_its_text_looks_like(tmp_path: Path) -> None:
    (tmp_path / "x.EML").write_bytes(MBOX)
    assert [(index, raw) for _, index, raw in read_messages([str(tmp_path / "x.EML")])] == [(0, MBOX)]


def test_a_maildir_is_its_new_and_cur_mail_with_its_folders(tmp_path: Path) -> None:
    for place in ("cur", "new", "tmp", ".Junk/cur", ".Junk/new", ".Junk/tmp"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "1.host:2,S").write_bytes(ONE)
    (tmp_path / "dovecot-uidlist").write_bytes(b"3 V1 N2\n")
    found = [os.path.relpath(file, tmp_path) for file, *_ in read_messages([str(tmp_path)])]
    assert found == [".Junk/cur/1.host:2,S", ".Junk/new/1.host:2,S", "cur/1.host:2,S", "new/1.host:2,S"]


def test_a_folder_is_read_in_order_without_hidden_files_links_out_and_pipes(tmp_path: Path) -> None:
    inside = tmp_path / "in"
    (inside / "b").mkdir(parents=True)
    (inside / ".git").mkdir()
    (tmp_path / "out").mkdir()
    for name in ("in/z.eml", "in/b/a.eml", "in/.hidden", "in/.git/x", "out/secret.eml"):
        (tmp_path / name).write_bytes(ONE)
    (inside / "link").symlink_to(tmp_path / "out")
    os.mkfifo(inside / "pipe")
    found = [os.path.relpath(file, inside) for file, *_ in read_messages([str(inside)])]
    assert found == ["z.eml", "b/a.eml"]


def test_a_file_that_cannot_be_read_does_not_stop_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Permissions do not hold for root, so the failure is that of a file which goes away."""
    for name in ("a.eml", "b.eml"):
        (tmp_path / name).write_bytes(ONE)
    real = Path.open

    def gone(self: Path, *args: object, **more: object):
        if self.name == "a.eml":
            raise PermissionError(13, "Permission denied")
        return real(self, *args, **more)

    monkeypatch.setattr(Path, "open", gone)
    problems: list[PathError] = []
    found = [os.path.basename(file) for file, *_ in read_messages([str(tmp_path)], problems.append)]
    assert found == ["b.eml"]
    assert "a.eml: cannot be read (Permission denied)" in str(problems[0])
    assert run("--jsonl", tmp_path).exit_code == 1
    with pytest.raises(PathError):
        list(read_messages([str(tmp_path)]))


def test_a_message_is_held_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MESSAGE_BYTES", 300)
    monkeypatch.setattr(files, "LINE_BYTES", 64)
    big = LINE + b"Subject: big\n\n" + b"x" * 5_000 + b"\n\n"
    found = [(index, len(raw)) for index, raw in split_stream(io.BytesIO(big + LINE + ONE))]
    assert found == [(0, 300), (1, len(LINE + ONE))]
    assert [len(raw) for _, raw in split_stream(io.BytesIO(b"x" * 5_000))] == [300]
