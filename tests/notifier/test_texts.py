"""The words are in the reader's language and zone, and a broken template is named instead of sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from jinja2 import TemplateError

from notifier.compose import CannotComposeError, compose
from notifier.notice import Notice, NoticeKind, Why
from notifier.samples import FACTS
from notifier.texts import Texts, packaged

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def body(language: str = "en", kind: str = "complaint", **facts: object) -> str:
    return packaged().render(kind, language, facts)[1]


@pytest.mark.parametrize(
    ("language", "greeting"),
    [
        ("en", "Hello"),
        ("zh-CN", "您好"),
        ("zh_Hans", "您好"),
        ("ro-RO", "Bună ziua"),
        ("RO", "Bună ziua"),
        ("fr", "Hello"),
        ("../en", "Hello"),
        ("", "Hello"),
    ],
)
def test_the_language_is_the_readers_or_english(language: str, greeting: str) -> None:
    assert greeting in body(language)


def test_a_self_test_in_any_language_is_english() -> None:
    assert packaged().render("self-test", "zh", {"nonce": "7f3a"})[0] == "arfgate self-test 7f3a"


def test_every_kind_has_a_subject_and_a_body_in_every_language_without_any_fact() -> None:
    for kind in NoticeKind:
        for locale in ("en", "zh", "ro"):
            subject, text = packaged().render(kind.value, locale, {})
            assert subject, (kind, locale)
            assert len(text) > 50, (kind, locale)
            assert "None" not in text, (kind, locale)


def test_times_carry_the_readers_zone() -> None:
    assert "3 January 2026 11:04:05 UTC+08:00." in body(due_at=NOW + timedelta(days=1), timezone="Asia/Shanghai")
    assert "2026年1月2日 11:04:05 UTC+08:00" in body("zh", due_at=NOW, timezone="Asia/Shanghai")


@pytest.mark.parametrize("unknown", ["Mars/Olympus", "../../etc/passwd", "", 7, "UTC\0"])
def test_an_unknown_zone_is_utc(unknown: object) -> None:
    assert "2 January 2026 03:04:05 UTC." in body(due_at=NOW, timezone=unknown)


@pytest.mark.parametrize(
    ("left", "language", "expected"),
    [
        (timedelta(hours=12), "en", "12 hours,"),
        (timedelta(hours=1, minutes=30), "en", "1 hour 30 minutes,"),
        (5400.0, "en", "1 hour 30 minutes,"),
        (timedelta(seconds=20), "en", "0 minutes,"),
        (timedelta(hours=-3), "en", "0 minutes,"),
        (timedelta(hours=12), "zh", "12小时，"),
        (timedelta(hours=12), "ro", "12 ore,"),
    ],
)
def test_time_left_is_said_in_hours_and_minutes(left: object, language: str, expected: str) -> None:
    assert expected in body(language, "reminder", time_left=left, due_at=NOW)


def test_an_operators_file_is_used_and_what_it_lacks_is_packaged(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "complaint.txt").write_text("Subject: Ours {{ case }}\n\nBody {{ unknown }}{{ case }}\n")
    texts = Texts(tmp_path)
    assert texts.render("complaint", "en", {"case": "AG-1"}) == ("Ours AG-1", "Body AG-1\n")
    assert texts.render("complaint", "fr", {"case": "AG-1"}) == ("Ours AG-1", "Body AG-1\n")
    for kind, language in (("complaint", "zh"), ("reminder", "en")):
        assert texts.render(kind, language, FACTS) == packaged().render(kind, language, FACTS)
    assert texts.own() == [("complaint", "en")]


def test_an_operators_signature_stands_under_every_packaged_text(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "_signature.txt").write_text("Yours, the abuse desk\n")
    for kind in ("complaint", "overdue", "outcome"):
        assert Texts(tmp_path).render(kind, "en", FACTS)[1].endswith("Yours, the abuse desk\n")


def test_a_broken_file_of_the_operator_is_found_before_anything_is_sent(tmp_path: Path) -> None:
    (tmp_path / "ro").mkdir()
    (tmp_path / "ro" / "overdue.txt").write_text("Subject: x\n\n{% if %}\n")
    with pytest.raises(TemplateError, match=r"ro/overdue\.txt is broken"):
        Texts(tmp_path).own()


@pytest.mark.parametrize(
    "template",
    [
        "no subject\n\nbody",
        "Subject: x\nbody",
        "Subject: x\n\n{{ broken",
        "Subject: x\n\n{% include 'missing.txt' %}",
        "Subject: x\n\n{{ 1 / 0 }}",
        "Subject: x\n\n{{ ().__class__.__base__.__subclasses__() }}",
        "Subject: x\n\n{{ findings.append(1) }}",
    ],
)
def test_a_broken_template_is_named_and_no_mail_is_made(tmp_path: Path, template: str) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "complaint.txt").write_text(template)
    notice = Notice(
        NoticeKind.COMPLAINT,
        "key-1",
        "noc@customer.example",
        "en",
        "abuse+n.a@isp.example",
        "abuse@isp.example",
        "ISP",
        NOW,
        facts={"findings": []},
    )
    with pytest.raises(CannotComposeError, match="key-1: the template complaint") as caught:
        compose(notice, Texts(tmp_path))
    assert caught.value.why is Why.COMPOSE


def test_a_kind_without_any_template_is_named(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match=r"complaint\.txt"):
        Texts(tmp_path, tmp_path).render("complaint", "en", {})


@pytest.mark.parametrize(
    ("language", "hours", "expected"),
    [
        ("en", "1", "within 1 hour."),
        ("en", "24", "within 24 hours."),
        ("en", "1.5", "within 1.5 hours."),
        ("ro", "1", "în termen de 1 oră."),
        ("ro", "2", "în termen de 2 ore."),
        ("ro", "24", "în termen de 24 de ore."),
        ("ro", "1.5", "în termen de 1,5 ore."),
        ("zh", "24", "请在 24 小时内回复。"),
        ("en", "nan", "within nan hours."),
        ("en", "https://evil.example/", "within hxxps://evil[.]example/ hours."),
    ],
)
def test_a_number_takes_the_word_in_the_form_of_its_language(language: str, hours: str, expected: str) -> None:
    assert expected in body(language, hours=hours)
