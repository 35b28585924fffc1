"""Who counts as independent, and when an action that nobody approves has to wait for somebody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.casework.defence import Reporter, independent, weigh
from gateway.model import ActionKind
from gateway.policies.policy import Policy, load, shipped
from gateway.screening.registry import freemail

PAGEANT = load("pageant")
DISABLE = ActionKind.DISABLE_MAIL


def person(address: str, **more: bool) -> Reporter:
    domain = address.partition("@")[2]
    return Reporter(address, domain, freemail=domain in freemail(), **more)


def feed(name: str, recipient: str = "") -> Reporter:
    return Reporter(f"feed:{name}:{recipient}", f"feed:{name}", known=True)


@pytest.mark.parametrize(
    ("reporters", "count"),
    [
        ([], 0),
        ([person("a@example.org"), person("b@example.org")], 1),
        ([person("a@example.org"), person("b@example.com")], 2),
        ([feed("loop", "x"), feed("loop", "y"), feed("other")], 2),
        ([person("a@gmail.com"), person("b@gmail.com"), person("c@gmail.com")], 1),
        ([person("a@gmail.com"), person("b@web.de")], 2),
        ([person("a@gmail.com", known=True), person("b@gmail.com", known=True), person("c@gmail.com")], 3),
    ],
)
def test_independent_reporters(reporters, count):
    assert independent(reporters, 1) == count


def test_the_cap_of_a_freemail_provider_is_the_policys():
    many = [person(f"{n}@gmail.com") for n in range(5)]
    assert independent(many, 3) == 3


def changed(**defence: object) -> Policy:
    return PAGEANT.model_copy(update={"defence": PAGEANT.defence.model_copy(update=defence)})


@pytest.mark.parametrize(
    ("reporters", "approval", "why"),
    [
        ([person("a@x.example", known=True), person("b@y.example"), person("c@z.example")], "none", ""),
        ([person("a@x.example", known=True), person("b@x.example")], "one", "1 independent reporters, 3 are needed"),
        ([person("a@x.example"), person("b@y.example"), person("c@z.example")], "one", "history of true reports"),
        ([person(f"{n}@gmail.com") for n in range(50)], "one", "1 independent"),
        ([], "one", "0 independent"),
    ],
)
def test_an_action_without_approval_needs_independent_reporters_and_one_who_is_known(reporters, approval, why):
    proposal, said = weigh(PAGEANT, DISABLE, "alder", reporters)
    assert proposal.approval == approval
    assert why in said


def test_what_the_policy_has_approved_anyway_needs_no_count():
    proposal, said = weigh(load(), DISABLE, "alder", [])
    assert (proposal.approval, said) == ("one", "")


def test_against_a_protected_customer_two_persons_must_agree():
    policy = changed(protected_customers=("alder",))
    assert weigh(policy, DISABLE, "alder", [feed("a"), feed("b"), feed("c")])[0].approval == "two"
    assert weigh(policy, DISABLE, "birch", [feed("a"), feed("b"), feed("c")])[0].approval == "none"


def test_a_policy_may_do_without_history():
    strangers = [person("a@x.example"), person("b@y.example"), person("c@z.example")]
    assert weigh(changed(history=0), DISABLE, "alder", strangers)[0].approval == "none"


PEOPLE = st.lists(
    st.builds(
        Reporter,
        complainant=st.sampled_from([f"p{n}" for n in range(8)]),
        organisation=st.sampled_from(["a.example", "b.example", "c.example", "gmail.com"]),
        known=st.booleans(),
        freemail=st.booleans(),
    ),
    max_size=12,
)


@given(PEOPLE, st.sampled_from(shipped()), st.sampled_from(list(ActionKind)), st.sampled_from(["alder", "birch"]))
def test_nothing_acts_by_itself_without_what_the_policy_requires(people, name, kind, customer):
    policy = load(name).model_copy(
        update={"defence": load(name).defence.model_copy(update={"protected_customers": ("birch",)})}
    )
    proposal, _ = weigh(policy, kind, customer, people)
    if proposal.approval == "none":
        assert policy.actions.approval_for(kind) == "none"
        assert customer != "birch"
        assert independent(people, policy.defence.freemail_cap) >= policy.defence.min_independent_reporters
        assert any(one.known for one in people)
    order = ["none", "one", "two"]
    assert order.index(proposal.approval) >= order.index(policy.actions.approval_for(kind)), "never less than it asks"


@given(PEOPLE)
def test_more_people_never_count_for_less_and_their_order_does_not_matter(people):
    count = independent(people, 1)
    assert independent(list(reversed(people)), 1) == count
    assert independent([*people, person("new@elsewhere.example")], 1) == count + 1
