"""The policy that ships, and what a policy file may and may not say."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.model import ActionKind
from gateway.policies.policy import PolicyError, bystanders, load, shipped
from gateway.policies.words import describe
from parsers.report import Category, Role

MINIMAL = """
name = "mine"
version = 3
[classes.mail]
hours = 24
[cases.source]
spam = "mail"
"""


@pytest.fixture
def written(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "mine.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def refused(path: Path) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        load(path)
    assert str(caught.value).splitlines() == list(caught.value.problems)
    return list(caught.value.problems)


def test_the_default_policy_gives_24_hours_for_mail_and_2_for_services_that_support_spam():
    policy = load()
    hours = {name: rule.hours for name, rule in policy.classes.items()}
    assert hours == {"mail": 24, "support-service": 2, "connection": 24, "content": 24}
    assert all(rule.reminder_at == (0.5,) for rule in policy.classes.values())
    assert policy.classes["mail"].time == timedelta(hours=24)
    assert (policy.name, policy.version) == ("default", 1)
    assert policy.age_limit == timedelta(days=7)
    assert policy.reopen_limit == timedelta(days=30)


def test_the_default_policy_blocks_by_approval_of_one_person():
    policy = load()
    assert policy.classes["mail"].overdue == (ActionKind.BLOCK_ADDRESS,)
    assert policy.actions.approval_for(ActionKind.BLOCK_ADDRESS) == "one"
    assert policy.actions.approval_for(ActionKind.SUSPEND_ACCOUNT) == "two"


def test_six_policies_ship_and_each_is_named_as_its_file():
    assert shipped() == ("conectoo", "default", "mediaofficers", "netease", "pageant", "ses")
    assert [load(name).name for name in shipped()] == list(shipped())


@pytest.mark.parametrize("name", shipped())
def test_child_abuse_and_what_is_no_complaint_open_no_case_under_any_policy(name):
    policy = load(name)
    for role in Role:
        for category in (Category.CHILD_ABUSE, Category.NOT_SPAM, Category.AUTHENTICATION, Category.LISTING):
            assert policy.class_for(category, role) is None


def test_the_default_policy_tells_abuse_contacts_and_nobody_else():
    policy = load()
    assert {role for role, mode in policy.third_parties.model_dump().items() if mode != "off"} == {"abuse"}
    assert policy.third_parties.abuse == "auto"
    assert (policy.answer.rejected_minimum_hours, policy.answer.alarm_hours) == (2, 8)


CLASS_BY_SOURCE = {
    "mail": "spam phishing fraud malware mail-bombing harassment list-violation newsgroup-spam other",
    "support-service": "spamvertising response-collection",
    "connection": "login-attack port-scan ddos intrusion infected-host vulnerability data-harvesting interference",
    "content": "copyright illegal-content",
    None: "authentication not-spam listing child-abuse",
}


@pytest.mark.parametrize(
    ("category", "expected"), [(name, cls) for cls, names in CLASS_BY_SOURCE.items() for name in names.split()]
)
def test_the_default_class_of_a_source(category, expected):
    rule = load().class_for(Category(category), Role.SOURCE)
    assert (rule.name if rule else None) == expected


def test_the_table_of_sources_leaves_no_category_to_chance():
    named = {name for names in CLASS_BY_SOURCE.values() for name in names.split()}
    assert named == set(Category)
    assert set(load().cases[Role.SOURCE]) == set(Category)


@pytest.mark.parametrize("role", [Role.ADVERTISED, Role.DROP_BOX])
@pytest.mark.parametrize("category", list(Category))
def test_advertised_sites_and_drop_boxes_are_support_services(category, role):
    rule = load().class_for(category, role)
    if category in {Category.AUTHENTICATION, Category.NOT_SPAM, Category.LISTING, Category.CHILD_ABUSE}:
        assert rule is None
    elif role is Role.ADVERTISED and category in {Category.COPYRIGHT, Category.ILLEGAL_CONTENT}:
        assert rule.name == "content"
    else:
        assert rule.hours == 2


@pytest.mark.parametrize("category", list(Category))
def test_a_relay_in_the_trace_opens_no_case(category):
    assert load().class_for(category, Role.RELAY) is None


def test_a_policy_file_is_loaded_by_path(written):
    policy = load(written(MINIMAL))
    assert (policy.name, policy.version) == ("mine", 3)
    assert load(str(written(MINIMAL))) == policy
    assert policy.class_for(Category.SPAM, Role.SOURCE).name == "mail"
    assert policy.class_for(Category.PHISHING, Role.SOURCE) is None
    assert policy.class_for(Category.SPAM, Role.ADVERTISED) is None


def test_a_line_of_its_own_beats_any(written):
    policy = load(written(MINIMAL + 'any = "mail"\nother = "none"\n'))
    assert policy.class_for(Category.DDOS, Role.SOURCE).name == "mail"
    assert policy.class_for(Category.OTHER, Role.SOURCE) is None


def test_a_policy_cannot_be_changed_after_loading():
    with pytest.raises(ValidationError):
        load().version = 2


def test_the_rules_are_told_in_words(written):
    text = describe(load())
    assert "Policy default, version 1" in text
    assert "mail: 24 hours, reminder after 12 hours" in text
    assert "block-address, after one person has approved" in text
    assert "strike 3: disable-mail, after one person has approved" in text
    other = load(written(MINIMAL.replace("hours = 24", "hours = 24\nreminder_at = []")))
    assert "mail: 24 hours, no reminder; then staff are told" in describe(other)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("hours = 24", "hours = 0", ["classes.mail.hours = 0", "greater than 0", "Hours from the notice"]),
        ("hours = 24", 'hours = "a day"', ["classes.mail.hours = 'a day'", "valid number"]),
        ("hours = 24", "hour = 24\nhours = 24", ["classes.mail.hour: unknown setting; did you mean hours?"]),
        ("hours = 24", "hours = 24\nreminder_at = [0.5, 0.25]", ["classes.mail.reminder_at", "must ascend"]),
        ("hours = 24", "hours = 24\nreminder_at = [1.5]", ["classes.mail.reminder_at[1] = 1.5", "less than 1"]),
        ("version = 3\n", "", ["version: is missing; add it"]),
        ('spam = "mail"', 'spamm = "mail"', ["cases.source.spamm", "did you mean spam?"]),
        ('spam = "mail"', 'zzz = "mail"', ["cases.source.zzz", "possible: spam, phishing"]),
        ('spam = "mail"', 'spam = "mial"', ['cases.source.spam = "mial"', "no such class; possible: mail, none"]),
        ("[cases.source]", "[cases.sauce]", ["cases.sauce", "'source', 'advertised', 'drop-box' or 'relay'"]),
        (
            "hours = 24",
            'hours = 24\noverdue = ["blok"]',
            ["line 6: classes.mail.overdue[1] = 'blok'", "'block-address'"],
        ),
        (
            "[cases.source]",
            "[ladder]\nwindows = [{ count = 3, hours = 72 }]\n[cases.source]",
            ["line 6: ladder: windows and rungs belong together"],
        ),
        (
            "[cases.source]",
            (
                '[ladder]\nwindows = [{ count = 3, hours = 72 }]\n[[ladder.rungs]]\nnotice = "first-warning"\n'
                '[[ladder.rungs]]\nnotice = "enforced"\n[cases.source]'
            ),
            ["line 10: ladder.rungs[2]:", "a warning brings none"],
        ),
        (
            "[cases.source]",
            '[ladder]\nclasses = ["male"]\n[cases.source]',
            ["line 7: ladder.classes", '"male"; possible: mail'],
        ),
        ("[cases.source]", '[fines]\nmode = "auto"\n[cases.source]', ["line 7: fines.mode", "add fines.amount"]),
        (
            "[cases.source]",
            '[calendar]\ntime_zone = "Mars"\n[cases.source]',
            ["line 7: calendar.time_zone = 'Mars'", "no such"],
        ),
        (
            "[cases.source]",
            '[defence]\nprotected = ["x y"]\n[cases.source]',
            ["defence.protected[1] = 'x y'", "a prefix"],
        ),
        ("[cases.source]", '[actions.approvals]\nblock = "one"\n[cases.source]', ["line 7: actions.approvals.block"]),
        ("[cases.source]", '[third_parties]\nabuse = "on"\n[cases.source]', ["third_parties.abuse = 'on'"]),
    ],
)
def test_a_wrong_policy_is_one_line_with_file_and_key(written, old, new, words):
    path = written(MINIMAL.replace(old, new))
    (line,) = refused(path)
    assert re.match(re.escape(f"{path}: ") + r"line \d+: ", line) or "version" in line
    for word in words:
        assert word in line


def test_broken_toml_names_file_and_line(written):
    path = written("name = 'x'\nversion = \n")
    (line,) = refused(path)
    assert str(path) in line
    assert "line 2" in line


@pytest.mark.parametrize("name", ["absent", "", "..", "policy"])
def test_a_name_that_does_not_ship_lists_those_that_do(name):
    with pytest.raises(PolicyError, match="shipped are: conectoo, default"):
        load(name)


def test_a_path_that_is_not_there_is_named(tmp_path):
    (line,) = refused(tmp_path / "absent.toml")
    assert "no such file" in line


def test_bystanders_are_large_innocent_domains_and_no_shorteners_or_free_hosts():
    names = bystanders()
    assert len(names) >= 150
    assert {"w3.org", "google.com", "facebook.com", "fonts.googleapis.com".partition(".")[2]} <= names
    assert not {"bit.ly", "t.co", "tinyurl.com", "blogspot.com", "github.io", "weebly.com", "wixsite.com"} & names
    assert all(name == name.lower().strip() and "." in name and " " not in name for name in names)
