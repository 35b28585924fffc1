"""Where do the links of the mail lead: to domains that are not its sender's, to shorteners, to bare addresses? (MED-1.)

Registrable domains only: a host name may be made for one recipient. A mailing may have good
reasons for foreign links; staff judge.
"""

from __future__ import annotations

from collections.abc import Iterator

from parsers import fields
from parsers.report import Finding, ResourceKind
from parsers.reported import ReportedMail

TOLD = 10

SHORTENERS = frozenset(
    (
        "bit.ly", "bitly.com", "tinyurl.com", "t.co", "goo.gl", "goo.su", "ow.ly", "is.gd", "v.gd", "buff.ly",
        "rebrand.ly", "cutt.ly", "rb.gy", "shorturl.at", "t.ly", "tiny.cc", "bl.ink", "lnkd.in", "s.id", "soo.gd",
        "clck.ru", "vk.cc", "u.to", "qr.ae", "adf.ly", "shorte.st", "ouo.io", "bc.vc", "x.co", "mcaf.ee", "trib.al",
        "dlvr.it", "snip.ly", "short.io", "short.gy", "shrtco.de", "tny.im", "urlz.fr", "lstu.fr", "kutt.it",
        "chilp.it", "n9.cl", "acortar.link", "t.cn", "url.cn", "dwz.cn", "suo.im", "mrw.so", "w.url.cn", "sourl.cn",
        "985.so", "reurl.cc", "pse.is", "lihi.cc", "me2.do", "bitly.ws", "shorturl.asia", "linktr.ee", "lnk.to",
        "smarturl.it", "qrco.de", "cli.re", "han.gl", "abre.ai", "encurtador.com.br", "tr.im", "shortest.link",
        "2no.co", "iplogger.org", "grabify.link",
    )
)  # fmt: skip


def check(mail: ReportedMail) -> Iterator[Finding]:
    addresses: dict[str, None] = {}
    shorteners: dict[str, None] = {}
    foreign: dict[str, None] = {}
    for link in mail.links:
        if not link.followed:
            continue
        if link.kind is ResourceKind.IP:
            addresses[link.value] = None
            continue
        domain = fields.registrable(link.value) or link.value
        if domain in SHORTENERS or link.value in SHORTENERS:
            shorteners[domain] = None
        elif domain not in mail.organisations:
            foreign[domain] = None
    if foreign and mail.organisations:
        own = ", ".join(sorted(mail.organisations)[:TOLD])
        yield Finding("unrelated-links", f"links lead to {_list(foreign)}, while the sender's domain is {own}")
    if shorteners:
        yield Finding("url-shortener", f"links lead through {_list(shorteners)}, which hides where to")
    if addresses:
        yield Finding("link-to-address", f"links lead to {_list(addresses)}, without a host name")


def _list(names: dict[str, None]) -> str:
    shown = ", ".join(list(names)[:TOLD])
    return shown if len(names) <= TOLD else f"{shown} and {len(names) - TOLD} more"
