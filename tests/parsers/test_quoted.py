"""An answer's own words are told from what the mail program quoted, in the ways in which mail programs quote."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.quoted import fold

OURS = "> we received an abuse report\n> about 192.0.2.1.\n"


@pytest.mark.parametrize(
    ("text", "own"),
    [
        (f"We closed it.\n\nOn Fri, 2 Jan 2026 at 03:04, Abuse <a@isp.example> wrote:\n{OURS}", "We closed it."),
        (f"We closed it.\n\nOn Fri, 2 Jan 2026 at 03:04, Abuse Desk\n<a@isp.example> wrote:\n\n{OURS}", "We closed it."),
        (f"{OURS}We closed it.\n> your answer is due.\nSince Monday.\n", "We closed it.\nSince Monday."),
        (f"Gelöscht.\n\nAm 02.01.26 um 03:04 schrieb Abuse <a@isp.example>:\n{OURS}", "Gelöscht."),
        (f"Am închis contul.\n\nPe vin., 2 ian. 2026 la 03:04, Abuse <a@isp.example> a scris:\n\n{OURS}", "Am închis contul."),
        (f"账户已关闭。\n\n在 2026年1月2日，Abuse <a@isp.example> 写道：\n\n{OURS}", "账户已关闭。"),
        ("We closed it.\n\n-----Original Message-----\nFrom: Abuse\nSent: Friday\n\nwe received a report", "We closed it."),
        (
            "We closed it.\n\n________________________________\nFrom: Abuse\nSent: Friday\nTo: Alder\n\nwe received a report",
            "We closed it.",
        ),
        ("已处理。\n\n发件人：Abuse <a@isp.example>\n发送时间：2026年1月2日\n收件人：Alder\n主题：滥用投诉\n\n我们收到投诉", "已处理。"),
        ("We closed it.\nOn Friday our boss wrote: never again, and he was right.\n", "We closed it.\nOn Friday our boss wrote: never again, and he was right."),
        ("From: now on it is closed.\nThank you", "From: now on it is closed.\nThank you"),
        (OURS, ""),
        ("", ""),
    ],
)  # fmt: skip
def test_the_own_words_are_what_is_left(text: str, own: str) -> None:
    assert fold(text).own == own
    assert fold(text.replace("\n", "\r\n")).own == own


@given(
    st.lists(
        st.sampled_from(["> q", "word", "", "On x wrote:", "From: a", "Sent: b", "To: c", "__________"]), max_size=30
    )
)
def test_no_line_is_lost(lines: list[str]) -> None:
    folded = fold("\n".join(lines))
    kept = [line for part in folded for line in part.split("\n") if line.strip()]
    assert sorted(kept) == sorted(line for line in lines if line.strip())


@pytest.mark.parametrize("line", ["On " + "a" * 20_000, "> " * 5_000, "wrote" * 4_000, "_" * 20_000, "From: " * 3_000])
def test_a_hostile_text_is_read_too(line: str) -> None:
    assert fold(line).own in {line.rstrip(), ""}
    many = "\n".join([line[:200].rstrip()] * 500)
    assert fold(many).own + fold(many).quoted == many
