"""Somebody wants no more mail: unsubscribe mail by a program (Apple, Gmail, Outlook) or in a person's own words.

Known by `X-Apple-Unsubscribe`, by an unsubscribe address among the recipients, or by words that stand alone:
a subject or a text that says nothing else. Must never claim a complaint that mentions unsubscribing, and never
an answer to a notice of ours: a customer must not be able to stop notices so. The opt-out address of a notice is
`reply`'s; Feedback-Type opt-out is `arf`'s.
"""

from __future__ import annotations

import re

from parsers import person
from parsers.message import Message
from parsers.report import Kind, Parsed

DIALECT_OF = ("reply",)
NOT_IN_REPORTS = True
WORDS_CHARS = 400  # of a text beside a subject that says it: longer ones are somebody's letter
_WORD = (
    r"(?:please\s|bitte\s|por favor,?\s|merci de me\s|请|請)?"
    r"(?:unsub(?:scribe)?(?:\sme)?|un-subscribe|remove(?:\sme)?|opt[ -]?out|stop|"  # en
    r"abmelden|abbestellen|austragen|austragung|newsletter abmelden|"  # de
    r"(?:me )?d[ée]sabonn(?:er|ement|ez-moi)|d[ée]sinscri(?:ption|re)|me d[ée]sinscrire|"  # fr
    r"(?:dar(?:me)? de )?baja|cancelar (?:la )?suscripci[óo]n|desuscribir(?:me)?|"  # es
    r"cancelar (?:a )?(?:inscri[çc][ãa]o|assinatura|subscri[çc][ãa]o)|descadastrar|remover|"  # pt
    r"cancella(?:mi|zione)|disiscri(?:vi(?:mi)?|zione)|annulla iscrizione|"  # it
    r"afmelden|uitschrijven|avregistrera|avsluta prenumeration|avprenumerera|afmeld|frameld|avmeld(?:ing)?|meld av"
    r"|peruuta tilaus|"
    r"wypisz(?: mnie)?|rezygnacja|odhl[áa]sit|odhl[áa]si[ťt]|leiratkoz[áa]s|leiratkozom|dezabonare|odjava|"
    r"отписаться|отписка|отпишите(?: меня)?|відписатися|отписване|abonelikten çık|listeden çıkar|διαγραφή|"
    r"退订|退訂|取消订阅|取消訂閱|拒收|配信停止|購読解除|登録解除|退会|수신거부|구독취소|구독 취소"
    r"|إلغاء الاشتراك|הסר|hủy đăng ký|berhenti berlangganan"
    r"|ยกเลิกการสมัคร)"
    r"(?:\s(?:please|bitte|me|all|request|from (?:this|the|your) (?:mailing )?list))?"
)
_ALONE = re.compile(
    rf"(?:re|aw|sv|antw|fwd?|回复|答复)?\s?[:：]?\s?[\"'\[(<*]{{0,2}}{_WORD}[\"'\])>*]{{0,2}}[\s.!。！]{{0,5}}\Z",
    re.IGNORECASE,
)
_SUBJECT = re.compile(rf"{_WORD}(?:[\s:_#=/.-][\S]{{0,200}}){{0,3}}\Z", re.IGNORECASE)
_ADDRESS = re.compile(
    r"(?:list[-_.]?)?(?:unsub(?:scribe)?|optout|opt-out|remove|leave|abmelden|desabonnement|baja)"
    r"(?:[-+_.=][^@]{0,200})?@|[^@]{1,100}[-+_.](?:unsub(?:scribe)?|optout|opt-out|leave)(?:[-+_.=][^@]{0,200})?@",
    re.IGNORECASE,
)
_PROGRAM = re.compile(
    r"\b(?:apple mail|gmail|outlook|yahoo|e-?mail client|mail program)\b.{0,80}\bunsubscrib", re.IGNORECASE
)
_SIGNATURE = re.compile(
    r"^(?:-- ?$|_{5,}|sent from my |gesendet von |envoyé de |发自我的|从我的)", re.IGNORECASE | re.MULTILINE
)


def recognises(message: Message) -> bool:
    if message.answers_notice:
        return False
    if message.feedback_parts or message.delivery_parts or message.evidence_parts:
        return False
    if b"x-apple-unsubscribe" in message.root.headers:
        return True
    said = _own_words(message)
    if len(said) > WORDS_CHARS:
        return False
    if _PROGRAM.search(said):
        return True
    subject = (message.envelope.subject or "").strip()
    if _ALONE.match(said):
        return True
    if _ALONE.match(subject):
        return not said or _says_no_more(said)
    return (not said or _to_unsubscribe(message)) and bool(_SUBJECT.match(subject))


def read(message: Message) -> Parsed:
    return message.parsed(Kind.OPT_OUT)


def _to_unsubscribe(message: Message) -> bool:
    """The address of a List-Unsubscribe field: made for nothing else."""
    return any(_ADDRESS.match(to) for to in message.envelope.to)


def _own_words(message: Message) -> str:
    """The text without what is quoted, and without what a phone writes below it."""
    lines = [line for line in person.lines(message.text) if line.lstrip()[:1] not in (">", "|")]
    text = "\n".join(lines).strip()
    signed = _SIGNATURE.search(text)
    return (text[: signed.start()] if signed else text).strip()


def _says_no_more(said: str) -> bool:
    """A text beside an unsubscribing subject that names no offence: short, and without header lines."""
    return (
        len(said) <= WORDS_CHARS
        and "received:" not in said.lower()
        and not re.search(r"(?:spam|abuse|complain)", said, re.IGNORECASE)
    )
