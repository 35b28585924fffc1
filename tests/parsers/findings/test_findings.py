"""What the bytes of the reported mail show, each finding with what must not be taken for it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from parsers import findings as checks
from parsers import parse
from parsers.report import Category

sys.path.insert(0, str(Path(__file__).parent))
from reported import HEADERS, findings, report

HTML = {"Content_Type": "text/html; charset=utf-8"}


# --- advertising label ------------------------------------------------------------------


@pytest.mark.duty("NET-1")
@pytest.mark.parametrize(
    "subject",
    ["广告 春季特卖", "AD: spring sale", "ＡＤ spring", "【广告】特卖", "[AD] sale", "=?utf-8?B?5bm/5ZGKIHNhbGU=?="],
)
def test_a_label_at_the_head_of_the_subject_is_seen(subject: str) -> None:
    found = findings(Subject=subject)
    assert "advertising-label" in found
    assert "no-advertising-label" not in found


@pytest.mark.duty("NET-1")
@pytest.mark.parametrize("subject", ["Spring sale 广告", "ADVANCE notice", "Address changed", "a d", "ad: sale"])
def test_a_label_elsewhere_is_none(subject: str) -> None:
    assert "does not begin with 广告 or AD" in findings(Subject=subject)["no-advertising-label"]


# --- unsubscribing ----------------------------------------------------------------------


@pytest.mark.duty("CON-4")
def test_a_mail_that_cannot_be_unsubscribed_from() -> None:
    found = findings("Buy at https://shop.sender.example/ now.\n")
    assert "no-unsubscribe" in found
    assert not {"no-list-unsubscribe", "no-unsubscribe-link", "no-one-click"} & set(found)


@pytest.mark.duty("CON-4")
def test_a_mail_that_can_be_unsubscribed_from_in_every_way() -> None:
    found = findings(
        "Unsubscribe: https://shop.sender.example/leave\n",
        List_Unsubscribe="<mailto:leave@sender.example>, <https://shop.sender.example/leave>",
        List_Unsubscribe_Post="List-Unsubscribe=One-Click",
    )
    assert not [code for code in found if "unsubscribe" in code or code in ("no-one-click", "no-opt-out-address")]


@pytest.mark.duty("CON-4")
@pytest.mark.parametrize(
    "text",
    [
        "To unsubscribe visit https://sender.example/x",
        "Newsletter abbestellen: https://sender.example/x",
        "Se désabonner : https://sender.example/x",
        "Darse de baja: https://sender.example/x",
        "Dezabonare: https://sender.example/x",
        "退订请点击 https://sender.example/x",
        "配信停止はこちら https://sender.example/x",
        "Отписаться: https://sender.example/x",
        "Wypisz się: https://sender.example/x",
    ],
)
def test_a_visible_link_is_seen_in_many_languages(text: str) -> None:
    found = findings(text + "\n", Content_Type="text/plain; charset=utf-8")
    assert "no-unsubscribe" not in found
    assert "no-list-unsubscribe" in found


@pytest.mark.duty("CON-4")
@pytest.mark.parametrize(
    ("header", "post", "why"),
    [
        ("<https://sender.example/x>", None, "no List-Unsubscribe-Post"),
        ("<https://sender.example/x>", "yes", "does not say One-Click"),
        ("<mailto:x@sender.example>", "List-Unsubscribe=One-Click", "no https address"),
    ],
)
def test_what_is_missing_for_one_click_is_named(header: str, post: str | None, why: str) -> None:
    found = findings("unsubscribe https://sender.example/x\n", List_Unsubscribe=header, List_Unsubscribe_Post=post)
    assert why in found["no-one-click"]


@pytest.mark.duty("NET-2")
def test_an_address_to_refuse_at_is_looked_for() -> None:
    assert "no-opt-out-address" in findings("Call us.\n")
    assert "no-opt-out-address" in findings("This went to pat@reader.example from noreply@sender.example.\n")
    assert "no-opt-out-address" not in findings("Write to leave@sender.example.\n")
    assert "no-opt-out-address" not in findings("Call us.\n", List_Unsubscribe="<mailto:leave@sender.example>")


@pytest.mark.parametrize("body", ["", "\n", "REDACTED\n", "[body removed]\n", "x" * 70_000 + "\n"])
def test_nothing_is_said_to_be_missing_in_a_body_that_is_not_here_whole(body: str) -> None:
    absent = {"no-unsubscribe", "no-opt-out-address", "registration-missing", "legal-name-missing"}
    assert not absent & set(findings(body))


def test_of_headers_alone_only_what_headers_show_is_said() -> None:
    found = report("", kind="text/rfc822-headers")
    codes = {finding.code for finding in found.findings}
    assert {"no-list-unsubscribe", "no-advertising-label"} <= codes
    assert not codes & {"no-unsubscribe", "no-opt-out-address", "registration-missing", "legal-name-missing"}
    assert {resource.role.value for resource in found.resources} == {"source"}


# --- who sent it ------------------------------------------------------------------------


@pytest.mark.duty("MED-1", "NET-1")
def test_a_consistent_sender_is_not_remarked_on() -> None:
    codes = set(findings(DKIM_Signature="v=1; a=rsa-sha256; d=sender.example; s=x; b=abc", Reply_To="a@sender.example"))
    assert not codes & {
        "several-senders", "no-sender", "sender-domains-unrelated", "reply-to-elsewhere", "address-as-name",
        "greeting-contradicts", "date-far-from-receipt", "authentication-failed",
    }  # fmt: skip


@pytest.mark.duty("MED-1", "NET-1")
@pytest.mark.parametrize(
    ("headers", "code", "said"),
    [
        ({"From": "a@one.example, b@two.example"}, "several-senders", "one.example, two.example"),
        ({"From": "Nobody"}, "no-sender", "no address"),
        ({"From": None}, "no-sender", "no From field"),
        ({"Return_Path": "<b@other.example>"}, "sender-domains-unrelated", "the return path other.example"),
        ({"Reply_To": "drop@freemail.example"}, "reply-to-elsewhere", "freemail.example"),
        ({"From": '"info@bank.example" <x@sender.example>'}, "address-as-name", "bank.example"),
        ({"From": "=?utf-8?Q?info=40bank.example?= <x@sender.example>"}, "address-as-name", "bank.example"),
        ({"Date": "Tue, 06 Jan 2015 07:30:00 +0000"}, "date-far-from-receipt", "2015-01-06T07:30:00Z"),
        ({"Authentication_Results": "mx.reader.example; spf=fail; dmarc=fail"}, "authentication-failed", "dmarc=fail"),
    ],
)
def test_contradictions_about_the_sender(headers: dict[str, str | None], code: str, said: str) -> None:
    assert said in findings(**headers)[code]


@pytest.mark.duty("NET-1")
def test_a_mailers_own_return_path_contradicts_nothing_where_a_signature_agrees() -> None:
    found = findings(
        Return_Path="<b@mailer.example>", DKIM_Signature="v=1; a=rsa-sha256;\n\td=sender.example; s=x; b=abc"
    )
    assert "sender-domains-unrelated" not in found


@pytest.mark.duty("NET-1")
def test_a_greeting_with_a_strangers_name() -> None:
    line = "from trusted.example (mail.sender.example [198.51.100.7]) by mx.reader.example; Tue, 06 Jan 2026 07:30:07 +0000"
    assert "greeted as trusted.example" in findings(Received=line)["greeting-contradicts"]


# --- recipients -------------------------------------------------------------------------


@pytest.mark.duty("MED-1")
@pytest.mark.parametrize(
    ("to", "code"),
    [
        ("pat", "recipient-without-domain"),
        ("pat@", "recipient-without-domain"),
        ("pat@reader.example, bob", "recipient-without-domain"),
        ("a@@b.example", "recipient-malformed"),
        ("pat@-reader-.example", "recipient-malformed"),
    ],
)
def test_recipients_that_are_none(to: str, code: str) -> None:
    evidence = findings(To=to)[code]
    assert "pat" not in evidence  # nobody is named
    assert "bob" not in evidence


@pytest.mark.duty("MED-1")
@pytest.mark.parametrize(
    "to",
    [
        "Pat <pat@reader.example>", '"Reader, Pat" <pat@reader.example>', "pat@reader.example (Pat)", "<x>", "xxxx",
        "undisclosed-recipients:;", "[REDACTED]", "***@reader.example", "redacted", "pat@[192.0.2.1]", "pat@bücher.example",
    ],
)  # fmt: skip
def test_good_and_hidden_recipients_are_not_remarked_on(to: str) -> None:
    assert not [code for code in findings(To=to) if code.startswith("recipient")]


# --- legal name and registration --------------------------------------------------------


@pytest.mark.duty("MED-2")
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("EIN: 12-3456789", "us-ein"),
        ("Employer Identification Number 12-3456789", "us-ein"),
        ("Registered in England and Wales, company number 01234567", "uk-company"),
        ("Acme Ltd. Company No. SC123456", "uk-company"),
        ("VAT No: DE 555 277 819", "eu-vat"),
        ("USt-IdNr.: DE555277819", "eu-vat"),
        ("UID: ATU00330766", "eu-vat"),
        ("N° TVA : FR 40 553983370", "eu-vat"),
        ("P.IVA 81702710229", "eu-vat"),
        ("NIP: 234-490-77-83", "eu-vat"),
        ("BTW NL493748799B01", "eu-vat"),
        ("VAT number: GB 980 0946 61", "gb-vat"),
        ("统一社会信用代码：9111000019318452F9", "cn-uscc"),
        ("CUI: RO11104023", "ro-cui"),
        ("C.U.I. 11104023", "ro-cui"),
        ("Cod fiscal RO 11104023", "ro-cui"),
        ("Reg. Com. J40/1234/2005", "ro-register"),
        ("Amtsgericht Musterstadt, HRB 12345", "de-register"),
        ("SIREN 351 976 535", "fr-siren"),
        ("CHE-601.787.647 MWST", "ch-uid"),
        ("UID CHE-601.787.647", "ch-uid"),
    ],
)
def test_registration_numbers_are_found_behind_their_labels(text: str, code: str) -> None:
    found = findings(f"Our imprint: {text}\nTel. 0123 456789\n", Content_Type="text/plain; charset=utf-8")
    assert [one for one in found if one.startswith("registration")] == [f"registration-found:{code}"]


@pytest.mark.duty("MED-2")
@pytest.mark.parametrize(
    "text",
    ["VAT DE555277818", "CUI: RO11104024", "统一社会信用代码：9111000019318452F8", "EIN 07-3456789", "NIP 2344907784"],
)
def test_wrong_check_digits_are_told(text: str) -> None:
    found = findings(f"{text}\n", Content_Type="text/plain; charset=utf-8")
    assert "registration-malformed" in found
    assert "registration-missing" not in found


@pytest.mark.duty("MED-2")
@pytest.mark.parametrize(
    "text",
    [
        "Buy 12 for 99.95 EUR incl. 20% VAT, order 1234567 today.",
        "Call 0800 123 456 789 now, ein tolles Angebot 2026.",
        "Your VAT number: DE555277819",
        "Tracking number DE555277819",
        "Der Preis: 1999 inkl. MwSt 19 % = 318.98",
    ],
)
def test_other_numbers_are_not_taken_for_registrations(text: str) -> None:
    assert [one for one in findings(f"{text}\n") if one.startswith("registration")] == ["registration-missing"]


@pytest.mark.duty("MED-2")
def test_numbers_and_names_are_found_in_markup_too() -> None:
    page = "<html><body><p>Hello</p><p>Beispiel&nbsp;GmbH<br>USt-IdNr.: <b>DE555277819</b></p></body></html>\n"
    found = findings(page, **HTML)
    assert "registration-found:eu-vat" in found
    assert "Beispiel GmbH" in found["legal-name-found"]


@pytest.mark.duty("MED-2")
@pytest.mark.parametrize(
    ("kind", "plain", "name"),
    [
        ("alternative", "Hello from Beispiel GmbH\n", "Beispiel GmbH"),  # the HTML says the same again
        ("alternative", "Hello\n", "Beispiel Handel GmbH"),
        ("mixed", "Hello from Beispiel GmbH\n", "Beispiel Handel GmbH"),
    ],
)
def test_html_is_searched_for_what_its_plain_alternative_does_not_give(kind: str, plain: str, name: str) -> None:
    body = (
        f"--in\nContent-Type: text/plain\n\n{plain}\n--in\nContent-Type: text/html\n\n"
        "<p>Beispiel Handel GmbH</p><p>USt-IdNr.: DE555277819</p>\n--in--\n"
    )
    found = findings(body, Content_Type=f"multipart/{kind}; boundary=in")
    assert found["legal-name-found"].endswith(f"“{name}”")
    assert "registration-found:eu-vat" in found


@pytest.mark.duty("MED-2")
@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("(c) 2026 Acme Trading Ltd. All rights reserved", "Acme Trading Ltd"),
        ("Acme, Inc., 1 Main Street", "Acme, Inc"),
        ("SC Exemplu SRL", "SC Exemplu SRL"),
        ("Exemplu S.R.L., Bucuresti", "Exemplu S.R.L"),
        ("Beispiel & Sohn GmbH", "Beispiel & Sohn GmbH"),
        ("Esempio S.p.A.", "Esempio S.p.A"),
        ("Priklad s.r.o.", "Priklad s.r.o"),
        ("示例科技有限公司", "示例科技有限公司"),
        ("株式会社サンプル", "株式会社サンプル"),
        ("ООО «Пример»", "ООО Пример"),
    ],
)
def test_legal_names_are_found(text: str, name: str) -> None:
    assert name in findings(f"{text}\n", Content_Type="text/plain; charset=utf-8")["legal-name-found"]


@pytest.mark.duty("MED-2")
@pytest.mark.parametrize("text", ["Summer Limited offer only", "BUY NOW AS SEEN ON TV", "Corporate news", "as an ag"])
def test_ordinary_words_are_no_legal_names(text: str) -> None:
    assert "legal-name-missing" in findings(f"{text}\n")


# --- links ------------------------------------------------------------------------------


@pytest.mark.duty("MED-1")
def test_links_are_resources_and_those_of_strangers_are_told_by_their_domain() -> None:
    found = report(
        "http://shop.sender.example/a?u=pat http://pat-token.other.example/p www.third.example https://bit.ly/x "
        "http://192.0.2.8/p HTTP://SHOP.Sender.Example/b\n"
    )
    evidence = {one.code: one.evidence for one in found.findings}
    assert [(one.kind.value, one.value) for one in found.resources if one.role.value == "advertised"] == [
        ("host", "shop.sender.example"),
        ("host", "pat-token.other.example"),
        ("host", "bit.ly"),
        ("ip", "192.0.2.8"),
        ("host", "www.third.example"),
    ]
    assert "other.example, third.example" in evidence["unrelated-links"]
    assert "bit.ly" in evidence["url-shortener"]
    assert "192.0.2.8" in evidence["link-to-address"]
    assert not any("token" in text for text in evidence.values())  # a host name may name its reader


def test_links_in_markup_come_before_its_images_and_name_spaces_are_none() -> None:
    page = (
        '<html xmlns="http://www.w3.org/1999/xhtml"><img src="https://images.other.example/x.png">'
        '<a href="https://shop.sender.example/">here</a></html>\n'
    )
    advertised = [one.value for one in report(page, **HTML).resources if one.role.value == "advertised"]
    assert advertised == ["shop.sender.example", "images.other.example"]
    assert "unrelated-links" not in findings(page, **HTML)  # an image is not a link to follow


def test_links_are_bounded() -> None:
    body = " ".join(f"http://h{n}.other.example/" for n in range(200))
    assert len([one for one in report(body + "\n").resources if one.role.value == "advertised"]) == 50


def test_links_in_encoded_bodies_are_read() -> None:
    found = report(
        "http://shop.send=\ner.example/x=3D1\n",
        Content_Type="text/plain; charset=utf-8",
        Content_Transfer_Encoding="quoted-printable",
    )
    assert "shop.sender.example" in [one.value for one in found.resources]


# --- the rest ---------------------------------------------------------------------------


@pytest.mark.duty("PAG-3")
def test_fifteen_newsgroups_are_mass_posting() -> None:
    mass = report(Newsgroups=",".join(f"misc.test{n}" for n in range(15)))
    assert mass.category is Category.NEWSGROUP_SPAM
    assert "15 newsgroups" in {one.code: one.evidence for one in mass.findings}["mass-newsgroup-posting"]
    assert dict(mass.provenance)["category"] == "original:Newsgroups"
    assert report(Newsgroups=",".join(f"misc.test{n}" for n in range(14))).category is Category.SPAM


@pytest.mark.duty("CON-7")
def test_no_evidence_names_the_recipient() -> None:
    found = findings(
        "Hello Zoltan Keeper, http://zoltan.other.example/\nZoltan Keeper Ltd\n",
        To="Zoltan Keeper <zoltan@reader.example>",
        Return_Path="<bounce-zoltan=reader.example@other.example>",
        Subject="Zoltan Keeper, an offer for zoltan@reader.example",
        Reply_To="zoltan-123@drop.example",
    )
    assert not [text for text in found.values() if "zoltan" in text.lower() or "keeper" in text.lower()]


def test_the_mail_itself_does_not_leave_the_parsers() -> None:
    for one in (report(), report("", kind="text/rfc822-headers")):
        assert one.original is not None
        assert one.original.mail is None


def test_a_check_that_fails_is_a_defect_and_costs_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(mail: object) -> list[object]:
        raise KeyError("oops")

    others = tuple(one for one in checks._checks() if one[0] != "date")
    monkeypatch.setattr(checks, "_checks", lambda: (("date", fail), *others))
    found = report()
    assert "check-failed:date" in found.defects
    assert found.findings


def test_a_reported_mail_with_more_parts_than_are_looked_at_still_is_a_report() -> None:
    body = "".join(f"--in\nContent-Type: text/plain\n\n{n}\n" for n in range(200)) + "--in--\n"
    found = report(body, Content_Type="multipart/mixed; boundary=in")
    assert found.source_ip == "198.51.100.7"
    assert "original-over-limit" in found.defects


@pytest.mark.parametrize("kind", ["auth-failure", "not-spam"])
def test_where_nobody_complains_nothing_is_looked_for(kind: str) -> None:
    raw = (
        "From: a@fbl.example\nMIME-Version: 1.0\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n\n"
        f"--b\nContent-Type: message/feedback-report\n\nFeedback-Type: {kind}\nUser-Agent: x/1\nVersion: 1\n\n"
        "--b\nContent-Type: message/rfc822\n\nFrom: x@sender.example\nSubject: y\n\nhttp://shop.sender.example/\n--b--\n"
    )
    found = parse(raw.encode()).reports[0]
    assert found.findings == ()
    assert found.original is not None
    assert found.original.mail is None


def test_evidence_is_bounded_and_clean() -> None:
    found = report(Subject="=?utf-8?Q?x=0D=0ABcc:_a=40b.example_" + "y" * 3000 + "?=")
    assert all(len(one.evidence) <= checks.EVIDENCE_CHARS for one in found.findings)
    assert not any("\n" in one.evidence or "\r" in one.evidence for one in found.findings)


def test_helpers_agree_on_what_a_plain_mail_is() -> None:
    assert set(HEADERS) >= {"From", "To", "Subject"}
    assert findings()
