"""How often one contact is told while incidents go on (RFC 6650 section 7.5, OUT-6).

Pure. Must never count anything itself.
"""

from __future__ import annotations

from datetime import timedelta

QUIET = timedelta(days=7)  # after so long without an incident, counting begins anew


def is_told(incident: int) -> bool:
    """Whether the contact is told of its so-and-so-many-th incident (from 1): the first ten, then every tenth to a
    hundred, every hundredth to a thousand, and so on."""
    if incident < 1:
        raise ValueError(f"incident is {incident}: counting begins with 1")
    step = 1
    while incident > step * 10:
        step *= 10
    return incident % step == 0
