"""Nothing is quadratic: twice the parts, header lines, links, nesting, words cost twice the time. And hostile mail.

    python tests/benchmarks/growth.py

The ratios of doubling are printed; the hostile messages are those that
hold other readers for seconds, as milliseconds.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable

import reports

from parsers import parse
from parsers.report import Limits

WIDE = Limits(parts=100_000)  # so that there is something to double
ENVELOPE = (
    b"From: a@reporter.example\r\nTo: abuse@isp.example\r\nMessage-ID: <1@reporter.example>\r\nMIME-Version: 1.0\r\n"
)


def arf(original: bytes, fields: bytes = b"", human: bytes = b"A complaint.") -> bytes:
    return (
        ENVELOPE + b'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: text/plain\r\n\r\n" + human + b"\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\n"
        b"Feedback-Type: abuse\r\nUser-Agent: x/1\r\nVersion: 1\r\nSource-IP: 192.0.2.1\r\n" + fields + b"\r\n"
        b"--b\r\nContent-Type: message/rfc822\r\n\r\n" + original + b"\r\n--b--\r\n"
    )


def _mail(header: bytes, body: bytes) -> bytes:
    return b"From: o@shop.example\r\nSubject: Offer\r\n" + header + b"\r\n" + body


def _mixed(parts: list[bytes]) -> bytes:
    inside = b"".join(b"--m\r\n" + part + b"\r\n" for part in parts)
    return b'Content-Type: multipart/mixed; boundary="m"\r\n\r\n' + inside + b"--m--\r\n"


def parts(n: int) -> bytes:
    return ENVELOPE + _mixed([b"Content-Type: text/plain\r\n\r\nx"] * n)


def parts_of_the_original(n: int) -> bytes:
    return arf(b"From: o@shop.example\r\n" + _mixed([b"Content-Type: text/plain\r\n\r\nx"] * n))


def header_lines(n: int) -> bytes:
    return b"".join(b"X-Field-%d: value\r\n" % number for number in range(n)) + ENVELOPE + b"\r\nText.\r\n"


def received_lines(n: int) -> bytes:
    line = (
        b"Received: from a.example (a.example [192.0.2.7]) by b.example with SMTP; Fri, 20 Nov 2026 03:00:00 +0000\r\n"
    )
    return arf(_mail(line * n, b"Text"))


def folds(n: int) -> bytes:
    return ENVELOPE + b"X-Long: a" + b"\r\n\tb" * n + b"\r\n\r\nText.\r\n"


def encoded_words(n: int) -> bytes:
    return arf(_mail(b"X-Mailer: x\r\nReply-To: " + b" =?utf-8?Q?=C3=BC?=" * n + b" <a@b.example>\r\n", b"Text"))


def addresses(n: int) -> bytes:
    return (
        b"Cc: "
        + b", ".join(b"u%d@reader.example" % number for number in range(n))
        + b"\r\n"
        + ENVELOPE
        + b"\r\nText.\r\n"
    )


def feedback_fields(n: int) -> bytes:
    return arf(_mail(b"", b"Text"), b"".join(b"Original-Rcpt-To: <u%d@reader.example>\r\n" % k for k in range(n)))


def links(n: int) -> bytes:
    return arf(_mail(b"", b"".join(b"https://site-%d.example/x\r\n" % number for number in range(n))))


def html_links(n: int) -> bytes:
    body = b"".join(b'<a href="https://site-%d.example/x">Here</a>\r\n' % number for number in range(n))
    return arf(_mail(b"Content-Type: text/html\r\n", body))


def nesting(n: int) -> bytes:
    inside = b"Content-Type: text/plain\r\n\r\nx\r\n"
    for number in range(n):
        edge = b"n%d" % number
        inside = b'Content-Type: multipart/mixed; boundary="' + edge + b'"\r\n\r\n--' + edge + b"\r\n" + inside
        inside += b"\r\n--" + edge + b"--\r\n"
    return ENVELOPE + inside


def words(n: int) -> bytes:
    return ENVELOPE + b"\r\n" + b"Your server 192.0.2.%d attacks us since 2026-11-20 03:00:00 UTC\r\n" % 7 * n


def size(n: int) -> bytes:
    return reports.report(1, n)


# Below the bounds that would end the growth by themselves.
MEASURES: tuple[tuple[str, Callable[[int], bytes], int], ...] = (
    ("parts", parts, 2_000),
    ("parts of the reported mail", parts_of_the_original, 45),
    ("header lines", header_lines, 4_000),
    ("Received lines", received_lines, 45),
    ("folds of one field", folds, 5_000),
    ("encoded words", encoded_words, 300),
    ("addresses", addresses, 90),
    ("feedback fields", feedback_fields, 240),
    ("links in text", links, 450),
    ("links in HTML", html_links, 450),
    ("nested parts", nesting, 9),  # twenty is the limit
    ("lines of words", words, 130),
    ("bytes", size, 4_000_000),
)


def _near_boundaries() -> bytes:
    return arf(_mail(b"", b"--b x\r\n" * 150_000))


def _hostile() -> dict[str, bytes]:
    """The cases of the project's performance survey, each within the limits or beyond them."""
    nested = b"".join(b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n) for n in range(3_000))
    many = b", ".join(b"u%d@reader.example" % number for number in range(20_000))
    return {
        "normal, 1 MB": reports.report(1, 1_000_000),
        "Content-Type of 100,000 semicolons": ENVELOPE + b"Content-Type: text/plain" + b";" * 100_000 + b"\r\n\r\nx",
        "From with 50,000 parentheses": b"From: " + b"(" * 50_000 + b"\r\n\r\nx",
        "Subject of 10,000 encoded words": b"Subject: " + b"=?utf-8?Q?=C3=BC?= " * 10_000 + b"\r\n\r\nx",
        "Subject of 3,000 encoded words": b"Subject: " + b"=?utf-8?Q?=C3=BC?= " * 3_000 + b"\r\n\r\nx",
        "3,000 nested multiparts": ENVELOPE + nested,
        "50,000 empty parts": ENVELOPE + _mixed([b""] * 50_000),
        "500 empty parts": ENVELOPE + _mixed([b""] * 490),
        "one field folded 100,000 times": ENVELOPE + b"X-Long: a" + b"\r\n b" * 100_000 + b"\r\n\r\nx",
        "50,000 header fields": b"".join(b"X-%d: some value here\r\n" % n for n in range(50_000)) + b"\r\nx",
        "9,000 header fields": b"".join(b"X-%d: some value here\r\n" % n for n in range(9_000)) + b"\r\nx",
        "1 MB of near-boundaries": _near_boundaries(),
        "From with 20,000 addresses": b"From: " + many + b"\r\n\r\nx",
        "From with 2,000 addresses": b"From: " + many[:60_000] + b"\r\n\r\nx",
        "5 MB of base64 text": ENVELOPE + b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(b"attack abuse 192.0.2.1 \xff" * 150_000),
        "20 MB report": reports.report(1, 20_000_000),
        "irregular, 2 MB": reports.report(1, 1_900_000).replace(b'boundary="report-1"', b""),
        "irregular, 490 parts": ENVELOPE + _mixed([b"x"] * 490).replace(b'boundary="m"', b"x"),
    }  # fmt: skip


def seconds(raw: bytes, limits: Limits) -> float:
    start = time.process_time()
    parse(raw, limits)
    return time.process_time() - start


def doubled(name: str, make: Callable[[int], bytes], n: int, tries: int = 15) -> str:
    """The two sizes in turns, the quickest of each."""
    raws = (make(n), make(2 * n))
    tried = [[seconds(raw, WIDE) for raw in raws] for _ in range(tries)]
    once, twice = (min(times) for times in zip(*tried, strict=True))
    return f"twice the {name}: {twice / once:.2f} times the time ({n} in {once * 1e3:.1f} ms)"


def main() -> str:
    lines = [doubled(*measure) for measure in MEASURES]
    for name, raw in _hostile().items():
        quickest = min(seconds(raw, Limits()) for _ in range(3))
        lines.append(f"{name}: {quickest * 1e3:.0f} ms, {parse(raw).kind.value}")
    return "\n".join(lines)


if __name__ == "__main__":
    print(main())
