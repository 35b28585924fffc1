"""What XARF calls an incident -> our closed vocabulary, for all its versions.

Names are compared without case, spaces, hyphens and underscores: `Login-Attack`, `LoginAttack`
and `login_attack` are one. Must never guess from free text: an unknown name is `other`, or what
its group says where the group leaves no doubt.
"""

from __future__ import annotations

from parsers.report import Category

_BY_TYPE: dict[str, Category] = {
    name: category
    for category, names in {
        Category.SPAM: "spam bulkmessaging trap spamtrap mailspam commentspam forumspam blogspam",
        Category.PHISHING: "phishing phish phishingattack",
        Category.FRAUD: "fraud scam suspiciousregistration identitytheft 419 advancefee",
        Category.MALWARE: "malware malwareattack malwaredistribution virus trojan dropzone",
        Category.SPAMVERTISING: "spamvertised spamvertized spamvertising",
        Category.HARASSMENT: "harassment violence cyberbullying",
        Category.DATA_HARVESTING: "scraping webcrawler harvesting crawler addressharvesting",
        Category.LOGIN_ATTACK: "loginattack authfailure bruteforce bruteforceattack passwordattack sshattack",
        Category.PORT_SCAN: "portscan portscanning scan reconnaissance vulnerabilityscan vulnscanning probe",
        Category.DDOS: "dos ddos ddosamplification ipspoof ipspoofing dosattack ddosattack",
        Category.INTRUSION: "exploit sqlinjection rfiattack webattack webhack hackattack badbot regbot intrusion "
        "hacking potentiallycompromisedaccount compromisedaccount serverattack ircbot",
        Category.INFECTED_HOST: "botnet bot infectedhost compromisedserver compromisedwebsite remotecompromise "
        "defacement botinfection infection rpzrewrite compromisedmicrosoftexchange",
        Category.VULNERABILITY: "openservice open cve misconfiguration vulnerability exposeddata openrelay openproxy "
        "openresolver outdateddnssec sslfreak sslpoodle cveinfrastructure openserviceshadowserver",
        Category.LISTING: "blocklist threatintelligence blacklist listing ipreclamation",
        Category.COPYRIGHT: "copyright trademark p2p cyberlocker ugcplatform linksite usenet brandinfringement dmca",
        Category.CHILD_ABUSE: "childabuse childsexualabusematerial csam csem csamlinks childpornography childporn",
    }.items()
    for name in names.split()
}
# Where the type is not known. What may hold several kinds of conduct is not here.
_BY_GROUP: dict[str, Category] = {
    "messaging": Category.SPAM,
    "copyright": Category.COPYRIGHT,
    "vulnerability": Category.VULNERABILITY,
    "infrastructure": Category.INFECTED_HOST,
    "reputation": Category.LISTING,
    "fraud": Category.FRAUD,
}


def category_of(kind: str | None, group: str | None = None, subtype: str | None = None) -> Category:
    """Of ReportType or `type`; ReportClass, Category or `category` helps where that says nothing."""
    if _reduced(subtype) == "rpzrewrite":
        return Category.INFECTED_HOST  # a client looked a bad name up: it does not host it
    return _BY_TYPE.get(_reduced(kind)) or _BY_GROUP.get(_reduced(group)) or Category.OTHER


def _reduced(name: str | None) -> str:
    return "".join(sign for sign in (name or "")[:60].lower() if sign.isalnum())
