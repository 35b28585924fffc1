"""The legal lane: what only named staff may see, whoever sent it.

Decided before anonymity, loops aside: it counts who is harmed, not who says so. By what a format states, else by words
that hardly mean anything else, in what a person wrote above any quotation. A wrong guess costs a person's look and
nothing more. Must never lead to anything by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum

from gateway.screening.words import HUMAN_FORMATS, own_words
from parsers.report import Category, Kind, Parsed, Report


class LegalKind(StrEnum):
    """What a matter of the lane is about; the checklists are by this."""

    CHILD_ABUSE = "child-abuse"
    THREAT_TO_LIFE = "threat-to-life"
    COURT_OR_POLICE = "court-or-police"
    COPYRIGHT = "copyright"
    ILLEGAL_CONTENT = "illegal-content"  # only a person says so (CON-10, NET-6): no list of words knows what is banned


_STATED = {Category.CHILD_ABUSE: LegalKind.CHILD_ABUSE, Category.COPYRIGHT: LegalKind.COPYRIGHT}

# One line a kind, the gravest first: phrases that stand alone | those of scripts without blanks between words.
_PHRASES = {
    LegalKind.CHILD_ABUSE: (
        r"csam|csem|child (?:sexual )?(?:abuse|exploitation) (?:material|images?|imagery|videos?)|child porn\w{0,8}"
        r"|sexual abuse of (?:a )?(?:child|children|minors?)"
        r"|abus\w{0,4} sexual\w{0,3} asupra (?:unui |unor )?minor\w{0,3}"
        r"|pornografi[ea] (?:infantil[ăa]|cu minori)|kinderpornogra\w{1,6}|p[ée]dopornogra\w{1,6}"
        r"|pornograf[íi]a infantil|pedopornografi\w{1,3}|детск\w{1,3} порногра\w{1,4}"
        r"|儿童色情|兒童色情|儿童性虐待|儿童性剥削|児童ポルノ|아동 ?성착취"
    ),
    LegalKind.THREAT_TO_LIFE: (
        r"threats? to (?:\w{1,10} )?(?:life|lives)|danger to life|risk to life|death threats?|bomb threats?"
        r"|threaten(?:s|ed|ing)? to (?:kill|murder|shoot)|(?:imminent|immediate) (?:danger|threat|harm)"
        r"|emergency disclosure|(?:planning|intends?) to (?:kill|commit suicide)|suicide (?:note|threat)"
        r"|amenin[țt]\w{1,8} cu moartea|pericol (?:iminent|de moarte)|amenin[țt]are cu bomb[ăa]"
        r"|morddrohung\w{0,2}|bombendrohung|menaces? de mort|amenaza\w? de muerte|minacc\w{1,2} di morte"
        r"|угроз\w{1,2} (?:жизни|убийств\w{1,2})|死亡威胁|死亡威脅|炸弹威胁|炸弹恐吓|生命危险|自杀威胁|殺害予告"
    ),
    LegalKind.COURT_OR_POLICE: (
        r"court orders?|subpoenas?|search warrants?|(?:data )?preservation (?:order|request|letter|demand)"
        r"|production order|law[ -]enforcement (?:request|agency|inquiry)|police (?:request|inquiry|investigation)"
        r"|public prosecutor\w{0,2}|mutual legal assistance|(?:criminal|cyber ?crime) (?:investigation|unit)"
        r"|hot[ăa]r[âa]re judec[ăa]toreasc[ăa]|mandat de perchezi[țt]ie|ordonan[țt][ăa] a procurorului"
        r"|ordonan[țt][ăa] de conservare|poli[țt]ia rom[âa]n[ăa]|DIICOT|parchetul"
        r"|gerichtsbeschluss|durchsuchungsbeschluss|staatsanwaltschaft"
        r"|r[ée]quisition judiciaire|ordonnance du tribunal|orden judicial|ordine del giudice"
        r"|определени\w суда|прокуратур\w{1,2}"
        r"|法院(?:判决|裁定|传票|命令)|公安(?:局|机关|厅)|检察院|协助调查|调取证据|搜查证|令状"
    ),
    LegalKind.COPYRIGHT: (
        r"DMCA|17 U\.? ?S\.? ?C\.? (?:§ ?)?512|copyright (?:infring\w{1,7}|complaint|notice|violation)"
        r"|infring\w{1,7} (?:of )?(?:our|my|the) (?:copyrights?|exclusive rights?)"
        r"|drepturi(?:lor)? de autor|urheberrechtsverletzung\w{0,2}|violation de droits? d['’]auteur"
        r"|derechos de autor|violazione (?:del|di) (?:diritto|copyright)|著作权|著作權|版权侵权|侵犯版权|侵权通知"
    ),
}  # fmt: skip


def _patterns() -> Iterator[tuple[LegalKind, re.Pattern[str]]]:
    for kind, phrases in _PHRASES.items():
        yield kind, re.compile(rf"(?<![A-Za-z])(?:{phrases})(?![A-Za-z])", re.IGNORECASE)


_WORDS = tuple(_patterns())


def lane(parsed: Parsed, report: Report | None) -> tuple[LegalKind, str] | None:
    """(kind, how we know) of what belongs into the lane, None for everything else."""
    if report is not None and report.category in _STATED:
        return _STATED[report.category], f"the report says {report.category.value}"
    if parsed.kind is not Kind.UNKNOWN and not (parsed.kind is Kind.REPORT and parsed.format in HUMAN_FORMATS):
        return None  # a program states what it means
    own = own_words(parsed)
    for kind, words in _WORDS:
        if found := words.search(own):
            return kind, f'the sender writes "{found[0][:60]}"'
    return None
