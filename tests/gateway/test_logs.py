"""Log lines: one per event, with the message's id, without secrets and control characters."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from datetime import datetime, timedelta

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from gateway.logs import HIDDEN, bind_message, clean_text, configure


@pytest.fixture
def stream():
    """What is logged; everything is as before afterwards."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


def lines(stream) -> list[dict]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_each_event_is_one_json_object_with_its_time_in_utc(stream):
    configure("info", "json", stream)
    structlog.get_logger(module="gateway.intake").info("mail stored", mailbox="abuse", size=10)
    (line,) = lines(stream)
    assert (line["event"], line["level"], line["module"]) == ("mail stored", "info", "gateway.intake")
    assert (line["mailbox"], line["size"]) == ("abuse", 10)
    assert datetime.fromisoformat(line["time"]).utcoffset() == timedelta(0)


async def test_the_message_id_is_on_every_line_also_in_awaited_code_and_of_other_libraries(stream):
    configure("info", "json", stream)
    log = structlog.get_logger()

    async def work():
        await asyncio.sleep(0)
        log.info("inside")
        logging.getLogger("some.library").warning("from a library")

    with bind_message(7):
        await asyncio.create_task(work())
    log.info("outside")
    assert [line.get("message_id") for line in lines(stream)] == [7, 7, None]


async def test_two_messages_at_once_keep_their_own_ids(stream):
    configure("info", "json", stream)
    log = structlog.get_logger()
    both = asyncio.Barrier(2)

    async def work(number):
        with bind_message(number):
            await both.wait()
            log.info("work", number=number)

    await asyncio.gather(work(1), work(2))
    found = lines(stream)
    assert len(found) == 2
    assert all(line["message_id"] == line["number"] for line in found)


@pytest.mark.parametrize("form", ["json", "text"])
def test_secrets_are_hidden_wherever_they_stand(stream, form):
    configure("info", form, stream)
    secret = "not-to-be-seen"
    structlog.get_logger().info(
        "login",
        password=secret,
        smtp_password=secret,
        headers={"Authorization": secret, "nested": [{"api_key": secret}]},
        settings=SecretStr(secret),
        url=f"postgresql+asyncpg://user:{secret}@db/arfgate",
        body=secret.encode(),
    )
    logging.getLogger("library").warning("cannot connect to postgresql://u:%s@db/x", secret)
    assert secret not in stream.getvalue()
    assert HIDDEN in stream.getvalue()
    assert len(stream.getvalue().splitlines()) == 2


@pytest.mark.parametrize("form", ["json", "text"])
def test_hostile_text_can_neither_break_the_line_nor_steer_the_terminal(stream, form):
    configure("info", form, stream)
    hostile = "a\r\nlevel=error forged\x1b[2J\x00\x9b\u2028\u202eb"
    structlog.get_logger().info(hostile, subject=hostile, **{hostile: [hostile, {hostile: hostile}]})
    text = stream.getvalue()
    assert len(text.splitlines()) == 1
    assert text.rstrip("\n").isprintable()


@given(text=st.text(st.characters(), max_size=300))
def test_clean_text_is_printable_and_cleaning_twice_changes_nothing_more(text):
    once = clean_text(text)
    assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in once)
    once.encode("utf-8")  # no lone surrogates
    assert clean_text(once) == once


def test_values_are_bounded(stream):
    configure("info", "json", stream)
    deep: list = []
    for _ in range(100):
        deep = [deep]
    structlog.get_logger().info("big", text="x" * 100_000, many=list(range(1000)), deep=deep)
    (line,) = lines(stream)
    assert len(line["text"]) < 2_100
    assert line["text"].endswith("(100000 characters)")
    assert len(line["many"]) == 50
    assert len(stream.getvalue()) < 10_000


@pytest.mark.parametrize("form", ["json", "text"])
def test_an_exception_is_told_on_the_same_line(stream, form):
    configure("info", form, stream)
    try:
        int("line one\nline two")
    except ValueError:
        structlog.get_logger().exception("bug")
    (line,) = stream.getvalue().splitlines()
    assert "ValueError" in line
    assert "test_logs.py" in line


def test_text_lines_are_for_people(stream):
    configure("info", "text", stream)
    with bind_message(7):
        structlog.get_logger("x").warning("mail too large", mailbox="abuse", why="more than 25 MiB", ok=True)
    (line,) = stream.getvalue().splitlines()
    assert ' warning  mail too large  mailbox=abuse why="more than 25 MiB" ok=true message_id=7' in line


@pytest.mark.parametrize("name", ["aioimaplib.aioimaplib", "httpx", "httpcore.http11", "uvicorn", "uvicorn.access"])
def test_libraries_that_log_mail_or_chatter_are_heard_from_warnings_on_even_when_debugging(stream, name, monkeypatch):
    monkeypatch.setattr(logging.getLogger(name), "propagate", True)  # a page that was served in this process stopped it
    configure("debug", "json", stream)
    logging.getLogger(name).debug("the content of a mail")
    logging.getLogger(name).info("GET / 200")
    logging.getLogger(name).warning("connection lost")
    assert [line["event"] for line in lines(stream)] == ["connection lost"]


def test_the_level_holds_for_both_kinds_of_loggers(stream):
    configure("warning", "json", stream)
    structlog.get_logger().info("no")
    logging.getLogger("some.library").info("no")
    structlog.get_logger().warning("yes")
    assert [line["event"] for line in lines(stream)] == ["yes"]


def test_configuring_again_replaces_what_was(stream):
    first = io.StringIO()
    log = structlog.get_logger()
    configure("info", "json", first)
    log.info("one")
    configure("info", "json", stream)
    log.info("two")
    assert "two" not in first.getvalue()
    assert [line["event"] for line in lines(stream)] == ["two"]


def test_a_line_that_cannot_be_written_stops_nothing(stream):
    configure("info", "json", stream)
    log = structlog.get_logger()
    log.info("before")
    stream.close()
    log.info("after")
    log.error("and an error")
