"""EU VAT numbers of all member states (and Northern Ireland): is one well formed, and does its check digit agree?

By the national rules as the member states publish them for VIES. Pure arithmetic on at most
14 characters; nothing is looked up, so a number that is right here may still belong to
nobody, or to somebody else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from types import MappingProxyType

_LETTERS_ES = "TRWAGMYFPDXBNJZSQVHLCKE"
_LETTERS_IE = "WABCDEFGHIJKLMNOPQRSTUV"
_LETTERS_FR = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_ODD_CY = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21)


def compact(text: str) -> str:
    """Without the blanks, dots, dashes and slashes that people put into numbers, in capitals."""
    return re.sub(r"[\s./\-\u2010-\u2015]", "", text).upper()


def valid(country: str, number: str) -> bool:
    """`country` is the two-letter prefix (Greece: EL or GR), `number` what follows it, compacted."""
    rule = RULES.get("EL" if country == "GR" else country)
    return rule is not None and rule[0].fullmatch(number) is not None and rule[1](number)


def luhn(number: str) -> bool:
    """Every second digit from the right doubled, its digits summed: a multiple of ten."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in number[-2::-2])
    return (sum(doubled) + sum(map(int, number[::-2]))) % 10 == 0


def mod_11_10(number: str) -> bool:
    """ISO 7064."""
    check = 10
    for digit in number[:-1]:
        check = ((check + int(digit)) % 10 or 10) * 2 % 11
    return (check + int(number[-1])) % 10 == 1


def _sum(number: str, weights: Sequence[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(number, weights, strict=False))


def _down(number: str, first: int) -> int:
    """Weights first, first - 1, first - 2 ..."""
    return _sum(number, range(first, 0, -1))


def _at(number: str) -> bool:
    digits = number[1:]
    total = sum(sum(divmod(int(digit) * (1 + n % 2), 10)) for n, digit in enumerate(digits[:7]))
    return (96 - total) % 10 == int(digits[7])


def _be(number: str) -> bool:
    number = number.zfill(10)
    return int(number[:8]) > 0 and 97 - int(number[:8]) % 97 == int(number[8:])


def _bg(number: str) -> bool:
    if len(number) == 9:
        check = _sum(number[:8], range(1, 9)) % 11
        if check == 10:
            check = _sum(number[:8], range(3, 11)) % 11
        return check % 10 == int(number[8])
    last = int(number[9])
    citizen = _sum(number[:9], (2, 4, 8, 5, 10, 9, 7, 3, 6)) % 11 % 10
    foreigner = _sum(number[:9], (21, 19, 17, 13, 11, 9, 7, 3, 1)) % 10
    other = (11 - _sum(number[:9], (4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11) % 11
    return last in (citizen, foreigner, other)


def _cy(number: str) -> bool:
    if number.startswith("12"):
        return False
    total = sum(_ODD_CY[int(digit)] for digit in number[0:8:2]) + sum(int(digit) for digit in number[1:8:2])
    return chr(65 + total % 26) == number[8]


def _cz(number: str) -> bool:
    if len(number) == 8:
        check = (11 - _down(number[:7], 8) % 11) % 11
        return not number.startswith("9") and (check or 1) % 10 == int(number[7])
    if len(number) == 9:
        return True  # persons born before 1954, and some others: no check digit
    return int(number) % 11 == 0 or (int(number[:9]) % 11 == 10 and number[9] == "0")


def _el(number: str) -> bool:
    check = 0
    for digit in number[:8]:
        check = check * 2 + int(digit)
    return check * 2 % 11 % 10 == int(number[8])


def _es(number: str) -> bool:
    head, body, last = number[0], number[1:8], number[8]
    if head.isdigit():
        return last == _LETTERS_ES[int(number[:8]) % 23]
    if head in "XYZ":
        return last == _LETTERS_ES[int(f"{'XYZ'.index(head)}{body}") % 23]
    if head in "KLM":
        return last == _LETTERS_ES[int(body) % 23]
    check = next(n for n in range(10) if luhn(f"{body}{n}"))
    return last in (str(check), "JABCDEFGHI"[check])


def _fr(number: str) -> bool:
    key, siren = number[:2], number[2:]
    if not siren.startswith("000") and not luhn(siren):  # 000: Monaco
        return False
    if key.isdigit():
        return int(key) == int(f"{siren}12") % 97
    one, two = (_LETTERS_FR.index(sign) for sign in key)
    check = one * 24 + two - 10 if one < 10 else one * 34 + two - 100
    return (int(siren) + 1 + check // 11) % 11 == check % 11


def _ie(number: str) -> bool:
    if not number[1].isdigit():
        number = f"0{number[2:7]}{number[0]}{number[7:]}"
    second = _LETTERS_IE.index(number[8]) if len(number) == 9 else 0
    return number[7] == _LETTERS_IE[(_down(number[:7], 8) + 9 * second) % 23]


def _it(number: str) -> bool:
    province = int(number[7:10])
    return number[:7] != "0000000" and (1 <= province <= 100 or province in (120, 121, 888, 999)) and luhn(number)


def _lt(number: str) -> bool:
    if number[-2] != "1":
        return False
    body = number[:-1]
    check = _sum(body, [1 + n % 9 for n in range(len(body))]) % 11
    if check == 10:
        check = _sum(body, [1 + (n + 2) % 9 for n in range(len(body))]) % 11
    return check % 10 == int(number[-1])


def _lv(number: str) -> bool:
    if number[0] > "3":
        return _sum(number, (9, 1, 4, 8, 3, 10, 2, 5, 7, 6, 1)) % 11 == 3
    if number.startswith("32"):
        return True  # persons, since 2017: no date of birth and no check digit
    return (1 + _sum(number[:10], (10, 5, 8, 4, 2, 1, 6, 3, 7, 9))) % 11 % 10 == int(number[10])


def _nl(number: str) -> bool:
    total = _down(number[:8], 9) % 11
    if total == int(number[8]) and int(number[:9]):
        return True
    spelt = "".join(str(int(sign, 36)) for sign in f"NL{number}")  # persons, since 2020: ISO 7064 mod 97-10
    return int(spelt) % 97 == 1


def _ro(number: str) -> bool:
    return 10 * _sum(number[:-1].zfill(9), (7, 5, 3, 2, 1, 7, 5, 3, 2)) % 11 % 10 == int(number[-1])


def _si(number: str) -> bool:
    check = 11 - _down(number[:7], 8) % 11
    return check != 11 and check % 10 == int(number[7])


def _xi(number: str) -> bool:
    if number[0] in "GH":
        return int(number[2:]) < 500 if number[0] == "G" else int(number[2:]) >= 500
    return _sum(number, (8, 7, 6, 5, 4, 3, 2, 10, 1)) % 97 in (0, 42, 55)


def _rule(pattern: str, check: Callable[[str], bool]) -> tuple[re.Pattern[str], Callable[[str], bool]]:
    return re.compile(pattern, re.ASCII), check


RULES = MappingProxyType(
    {
        "AT": _rule(r"U\d{8}", _at),
        "BE": _rule(r"[01]?\d{9}", _be),
        "BG": _rule(r"\d{9,10}", _bg),
        "CY": _rule(r"\d{8}[A-Z]", _cy),
        "CZ": _rule(r"\d{8,10}", _cz),
        "DE": _rule(r"[1-9]\d{8}", mod_11_10),
        "DK": _rule(r"[1-9]\d{7}", lambda number: _sum(number, (2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0),
        "EE": _rule(r"\d{9}", lambda number: _sum(number, (3, 7, 1, 3, 7, 1, 3, 7, 1)) % 10 == 0),
        "EL": _rule(r"\d{9}", _el),
        "ES": _rule(r"(?:[A-HJ-NP-SUVWXYZ]\d{7}[0-9A-Z]|\d{8}[A-Z])", _es),
        "FI": _rule(r"\d{8}", lambda number: _sum(number, (7, 9, 10, 5, 8, 4, 2, 1)) % 11 == 0),
        "FR": _rule(r"[0-9A-HJ-NP-Z]{2}\d{9}", _fr),
        "HR": _rule(r"\d{11}", mod_11_10),
        "HU": _rule(r"\d{8}", lambda number: _sum(number, (9, 7, 3, 1, 9, 7, 3, 1)) % 10 == 0),
        "IE": _rule(r"(?:\d{7}[A-W]{1,2}|\d[A-Z+*]\d{5}[A-W])", _ie),
        "IT": _rule(r"\d{11}", _it),
        "LT": _rule(r"(?:\d{9}|\d{12})", _lt),
        "LU": _rule(r"\d{8}", lambda number: int(number[:6]) % 89 == int(number[6:])),
        "LV": _rule(r"\d{11}", _lv),
        "MT": _rule(r"[1-9]\d{7}", lambda number: _sum(number, (3, 4, 6, 7, 8, 9, 10, 1)) % 37 == 0),
        "NL": _rule(r"\d{9}B(?!00)\d{2}", _nl),
        "PL": _rule(r"\d{10}", lambda n: _sum(n[:9], (6, 5, 7, 2, 3, 4, 5, 6, 7)) % 11 == int(n[9])),
        "PT": _rule(r"[1-9]\d{8}", lambda n: (11 - _down(n[:8], 9) % 11) % 11 % 10 == int(n[8])),
        "RO": _rule(r"[1-9]\d{1,9}", _ro),
        "SE": _rule(r"\d{10}(?!00)\d{2}", lambda number: luhn(number[:10])),
        "SI": _rule(r"[1-9]\d{7}", _si),
        "SK": _rule(r"[1-9]\d{9}", lambda number: int(number) % 11 == 0),
        "XI": _rule(r"(?:\d{9}|\d{12}|GD\d{3}|HA\d{3})", _xi),
    }
)
PREFIXES = frozenset((*RULES, "GR"))
