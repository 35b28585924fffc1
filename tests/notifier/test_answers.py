"""An SMTP answer becomes the outcome that fits whose fault it is, and nothing final that an hour could mend."""

from __future__ import annotations

import pytest

from notifier.answers import Phase, outcome_of
from notifier.notice import Deferred, Refused, Why


@pytest.mark.parametrize(
    ("phase", "code", "words", "expected"),
    [
        ("rcpt", 550, "5.1.1 No such user", Refused(Why.RECIPIENT, "550 5.1.1 No such user")),
        ("rcpt", 550, "no such user", Refused(Why.RECIPIENT, "550 no such user")),
        ("rcpt", 552, "5.2.2 mailbox full", Refused(Why.RECIPIENT, "552 5.2.2 mailbox full")),
        ("rcpt", 554, "5.7.1 relay access denied", Refused(Why.SENDER, "554 5.7.1 relay access denied")),
        ("rcpt", 450, "4.2.0 greylisted", Deferred(Why.RECIPIENT, "450 4.2.0 greylisted")),
        ("rcpt", 451, "4.7.1 Try again later", Deferred(Why.SENDER, "451 4.7.1 Try again later")),
        ("rcpt", 450, "4.7.28 too much mail", Deferred(Why.RATE, "450 4.7.28 too much mail")),
        ("rcpt", 452, "4.5.3 too many recipients", Deferred(Why.RATE, "452 4.5.3 too many recipients")),
        ("rcpt", 421, "4.7.0 rate limit exceeded", Deferred(Why.SERVER, "421 4.7.0 rate limit exceeded")),
        ("mail", 550, "5.7.1 we know you", Refused(Why.SENDER, "550 5.7.1 we know you")),
        ("mail", 553, "5.1.8 sender domain", Refused(Why.SENDER, "553 5.1.8 sender domain")),
        ("mail", 530, "5.7.0 authenticate first", Deferred(Why.AUTHENTICATION, "530 5.7.0 authenticate first")),
        ("mail", 552, "5.3.4 too big", Refused(Why.CONTENT, "552 5.3.4 too big")),
        ("mail", 452, "4.3.1 disk full", Deferred(Why.SERVER, "452 4.3.1 disk full")),
        ("data", 554, "5.7.1 looks like spam", Refused(Why.CONTENT, "554 5.7.1 looks like spam")),
        ("data", 554, "transaction failed", Refused(Why.CONTENT, "554 transaction failed")),
        ("data", 451, "4.3.0 later", Deferred(Why.SERVER, "451 4.3.0 later")),
        ("data", 250, "odd", Deferred(Why.SERVER, "250 odd")),
        ("rcpt", -1, "malformed", Deferred(Why.SERVER, "malformed")),
    ],
)
def test_an_answer_means(phase: Phase, code: int, words: str, expected: Deferred | Refused) -> None:
    assert outcome_of(phase, code, words) == expected


def test_an_answer_is_one_bounded_line_without_controls() -> None:
    outcome = outcome_of("rcpt", 550, "5.1.1 no\nsuch\r\nuser\x1b[31m" + "x" * 5000)
    assert "\n" not in outcome.answer
    assert "\x1b" not in outcome.answer
    assert len(outcome.answer) <= 500
