"""Check digits: one right number for each member state and register, and each wrong neighbour of it refused."""

from __future__ import annotations

import pytest

from parsers import company_numbers, vat

RIGHT = [
    ("AT", "U00330766"),
    ("BE", "0549026730"),
    ("BG", "689283838"),
    ("CY", "85831710B"),
    ("CZ", "87316901"),
    ("DE", "555277819"),
    ("DK", "32688403"),
    ("EE", "385419248"),
    ("EL", "796551547"),
    ("ES", "B57028383"),
    ("FI", "30145462"),
    ("FR", "40553983370"),
    ("HR", "57250980103"),
    ("HU", "77804015"),
    ("IE", "1876297A"),
    ("IT", "81702710229"),
    ("LT", "296754910"),
    ("LU", "98718586"),
    ("LV", "41830540843"),
    ("MT", "18248720"),
    ("NL", "493748799B01"),
    ("PL", "2344907783"),
    ("PT", "570652880"),
    ("RO", "91297380"),
    ("SE", "550730338501"),
    ("SI", "35031620"),
    ("SK", "2003926353"),
    ("XI", "980094661"),
]


def test_every_member_state_has_a_rule_and_an_example() -> None:
    members = "AT BE BG CY CZ DE DK EE EL ES FI FR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
    assert set(members.split()) <= set(vat.RULES)
    assert {country for country, _ in RIGHT} == set(vat.RULES)


@pytest.mark.parametrize(("country", "number"), RIGHT)
def test_a_right_number_is_valid(country: str, number: str) -> None:
    assert vat.valid(country, number)


@pytest.mark.parametrize(("country", "number"), RIGHT)
def test_one_wrong_digit_is_found(country: str, number: str) -> None:
    """Each last digit of the number that is not its own; of Sweden and the Netherlands, the last before the suffix."""
    at = {"SE": 9, "NL": 8}.get(country, max(n for n, sign in enumerate(number) if sign.isdigit()))
    others = [number[:at] + digit + number[at + 1 :] for digit in "0123456789" if digit != number[at]]
    wrong = [one for one in others if vat.valid(country, one)]
    assert len(wrong) <= (1 if country in ("BG", "XI", "NL") else 0)  # these have a second scheme


@pytest.mark.parametrize("number", ["", "1", "123456789012345", "ABCDEFGHI", "１２３４５６７８９"])
@pytest.mark.parametrize("country", sorted(vat.RULES))
def test_what_is_no_number_is_refused(country: str, number: str) -> None:
    assert not vat.valid(country, number)


def test_greece_has_two_prefixes_and_nobody_else_is_known() -> None:
    assert vat.valid("GR", "796551547")
    assert not vat.valid("ZZ", "796551547")


def test_numbers_are_compacted_as_people_write_them() -> None:
    assert vat.compact("ro 18.547-290/1\u00a0") == "RO185472901"


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        (company_numbers.us_ein, "123456789", "073456789"),  # no such campus
        (company_numbers.us_ein, "981234567", "12345678"),
        (company_numbers.uk_company, "01234567", "00000000"),
        (company_numbers.uk_company, "SC123456", "XX123456"),
        (company_numbers.uk_company, "1234567", "123456789"),
        (company_numbers.cn_uscc, "9111000019318452F9", "9111000019318452F8"),
        (company_numbers.cn_uscc, "9111000019318452F9", "9111000019318452I9"),
        (company_numbers.cn_registration, "176533377042947", "176533377042948"),
        (company_numbers.ro_cui, "RO11104023", "RO11104024"),
        (company_numbers.ro_cui, "11104023", "11104032"),
        (company_numbers.ro_register, "J40/1234/2005", "J40/1234/3005"),
        (company_numbers.ro_register, "J2024012345678", "J1824012345678"),
        (company_numbers.de_register, "HRB12345", "HRC12345"),
        (company_numbers.fr_siren, "351976535", "351976536"),
        (company_numbers.fr_siren, "35197653500012", "351976535000"),
        (company_numbers.ch_uid, "CHE601787647", "CHE601787648"),
    ],
)
def test_other_registers(check: object, right: str, wrong: str) -> None:
    assert callable(check)
    assert check(right)
    assert not check(wrong)
