"""What a block list's answer means: listed, clear, or nothing at all."""

from __future__ import annotations

import ipaddress

import pytest

from gateway.watch.listings import Answer, Said, changes, judge, question, sample, trouble

LISTED, CLEAR, NOTHING = Answer(Said.LISTED, ("127.0.0.2",)), Answer(Said.CLEAR), Answer(Said.NOTHING, detail="silent")


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("192.0.2.99", "99.2.0.192.bl.example"),
        ("2001:db8::1", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.example"),
    ],
)
def test_the_question_is_the_address_backwards(address, name):
    assert question(address, "bl.example") == name


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([], Said.CLEAR),
        (["127.0.0.2"], Said.LISTED),
        (["127.0.0.4", "127.0.0.10"], Said.LISTED),
        (["127.255.255.254"], Said.NOTHING),  # asked through a public resolver
        (["127.255.255.255", "127.0.0.2"], Said.NOTHING),
        (["203.0.113.1"], Said.NOTHING),  # the domain was sold
    ],
)
@pytest.mark.duty("NET-3")
def test_an_error_is_no_listing(records, said):
    assert judge(records).said is said


@pytest.mark.parametrize(
    ("never", "always", "wrong"),
    [
        (CLEAR, LISTED, None),
        (LISTED, LISTED, "lists everything"),
        (CLEAR, CLEAR, "not a list any more"),
        (NOTHING, LISTED, "silent"),
        (CLEAR, NOTHING, "silent"),
    ],
)
def test_a_list_that_fails_its_own_test_entries_counts_for_nothing(never, always, wrong):
    found = trouble(never, always)
    assert (found is None) if wrong is None else wrong in found


def test_silence_neither_lists_nor_delists():
    answers = {"192.0.2.1": NOTHING, "192.0.2.2": LISTED, "192.0.2.3": CLEAR, "192.0.2.4": LISTED, "192.0.2.5": CLEAR}
    found = changes({"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.9"}, answers)
    assert dict(found.listed) == {"192.0.2.4": "127.0.0.2"}
    assert list(found.still) == ["192.0.2.2"]
    assert found.delisted == ("192.0.2.3",)


@pytest.mark.parametrize(
    ("prefix", "most"), [("192.0.2.0/24", 16), ("192.0.2.0/24", 7), ("192.0.2.0/30", 16), ("192.0.2.1/32", 1)]
)
def test_a_sample_is_bounded_and_comes_round_to_every_address(prefix, most):
    network = ipaddress.ip_network(prefix)
    rounds = [list(sample(network, most, number)) for number in range(network.num_addresses)]
    assert all(len(one) == len(set(one)) <= most or len(one) == network.num_addresses for one in rounds)
    assert {address for one in rounds for address in one} == {str(address) for address in network}


def test_a_sample_of_a_huge_prefix_is_quick_and_inside_it():
    network = ipaddress.ip_network("2001:db8::/32")
    assert all(ipaddress.ip_address(address) in network for address in sample(network, 16, 12345))
