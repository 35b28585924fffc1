"""In which language a contact outside is written to, whom nobody ever asked: by the country of its registration.

Where a registry names none, the country code at the end of the address counts. Pure. Must never guess from a name.
"""

from __future__ import annotations

from collections.abc import Collection

ENGLISH = "en"
_OF_COUNTRY = {"CN": "zh", "TW": "zh", "HK": "zh", "MO": "zh", "RO": "ro", "MD": "ro"}


def of_contact(country: str | None, address: str, among: Collection[str]) -> str:
    """`country`: ISO 3166 code of the registration, None where it is not known. `among`: the languages that the
    operator's notices are written in; what is not among them is English."""
    code = (country or address.rpartition("@")[2].rpartition(".")[2]).strip().upper()
    language = _OF_COUNTRY.get(code, ENGLISH)
    return language if language in among else ENGLISH
