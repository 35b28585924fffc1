"""Who stands behind a message: tables of Authentication-Results, honest and forged."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import IdentityKind
from gateway.screening import identity
from gateway.screening.identity import FIELD_CHARS, Border, Feed, identify
from parsers.report import Envelope

OURS = "mx.isp.example"
FBL = Feed("fbl", frozenset({"fbl.example"}), frozenset({"fbl-7@isp.example"}))
SHARED_A = Feed("shared-a", frozenset({"relay.example"}), frozenset({"a@isp.example"}))
SHARED_B = Feed("shared-b", frozenset({"relay.example"}), frozenset({"b@isp.example"}))
NARROW = Feed("narrow", frozenset({"one.relay.example"}))
ALIAS_ONLY = Feed("alias-only", aliases=frozenset({"trap-9@isp.example"}))
SUFFIX = Feed("suffix", frozenset({"co.uk"}))
BORDER = Border(frozenset({OURS}), (FBL, SHARED_A, SHARED_B, NARROW, ALIAS_ONLY, SUFFIX))


def envelope(
    *results: str, sender: str | None = "ann@reporter.example", froms: int = 1, to: tuple[str, ...] = ()
) -> Envelope:
    return Envelope(from_=sender, from_count=froms, to=to, authentication_results=results)


def check(*results: str, **how: object) -> tuple[IdentityKind, str | None]:
    found = identify(envelope(*results, **how), BORDER)  # type: ignore[arg-type]
    return found.kind, found.feed or found.method


PERSON = [
    # (name, Authentication-Results, method or None for nobody)
    ("dkim, same domain", "mx.isp.example; dkim=pass header.d=reporter.example", "dkim"),
    ("dkim below the From domain", "mx.isp.example; dkim=pass header.d=mail.reporter.example", "dkim"),
    ("dkim by i= alone", "mx.isp.example; dkim=pass header.i=@reporter.example", "dkim"),
    ("dkim by i= with local part", "mx.isp.example; dkim=pass header.i=x@lists.reporter.example", "dkim"),
    ("d= wins over i=", "mx.isp.example; dkim=pass header.i=@reporter.example header.d=other.example", None),
    ("dkim of a stranger", "mx.isp.example; dkim=pass header.d=other.example", None),
    ("dkim of a name that only ends alike", "mx.isp.example; dkim=pass header.d=evilreporter.example", None),
    ("dkim failed", "mx.isp.example; dkim=fail header.d=reporter.example", None),
    (
        "dkim of two, the second aligned",
        "mx.isp.example; dkim=pass header.d=esp.example; dkim=pass header.d=reporter.example",
        "dkim",
    ),
    (
        "dkim failed and passed for one domain",
        "mx.isp.example; dkim=fail header.d=reporter.example; dkim=pass header.d=reporter.example",
        "dkim",
    ),
    ("spf, same domain", "mx.isp.example; spf=pass smtp.mailfrom=bounce@reporter.example", "spf"),
    ("spf, domain only", "mx.isp.example; spf=pass smtp.mailfrom=reporter.example", "spf"),
    ("spf below the From domain", "mx.isp.example; spf=pass smtp.mailfrom=x@bounce.reporter.example", "spf"),
    ("spf of a stranger", "mx.isp.example; spf=pass smtp.mailfrom=x@other.example", None),
    ("spf softfail", "mx.isp.example; spf=softfail smtp.mailfrom=x@reporter.example", None),
    ("spf by helo only", "mx.isp.example; spf=pass smtp.helo=reporter.example", None),
    (
        "spf with a From domain inside a quoted local part",
        'mx.isp.example; spf=pass smtp.mailfrom="a@reporter.example"@other.example',
        None,
    ),
    (
        "spf with an empty path before helo",
        "mx.isp.example; spf=pass smtp.mailfrom= smtp.helo=x.reporter.example",
        None,
    ),
    ("spf of the null path", "mx.isp.example; spf=pass smtp.mailfrom=<> smtp.helo=x.reporter.example", None),
    ("null path beside dkim", "mx.isp.example; spf=none smtp.mailfrom=<>; dkim=pass header.d=reporter.example", "dkim"),
    ("dmarc", "mx.isp.example; dmarc=pass (p=reject dis=none) header.from=reporter.example", "dmarc"),
    ("dmarc of another domain", "mx.isp.example; dmarc=pass header.from=other.example", None),
    ("dmarc of a domain above", "mx.isp.example; dmarc=pass header.from=example", None),
    ("dmarc that names no domain", "mx.isp.example; dmarc=pass", None),
    ("dmarc bestguesspass", "mx.isp.example; dmarc=bestguesspass header.from=reporter.example", None),
    (
        "all three: the strongest is named",
        "mx.isp.example; spf=pass smtp.mailfrom=reporter.example; dkim=pass header.d=reporter.example; dmarc=pass header.from=reporter.example",
        "dmarc",
    ),
    ("unknown method", "mx.isp.example; x-wish=pass header.d=reporter.example", None),
    (
        "unknown method beside a known one",
        "mx.isp.example; x-wish=maybe header.d=a.example; dkim=pass header.d=reporter.example",
        "dkim",
    ),
    ("unknown result", "mx.isp.example; dkim=splendid header.d=reporter.example", None),
    ("none", "mx.isp.example; none", None),
    ("id in capitals", "MX.ISP.Example; DKIM=Pass header.d=Reporter.Example", "dkim"),
    ("id with version", "mx.isp.example 1; dkim=pass header.d=reporter.example", "dkim"),
    ("id with version after a slash", "mx.isp.example/1; dkim=pass header.d=reporter.example", "dkim"),
    ("id with a comment", "mx.isp.example (our border) 1; dkim=pass (good; very) header.d=reporter.example", "dkim"),
    ("id after a comment", "(stamped) mx.isp.example; dkim=pass header.d=reporter.example", "dkim"),
    ("method version", "mx.isp.example; dkim/1=pass header.d=reporter.example", "dkim"),
    ("reason with a semicolon", 'mx.isp.example; dkim=pass reason="x; y" header.d=reporter.example', "dkim"),
    ("semicolon at the end", "mx.isp.example; dkim=pass header.d=reporter.example;", "dkim"),
    ("a result only inside a comment", "mx.isp.example; dkim=none (dkim=pass header.d=reporter.example)", None),
    (
        "a result only inside quotes",
        'mx.isp.example; spf=fail smtp.mailfrom="x; dkim=pass header.d=reporter.example"@other.example',
        None,
    ),
    (
        "the null path inside quotes opens nothing",
        'mx.isp.example; spf=fail smtp.mailfrom="=<>; dkim=pass header.d=reporter.example"@other.example',
        None,
    ),
]


@pytest.mark.parametrize(("text", "method"), [case[1:] for case in PERSON], ids=[case[0] for case in PERSON])
def test_person_is_known_by_an_aligned_result_only(text: str, method: str | None) -> None:
    found = identify(envelope(text), BORDER)
    assert found.method == method
    if method:
        assert (found.kind, found.domain, found.address) == (
            IdentityKind.DOMAIN,
            "reporter.example",
            "ann@reporter.example",
        )
    else:
        assert (found.kind, found.domain, found.address) == (IdentityKind.NOBODY, None, None)
        assert found.detail


PASS = "dkim=pass header.d=reporter.example"
DISGUISES = [
    ("foreign id", (f"mx.attacker.example; {PASS}",)),
    ("our id below a foreign one", (f"mx.attacker.example; {PASS}", f"{OURS}; {PASS}")),
    ("our id as the beginning of another", (f"{OURS}.attacker.example; {PASS}",)),
    ("our id as the end of another", (f"fake-{OURS}; {PASS}",)),
    ("our id in a comment", (f"mx.attacker.example ({OURS}); {PASS}",)),
    ("our id as reason", (f'mx.attacker.example; dkim=pass reason="{OURS}" header.d=reporter.example',)),
    ("our id with a Kelvin sign", (f"mx.\N{KELVIN SIGN}elvin.example; {PASS}",)),
    ("our id in full width", (f"ｍｘ．ｉｓｐ．ｅｘａｍｐｌｅ; {PASS}",)),
    ("our id after a line break", (f"mx.attacker.example;\r\n {OURS}; {PASS}",)),
    ("no id at all", (PASS,)),
    ("empty field above ours", ("", f"{OURS}; {PASS}")),
]


@pytest.mark.standard("AR-9")
@pytest.mark.parametrize("fields", [case[1] for case in DISGUISES], ids=[case[0] for case in DISGUISES])
def test_forged_authentication_results_are_not_believed(fields: tuple[str, ...]) -> None:
    border = Border(frozenset({OURS, "mx.kelvin.example"}), (FBL,))
    found = identify(envelope(*fields), border)
    assert found.kind is IdentityKind.NOBODY
    assert found.foreign


def test_forged_field_of_our_id_below_a_foreign_one_is_mentioned() -> None:
    found = identify(envelope("relay.example; none", f"{OURS}; {PASS}"), BORDER)
    assert "below a foreign one" in found.detail


@pytest.mark.standard("AR-9")
def test_lower_field_of_our_id_does_not_replace_what_the_higher_one_said() -> None:
    assert check(f"{OURS}; dkim=fail header.d=reporter.example", f"{OURS}; {PASS}") == (IdentityKind.NOBODY, None)
    assert check(f"{OURS}; dkim=none", f"{OURS}; {PASS}") == (IdentityKind.NOBODY, None)
    spf = "spf=pass smtp.mailfrom=reporter.example"
    assert check(f"{OURS}; spf=fail smtp.mailfrom=other.example", f"{OURS}; {spf}") == (IdentityKind.NOBODY, None)
    assert (
        check(f"{OURS}; dmarc=fail header.from=reporter.example", f"{OURS}; dmarc=pass header.from=reporter.example")[0]
        is IdentityKind.NOBODY
    )


def test_two_fields_of_our_border_count_together() -> None:
    assert check(f"{OURS}; spf=none smtp.mailfrom=x.example", f"{OURS}; {PASS}", "old.example; none") == (
        IdentityKind.DOMAIN,
        "dkim",
    )


def test_any_configured_id_counts() -> None:
    border = Border(frozenset({"a.isp.example", "B.isp.example"}))
    assert identify(envelope(f"b.isp.example; {PASS}"), border).kind is IdentityKind.DOMAIN


def test_unreadable_field_of_ours_alone_leaves_the_sender_unchecked() -> None:
    found = identify(envelope(f"{OURS}; dkim=pass ((("), BORDER)
    assert found.kind is IdentityKind.UNCHECKED
    assert "could not be read" in found.detail


def test_unreadable_field_of_ours_does_not_hide_the_readable_one_below() -> None:
    assert check(f"{OURS}; spf=pass smtp.mailfrom=<broken", f"{OURS}; {PASS}") == (IdentityKind.DOMAIN, "dkim")


def test_oversized_and_deeply_nested_fields_are_refused_not_searched() -> None:
    for text in (f"{OURS}; {PASS} {'x' * FIELD_CHARS}", f"{OURS}; {PASS} {'(' * 1500}{')' * 1500}"):
        assert identify(envelope(text), BORDER).kind is IdentityKind.UNCHECKED


def test_detail_holds_no_control_characters_of_the_field() -> None:
    found = identify(envelope(f"{OURS}; dkim=pass \x1b[2J\x07("), BORDER)
    assert found.detail.isprintable()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("dkim=temperror header.d=reporter.example", IdentityKind.UNCHECKED),
        ("dmarc=temperror header.from=reporter.example", IdentityKind.UNCHECKED),
        ("dkim=temperror header.d=other.example", IdentityKind.NOBODY),
        ("dkim=permerror header.d=reporter.example", IdentityKind.NOBODY),
        ("dkim=temperror header.d=reporter.example; spf=pass smtp.mailfrom=reporter.example", IdentityKind.DOMAIN),
    ],
)
def test_temporary_error_of_the_border_holds_instead_of_rejecting(text: str, kind: IdentityKind) -> None:
    assert check(f"{OURS}; {text}")[0] is kind


def test_without_authserv_id_nothing_is_checked_feeds_included() -> None:
    border = Border(feeds=(FBL, ALIAS_ONLY))
    mail = envelope("mx.isp.example; dkim=pass header.d=fbl.example", to=("fbl-7@isp.example", "trap-9@isp.example"))
    assert identify(mail, border).kind is IdentityKind.UNCHECKED


def test_no_field_at_all_is_nobody_but_not_a_foreign_border() -> None:
    found = identify(envelope(), BORDER)
    assert found.kind is IdentityKind.NOBODY
    assert not found.foreign


@pytest.mark.parametrize(
    ("sender", "froms"), [("ann@reporter.example", 2), (None, 0), ("reporter.example", 1), ("@reporter.example", 1)]
)
def test_anything_but_one_from_address_is_never_a_domain(sender: str | None, froms: int) -> None:
    assert (
        check(f"{OURS}; {PASS}; dmarc=pass header.from=reporter.example", sender=sender, froms=froms)[0]
        is IdentityKind.NOBODY
    )


@pytest.mark.parametrize(
    ("sender", "proven", "known"),
    [
        ("a@x.co.uk", "y.co.uk", False),  # two customers of one registry
        ("a@mail.x.co.uk", "x.co.uk", True),
        ("a@one.github.io", "two.github.io", False),
        ("a@bücher.example", "xn--bcher-kva.example", True),
        ("a@REPORTER.example", "reporter.example", True),
    ],
)
def test_alignment_is_by_registered_domain(sender: str, proven: str, known: bool) -> None:
    kind, _ = check(f"{OURS}; dkim=pass header.d={proven}", sender=sender)
    assert (kind is IdentityKind.DOMAIN) is known


FEEDS = [
    # (name, results, recipients, feed or None)
    ("signed by its domain, From elsewhere", "dkim=pass header.d=fbl.example", (), "fbl"),
    ("signed below its domain", "dkim=pass header.d=arf.mail.fbl.example", (), "fbl"),
    ("spf of its domain", "spf=pass smtp.mailfrom=b@bounce.fbl.example", (), "fbl"),
    ("dmarc of its domain", "dmarc=pass header.from=fbl.example", (), "fbl"),
    ("a name that only ends alike", "dkim=pass header.d=notfbl.example", (), None),
    ("failed signature", "dkim=fail header.d=fbl.example", (), None),
    ("its alias without any proof", "dkim=none", ("fbl-7@isp.example",), None),
    ("its alias with a stranger's proof", "dkim=pass header.d=stranger.example", ("fbl-7@isp.example",), None),
    ("shared domain, first alias", "dkim=pass header.d=relay.example", ("a@isp.example",), "shared-a"),
    ("shared domain, second alias", "dkim=pass header.d=relay.example", ("B@isp.example",), "shared-b"),
    ("shared domain, no alias: the first registered", "dkim=pass header.d=relay.example", (), "shared-a"),
    ("narrower domain wins", "dkim=pass header.d=one.relay.example", (), "narrow"),
    ("alias wins over the narrower domain", "dkim=pass header.d=one.relay.example", ("b@isp.example",), "shared-b"),
    (
        "feed without domains: alias and some proof",
        "dkim=pass header.d=anybody.example",
        ("Trap-9@isp.example",),
        "alias-only",
    ),
    (
        "feed without domains: alias and spf",
        "spf=pass smtp.mailfrom=anybody.example",
        ("trap-9@isp.example",),
        "alias-only",
    ),
    ("feed without domains: alias alone", "spf=fail smtp.mailfrom=anybody.example", ("trap-9@isp.example",), None),
    ("public suffix registered: only itself", "dkim=pass header.d=victim.co.uk", (), None),
]


@pytest.mark.parametrize(("text", "to", "feed"), [case[1:] for case in FEEDS], ids=[case[0] for case in FEEDS])
def test_feed_is_known_by_its_authenticated_domain(text: str, to: tuple[str, ...], feed: str | None) -> None:
    found = identify(envelope(f"{OURS}; {text}", to=to, sender="noreply@elsewhere.test"), BORDER)
    assert found.feed == feed
    assert found.kind is (IdentityKind.FEED if feed else IdentityKind.NOBODY)
    assert found.address is None


def test_feed_with_aligned_sender_keeps_its_address() -> None:
    found = identify(envelope(f"{OURS}; dkim=pass header.d=fbl.example", sender="feedback@fbl.example"), BORDER)
    assert (found.kind, found.address, found.method, found.domain) == (
        IdentityKind.FEED,
        "feedback@fbl.example",
        "dkim",
        "fbl.example",
    )


def test_feed_below_a_foreign_field_is_nobody() -> None:
    assert check("mx.attacker.example; none", f"{OURS}; dkim=pass header.d=fbl.example", to=("fbl-7@isp.example",)) == (
        IdentityKind.NOBODY,
        None,
    )


WORDS = st.sampled_from(["mx.isp.example", "a", "A-b.C", "x_y", "1.2"])
RESULTS = st.builds(
    lambda method, result, said: f"{method}={result}{''.join(said)}",
    st.sampled_from(["dkim", "SPF", "dmarc", "arc", "x"]),
    st.sampled_from(["pass", "Fail", "none", "temperror"]),
    st.lists(
        st.builds(
            lambda kind, name, value: f" {kind}.{name}={value}",
            st.sampled_from(["header", "smtp", "policy"]),
            st.sampled_from(["d", "i", "From", "mailfrom", "helo"]),
            st.sampled_from(["fbl.example", "a@B.example", "@b.example", "x-1.y", "1", "a.b@c.d"]),
        ),
        max_size=3,
    ),
)


@given(server=WORDS, results=st.lists(RESULTS, min_size=1, max_size=4))
def test_a_plain_field_is_read_as_authres_reads_it(server, results):
    field = "; ".join([server, *results])
    assert identity._PLAIN.fullmatch(field.lower())
    quick = identity._statements(field)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(identity, "_PLAIN", re.compile(r"(?!)"))
        assert identity._statements(field) == quick
