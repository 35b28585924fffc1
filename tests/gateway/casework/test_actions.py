"""An action's states are those of the document; two approvals are two persons; what is protected is never acted on."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.casework import actions
from gateway.casework.action_words import WORDS
from gateway.casework.actions import TABLE, Action, Agreed, Surroundings, Trigger
from gateway.casework.states import NotAllowedError
from gateway.model import ActionKind, ActionState

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "states.md"
T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACTION = Action(
    7, ActionKind.BLOCK_ADDRESS, ActionState.PROPOSED, "203.0.113.7", "overdue", 1, T0, account="birch/main"
)
AROUND = Surroundings(
    protected=[(ipaddress.ip_network("203.0.113.0/28"), "it is ours"), (ipaddress.ip_network("2001:db8::/64"), "ours")],
    protected_names=["isp.example", "www.isp.example", "abuse@isp.example"],
    exempt=["elder"],
)


def rendered(document: str) -> str:
    opening = "<!-- action: rendered -->\n"
    pattern = re.compile(re.escape(opening) + r".*?<!-- end -->", re.DOTALL)
    document, found = pattern.subn(lambda _: f"{opening}{actions.markdown()}\n<!-- end -->", document)
    assert found == 1
    return document


def test_the_document_shows_the_table_of_the_code(rewrite):
    document = DOCUMENT.read_text(encoding="utf-8")
    if rewrite:
        DOCUMENT.write_text(rendered(document), encoding="utf-8")
        return
    assert document == rendered(document)


@pytest.mark.parametrize("word", [*ActionState, *Trigger])
def test_the_document_explains_every_state_and_trigger(word):
    section = DOCUMENT.read_text(encoding="utf-8").partition("## An action")[2]
    assert re.search(rf"^- (?:`[a-z-]+`, )*`{word.value}`[:,]", section, re.MULTILINE)


def test_the_table_has_every_cell():
    assert set(TABLE) == {(state, trigger) for state in ActionState for trigger in Trigger}


@pytest.mark.parametrize(("state", "trigger"), list(TABLE))
def test_every_cell_is_what_is_decided(state, trigger):
    after = TABLE[(state, trigger)]
    if after is not None:
        assert actions.next_state(7, state, trigger) is after
        return
    with pytest.raises(NotAllowedError, match=rf"action 7 is {state.value}; this needs \w+"):
        actions.next_state(7, state, trigger)


@pytest.mark.parametrize("kind", ActionKind)
def test_every_kind_has_words_for_what_it_does_and_how_it_is_undone(kind):
    plan = actions.plan(replace(ACTION, kind=kind), Surroundings())
    assert "203.0.113.7" in plan.what
    assert "203.0.113.7" in plan.undo
    assert plan.what != plan.undo
    assert set(WORDS) == set(ActionKind)


@pytest.mark.parametrize(
    ("needed", "who", "after"), [(1, ["ann"], "approved"), (2, ["ann"], "proposed"), (2, ["ann", "ben"], "approved")]
)
def test_it_is_approved_by_the_last_person_who_has_to_agree(needed, who, after):
    *before, last = who
    action = replace(ACTION, needed=needed, approvals=tuple(Agreed(one, T0) for one in before))
    assert actions.approve(action, last).value == after


@pytest.mark.parametrize("same", ["ann", "ANN", " Ann ", "Ann\t"])
def test_the_same_person_twice_is_one_person(same):
    action = replace(ACTION, needed=2, approvals=(Agreed("Ann", T0),))
    with pytest.raises(NotAllowedError, match="agreed already"):
        actions.approve(action, same)


def test_nobody_is_no_person():
    with pytest.raises(NotAllowedError):
        actions.approve(ACTION, " ")


@pytest.mark.parametrize("state", [s for s in ActionState if s is not ActionState.PROPOSED])
def test_only_what_is_proposed_can_be_approved(state):
    with pytest.raises(NotAllowedError):
        actions.approve(replace(ACTION, state=state), "ann")


@pytest.mark.parametrize(
    ("kind", "target", "why"),
    [
        ("block-address", "203.0.113.7", "protected: it is ours"),
        ("block-address", "203.0.113.0/24", "protected"),
        ("block-address", "203.0.113.7/32", "protected"),
        ("list-foreign", "2001:db8::1", "protected"),
        ("suspend-account", "203.0.113.7", "protected"),
        ("block-address", "0.0.0.0/0", "large part"),
        ("block-address", "128.0.0.0/1", "large part"),
        ("list-foreign", "2000::/3", "large part"),
        ("list-foreign", "spammer.example", "no address"),
        ("block-domain", "isp.example", "it would hit isp.example"),
        ("block-domain", "example", "it would hit isp.example"),
        ("block-domain", "not a domain", "no domain"),
        ("block-domain", "a@spammer.example", "no domain"),
        ("block-domain", "198.51.100.7", "use list-foreign"),
        ("block-sender", "abuse@isp.example", "it would hit abuse@isp.example"),
        ("block-sender", "ABUSE@ISP.example", "it would hit abuse@isp.example"),
        ("block-sender", "nobody", "no mail address"),
        ("suspend-support-service", "www.isp.example.", "it would hit www.isp.example"),
    ],
)
def test_what_must_not_be_done_is_said(kind, target, why):
    refused = actions.refusals(replace(ACTION, kind=ActionKind(kind), target=target), AROUND)
    assert refused
    assert why in " ".join(refused)


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        ("block-address", "203.0.113.16"),
        ("block-address", "198.51.100.0/24"),
        ("block-address", "2001:db8:1::/48"),
        ("suspend-support-service", "customer.isp.example"),
        ("block-sender", "user@isp.example"),
        ("block-domain", "customer.isp.example"),
        ("block-domain", "notisp.example"),
        ("suspend-account", "203.0.113.16"),
    ],
)
def test_a_neighbour_of_the_protected_is_not_protected(kind, target):
    assert actions.refusals(replace(ACTION, kind=ActionKind(kind), target=target), AROUND) == ()


def test_nothing_is_done_to_an_exempt_customer():
    action = replace(ACTION, target="198.51.100.7", account="elder/main")
    assert "exempt" in actions.refusals(action, AROUND)[0]
    assert actions.refusals(replace(action, account="elderberry/main"), AROUND) == ()
