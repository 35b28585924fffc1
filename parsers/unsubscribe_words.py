"""Words by which people are told how to stop a mailing, in the languages that mail is written in. Data, no check."""

from __future__ import annotations

# Parts of words in lower case. The first few are looked for everywhere, the others where such words use to stand.
COMMON = ("unsub", "opt-out", "abmeld")
ASCII = (
    "opt out", "optout", "abbestell", "sabonn", "sinscri", "de baja", "suscripci", "descadastr", "disiscri",
    "uitschrijv", "afmeld", "prenumer", "avmeld", "wypis", "rezygn", "odhl", "leiratkoz", "dezabon", "odjav", "abonel",
    "preferences", "remove me", "be removed", "stop receiving", "no longer w",
)  # fmt: skip
OTHER = (
    "退订", "退訂", "取消订阅", "取消訂閱", "拒收", "不再接收", "配信停止", "購読解除", "購読停止", "退会", "登録解除",
    "수신거부", "수신 거부", "구독 취소", "отпис", "отпиш", "отказ", "відпис", "відмов", "διαγραφ", "tühista", "otpiši",
    "çıkmak", "hủy đăng ký", "إلغاء", "הסר", "ยกเลิก", "anulować",
)  # fmt: skip
