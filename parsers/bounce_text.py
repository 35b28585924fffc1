"""What a mail system says in words about a mail that did not arrive: who sent it, to whom it went, why it came back.

For the servers that send no delivery-status part (qmail, old Exim and Exchange, Domino, IMail, MDaemon and many
more). A subject in whatever language is a hint, never a proof: the sender must be a mail system. Must never take
an address out of the returned mail for a recipient: what stands below its heading is not looked at.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from parsers import fields, smtp_codes

RECIPIENTS = 200
WORDS_CHARS = 12_000
_GUESSED = 5
_SLICE = 1_500

_SYSTEM = re.compile(
    r"(?:mailer[-_.]?daemon|post[-_.]?master|mail[-_.]?daemon|mailer|mail(?:er)?[-_.]?deliver\w{0,8}|sysadmin"
    r"|bounces?"
    r"|double-bounce|mdaemon|mta|smtpd|mail-?system|nobody|symantec_antivirus\w{0,40})(?:[-+_.][^@]{0,40})?(?:@|\Z)",
    re.IGNORECASE,
)
_DAEMON = re.compile(r"(?:mailer|mail)[-_.]?daemon(?:[-+_.][^@]{0,40})?(?:@|\Z)", re.IGNORECASE)
_COMPLAINS = re.compile(
    r"\b(?:abuse|abusive|spam|complain|blacklist|phish|attack|hack|virus|infring|incident|compromis|投诉|滥用)",
    re.IGNORECASE,
)
_SYSTEM_NAME = re.compile(
    r"mail(?:er)?[ _-]?(?:delivery|daemon|administrator|system|sub\s?system)|internet mail delivery"
    r"|delivery (?:sub)?system"
    r"|post\s?master|system administrator|systemadministrator|mail server at|content[- ]filter|interscan|mailmarshal"
    r"|系统退信|系統退信|почтов|система доставки|administrateur syst|systembetreuer|administrador del sistema",
    re.IGNORECASE,
)
# Subjects of common servers. Anchored where the words alone could be anybody's.
_FAILURE = re.compile(
    r"undeliver(?:ed|able)|not delivered|non[-\s]?deliver(?:y|able)|undelivrable|deliver(?:y|ing) (?:has )?fail"
    r"|(?:delivery|mail|message|failed) (?:status|failure|notification|report|problem|error)"
    r"|delivery (?:final )?attempt"
    r"|fail(?:ed|ure) (?:notice|delivery|to deliver)|returned? (?:mail|message|to sender)|returning message"
    r"|return(?:ed)? email"
    r"|mail (?:could not be|delivery|deliver|system error|failed|failure)|could not (?:be )?(?:deliver|sen[dt])"
    r"|message (?:you sent blocked|could not|delivery|undeliver|not deliver|returned|frozen|delayed|bounced|rejected"
    r"|status)"
    r"|error sending|couldn't be (?:delivered|sent)|bounced? (?:mail|message|email)|\[bounce\]|\Abounced?\b"
    r"|\Arejected\s?:"
    r"|user unknown|unknown (?:user|recipient)|mail (?:not|un)\s?deliver|permanent (?:delivery )?(?:error|failure)"
    r"|see transcript for details|considered unsolicited|mta-blocked|trouble delivering|e?mail error"
    r"|sorry, unable to deliver",
    re.IGNORECASE,
)
_FAILURE_ABROAD = re.compile(
    r"unzustellbar|nicht zugestellt|zustell(?:ung|fehler)|\bnon[ _]remis|non distribu|échec de (?:la )?(?:remise"
    r"|distribution)"
    r"|retour(?:né)? à l'expéditeur|no se (?:puede|pudo|ha podido) entregar|devuelto al remitente|no entregad"
    r"|error de entrega"
    r"|não (?:é possível entregar|foi entregue|entregue)|devolvid[ao] ao remetente|falha na entrega|non recapitabil"
    r"|mancato recapito"
    r"|mancata consegna|niet bezorgd|niet bezorgbaar|onbestelbaar|olevererbar|kan ?(?:inte|ikke) lever"
    r"|kunne ikke lever|ei voitu toimittaa"
    r"|nie można dostarczyć|niedostarczon|nedoručiteln|nelze doručit|nedoručen|kézbesíthetetlen|nem kézbesíthető"
    r"|imposibil de livrat|nelivrat"
    r"|nije isporučen|не(?:\sудается| удалось|возможно) достав|не доставлен|недостав|не може да бъде доставен"
    r"|teslim edilemedi|iletilemedi"
    r"|αδύνατη η παράδοση|δεν παραδόθηκε|配信不能|配信できません|配信に失敗|送信できません|不達|전달할 수 없"
    r"|배달 실패|전송 실패|반송"
    r"|退信|无法送达|無法傳遞|无法投递|未送达|投递失败|傳遞失敗|系统退信|לא ניתן למסור|تعذر التسليم"
    r"|ไม่สามารถส่ง|không thể gửi|gagal dikirim",
    re.IGNORECASE,
)
_DELAYED = re.compile(
    r"\b(?:delayed|deferred)\b|still being retried|\(delay\)|not yet been delivered|will (?:keep|continue) (?:trying"
    r"|to try|to be)"
    r"|attempts? (?:will|to deliver \w{1,20} will) continue|could not (?:be delivered|send"
    r"|be sent) for (?:the )?(?:past|last|\d)"
    r"|warning: (?:could not|message)|transient error|this is a warning message only|you do not need to resend"
    r"|temporar(?:y|ily) (?:delayed|fail)"
    r"|verzögert|retardée?|retrasad[ao]|atrasad[ao]|ritardat|vertraagd|försenad|forsinket|opóźnion|задерж|延迟"
    r"|延遲|遅延",
    re.IGNORECASE,
)
_GIVEN_UP = re.compile(
    r"given up|giving up|permanent(?:ly)? (?:error|fail|fatal)"
    r"|could not be delivered for \d{1,3} \w{1,6}\s{1,3}message will be deleted"
    r"|message will be deleted from queue|too long on (?:the )?queue|returned to sender"
    r"|retry time(?:out)? (?:was )?exceeded|retries exhausted",
    re.IGNORECASE,
)
_DELIVERED = re.compile(
    r"successful(?:ly)? (?:mail )?deliver|was successfully (?:delivered|relayed)"
    r"|delivery status notification \((?:success|relay)"
    r"|(?:message|mail) (?:has been|was) delivered\b",
    re.IGNORECASE,
)
_SAID = re.compile(
    r"could not be delivered|(?:was|were|been) (?:not|un)\s?(?:delivered|able to deliver)"
    r"|did not reach the following|undeliverable"
    r"|(?:following|these) (?:address|recipient)\S{0,4} (?:failed|had|could|did)|(?:un|not )able to deliver"
    r"|permanent(?: fatal)? error"
    r"|delivery (?:to the following \w{1,12} )?(?:has )?failed|failed permanently|returned to (?:you|the sender)"
    r"|no such user|user unknown"
    r"|has not yet been delivered|wasn't delivered|couldn't be delivered|message was rejected|cannot be delivered"
    r"|blocked by our"
    r"|nicht zugestellt|pas pu être|no se (?:pudo|ha podido|puede) entregar|não pôde ser entregue"
    r"|non è stato (?:possibile )?(?:recapit|conseg)"
    r"|не (?:было доставлено|доставлен|удалось)|无法(?:送达|投递|发送)|無法傳遞|配信できません|配信されません",
    re.IGNORECASE,
)
_RETURNED = re.compile(
    r"^.{0,60}(?:original message(?! was (?:received|sent))|copy of (?:the|your) (?:original )?message"
    r"|message headers?|unsent message|returned message|message follows"
    r"|message body follows|header(?:s)? (?:of the )?(?:original|follow)|undelivered message|returned mail follows"
    r"|original mail|rejected message"
    r"|copy of the body|message was included|original header|below this line is|content of original|message contents"
    r"|ursprüngliche nachricht"
    r"|message d'origine|mensaje original|mensagem original|messaggio originale|исходное сообщение|原始邮件|原邮件"
    r"|原文)[^\n]{0,80}$",
    re.IGNORECASE | re.MULTILINE,
)
_HEADER_BEGINS = re.compile(
    r"^(?:Return-Path|Received|Message-ID|MIME-Version|DKIM-Signature): ", re.IGNORECASE | re.MULTILINE
)

_HOST = r"(?:[A-Za-z0-9_-]{1,63}\.){0,8}[A-Za-z0-9-]{1,63}"
_WIDE = "：，、。（）【】《》“”"
_MAIL = rf"[^\s<>\"'(),;:\[\]|{_WIDE}]{{1,64}}@{_HOST}"
_ADDRESS = re.compile(rf"<?({_MAIL})>?")
# The whole of a line, or what stands before its reason: `<a@b>:`, `a@b... User unknown`, `-> a@b`, `>>> a <a@b>`
_LISTED = re.compile(
    rf"^[ \t>*•·-]{{0,12}}(?:{_MAIL} )?(?:(?:Failed )?Recipient|Addressed To|To|RCPT TO"
    rf"|Could not be delivered to)?[: ]{{0,3}}"
    rf"[<\[('\"]?({_MAIL})[>\])'\"]?[ \t]*(?:$|[:;,]|\.\.\.|[-=–] |\(|\[|on |while |because )",
    re.IGNORECASE | re.MULTILINE,
)
_RECIPIENT_IS = re.compile(
    rf"(?:rcpt to|final-recipient|recipients?|addressed to|failed address|to address|undeliverable to|delivered to"
    rf"|deliver\w{{0,3}} to"
    rf"|unknown user|no such user|mailbox|account|收件人|受信者|получател\w{{0,3}}|empfänger|destinataire"
    rf"|destinatari[oa])"
    rf"[ \t:：=\"'(]{{0,6}}(?:rfc822;)?[ \t]{{0,3}}<?({_MAIL})",
    re.IGNORECASE,
)


class Said(NamedTuple):
    """One recipient, and the words about it."""

    recipient: str
    about: str


def by_system(address: str | None, name: str | None, return_path: str | None) -> bool:
    """Does it come from a mail system? The null return path is the surest sign, the name the weakest."""
    if by_daemon(address, return_path):
        return True
    named = _SYSTEM_NAME.search((name or "")[:200])
    return bool(named or _SYSTEM.match(address or "") or _SYSTEM.match(return_path or ""))


def by_daemon(address: str | None, return_path: str | None) -> bool:
    """Certainly by a program: a postmaster may be a person."""
    return return_path == "" or "@" not in (address or "") or bool(_DAEMON.match(address or ""))


def complains(subject: str) -> bool:
    """Words that a postmaster who complains would use, and a mail system would not."""
    return bool(_COMPLAINS.search(subject[:300]))


def says_so(subject: str) -> bool:
    """Does a subject say that a mail did not arrive, or not yet, or that it did?"""
    shown = subject[:300]
    return any(one.search(shown) for one in (_FAILURE, _FAILURE_ABROAD, _DELAYED, _DELIVERED))


def told(words: str) -> bool:
    """Does the text say that a mail did not arrive?"""
    return bool(_SAID.search(words[:3_000]))


def above(text: str) -> str:
    """The words of the mail system: what stands above the returned mail."""
    shown = text[:WORDS_CHARS]
    begins = len(shown) - len(shown.lstrip())
    line = shown.find("\n", begins) + 1  # the first line is the mail system's own
    ends = [found.start() for one in (_RETURNED, _HEADER_BEGINS) if line and (found := one.search(shown, line))]
    return shown[: min(ends, default=len(shown))]


def action(subject: str, words: str) -> str:
    """delayed, delivered or failed."""
    if _DELIVERED.search(subject):
        return "delivered"
    if _DELAYED.search(subject) or (_DELAYED.search(words) and not _FAILURE.search(subject)):
        return "failed" if _GIVEN_UP.search(words) else "delayed"
    if _DELIVERED.search(words) and not _SAID.search(words) and not _FAILURE.search(subject):
        return "delivered"
    return "failed"


def recipients(words: str, own: frozenset[str]) -> list[Said]:
    """Whom the words name as not reached: those that are listed, else those named as recipients, else any address."""
    found = _placed([(hit.start(1), hit[1]) for hit in _LISTED.finditer(words)], own)
    if not found:
        found = _placed([(hit.start(1), hit[1]) for hit in _RECIPIENT_IS.finditer(words)], own)
    if not found:
        found = _placed([(hit.start(1), hit[1]) for hit in _ADDRESS.finditer(words)], own)[:_GUESSED]
    ends = [*(place for place, _ in found[1:]), len(words)]
    return [Said(one, words[place : min(end, place + _SLICE)]) for (place, one), end in zip(found, ends, strict=False)]


def reason(words: str, recipient: str) -> str | None:
    """The code in the lines that name the recipient, else in all of the words."""
    lines = words.split("\n")
    name = recipient.lower()
    for number, line in enumerate(lines[:400]):
        if name in line.lower() and (code := smtp_codes.spoken("\n".join(lines[number : number + 6]))):
            return code
    return smtp_codes.spoken(words)


def _placed(hits: list[tuple[int, str]], own: frozenset[str]) -> list[tuple[int, str]]:
    """(place, address) in order, each once, without those who were told instead of reached."""
    found: dict[str, int] = {}
    for place, text in hits[: RECIPIENTS * 2]:
        one = fields.address(text.rstrip("."))
        if one and one.lower() not in own and not _SYSTEM.match(one):
            found.setdefault(one, place)
    return [(place, one) for one, place in found.items()][: RECIPIENTS + 1]
