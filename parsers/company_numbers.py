"""Business registration numbers outside the VAT system: well formed, and right by their check digit where there is one?

Pure arithmetic; nothing is looked up. Arguments are compacted (`vat.compact`).
"""

from __future__ import annotations

import re

from parsers import vat

# Campus prefixes that the US tax office never gave out.
_EIN_UNUSED = frozenset(
    ("00", "07", "08", "09", "17", "18", "19", "28", "29", "49", "69", "70", "78", "79", "89", "96", "97")
)
_UK = re.compile(
    r"(?:\d{6,8}|(?:AC|CE|CS|FC|FE|GE|GN|GS|IC|IP|LP|NA|NC|NF|NI|NL|NO|NP|NR|NV|NZ|OC|OE|PC|R0|RC|RS|SA|SC|SE|SF"
    r"|SG|SI|SL|SO|SP|SR|SZ|ZC)\d{6})\Z"
)
_USCC_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100-2015: no I, O, S, V, Z
_USCC = re.compile(rf"[1-9A-HJ-NPQRTUWXY][1-9A-HJ-NPQRTUWXY]\d{{6}}[{_USCC_SIGNS}]{{10}}\Z")
_RO_REGISTER = re.compile(r"[JFC]\d{1,2}/\d{1,7}/(?:19|20)\d{2}\Z|[JFC](?:19|20)\d{2}\d{6,9}\Z")
_HRB = re.compile(r"(?:HR[AB])?\d{1,6}[A-Z]{0,3}\Z")
_CHE_WEIGHTS = (5, 4, 3, 2, 7, 6, 5, 4)


def us_ein(number: str) -> bool:
    """Employer Identification Number: a campus prefix and seven digits, no check digit."""
    return re.fullmatch(r"\d{9}", number) is not None and number[:2] not in _EIN_UNUSED


def uk_company(number: str) -> bool:
    """Companies House: eight characters, no check digit. Leading zeros are often left out."""
    return _UK.match(number) is not None and number.strip("0") != ""


def cn_uscc(number: str) -> bool:
    """Unified social credit code: 18 characters, the last by GB 32100-2015 (modulo 31)."""
    if not _USCC.match(number):
        return False
    total = sum(_USCC_SIGNS.index(sign) * pow(3, place, 31) for place, sign in enumerate(number[:17]))
    return _USCC_SIGNS[-total % 31] == number[17]


def cn_registration(number: str) -> bool:
    """The 15 digits that business licences had before 2015 (GB 17710: modulo 11,10)."""
    return re.fullmatch(r"[1-9]\d{14}", number) is not None and vat.mod_11_10(number)


def ro_cui(number: str) -> bool:
    return vat.valid("RO", number.removeprefix("RO"))


def ro_register(number: str) -> bool:
    """The Romanian trade register: J40/1234/2005, since 2024 without slashes. No check digit."""
    return _RO_REGISTER.match(number) is not None


def de_register(number: str) -> bool:
    """Handelsregister, part A or B. No check digit."""
    return _HRB.match(number) is not None


def fr_siren(number: str) -> bool:
    """SIREN (9 digits) or SIRET (14)."""
    return re.fullmatch(r"\d{9}(?:\d{5})?", number) is not None and vat.luhn(number[:9])


def ch_uid(number: str) -> bool:
    digits = number.removeprefix("CHE")
    if not re.fullmatch(r"\d{9}", digits):
        return False
    check = 11 - sum(int(digit) * weight for digit, weight in zip(digits, _CHE_WEIGHTS, strict=False)) % 11
    return check != 10 and check % 11 == int(digits[8])
