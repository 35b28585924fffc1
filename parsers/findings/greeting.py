"""Did the server that sent the mail greet with the name of a stranger? (NET-1: no forged envelope data.)

Only at the hop that is the source: what stands below it may be invented as a whole. Servers
do greet with odd names, so this is a hint and no proof.
"""

from __future__ import annotations

from parsers import fields
from parsers.report import Finding
from parsers.reported import ReportedMail


def check(mail: ReportedMail) -> tuple[Finding, ...]:
    source = mail.report.source_ip
    for hop in mail.report.trace if source else ():
        if hop.ip == source:
            break
    else:
        return ()
    if not hop.helo or not hop.rdns or "." not in hop.helo:
        return ()
    if fields.same_organisation(hop.helo, hop.rdns) or fields.ip(hop.helo) is not None:
        return ()
    return (Finding("greeting-contradicts", f"the server {hop.rdns} ({source}) greeted as {hop.helo}"),)
