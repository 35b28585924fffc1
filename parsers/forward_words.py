"""What mail programs write above a forwarded text, language by language: data for `formats/inline.py`.

One entry a language: `From / Date / To / Cc / Subject`, then the prefixes of a forward's subject, the marker lines
that say by themselves that it is a forward, and those that stand above the quoted mail of a reply as well. Several
words for one thing are separated by `|`. Compared after `folded()`, so that case, accents, full-width forms and
blanks do not matter. Must never hold a word with two meanings: a test looks.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

_TABLE = """
en: From / Date|Sent|Sent on|Sent at|Date Sent / To / Cc|Bcc|Copy|Copies / Subject
  prefix: fw|fwd
  forward: Forwarded message|Forwarded messages|Begin forwarded message|Start of forwarded message|Forwarded mail
    |Forwarded e-mail|Forwarded email|Start forwarded message|Fwd message|Begin forwarded mail
  original: Original Message|Original Mail|Original Email|Original e-mail|Original|Reply Message
de: Von|Absender / Datum|Gesendet|Gesendet am / An|Empfänger / Kopie|Kopie (CC)|Cc|CC an|Blindkopie / Betreff
  prefix: wg|weitergeleitet
  forward: Weitergeleitete Nachricht|Anfang der weitergeleiteten Nachricht|Anfang der weitergeleiteten E-Mail
    |Weitergeleitete E-Mail|Weitergeleitete Mail|Beginn der weitergeleiteten Nachricht
  original: Ursprüngliche Nachricht|Originalnachricht|Original-Nachricht|Original Nachricht|Ursprüngliche Mail
    |Originalmail
fr: De|Expéditeur|De la part de / Date|Envoyé|Envoyé le|Date d'envoi / À|Pour|Destinataire / Cc|Copie
    |Copie à / Objet|Sujet
  prefix: tr|tf
  forward: Message transféré|Message transmis|Début du message réexpédié|Début du message transféré
    |Message réexpédié|E-mail transféré|Courriel transféré|Mail transféré|Début du message transmis
  original: Message d'origine|Message original|Message initial|Mail original|E-mail d'origine
es: De|Remitente / Fecha|Enviado|Enviado el|Fecha de envío / Para|Destinatario / Cc|CC|Con copia / Asunto
  prefix: rv|rvd|reenv
  forward: Mensaje reenviado|Inicio del mensaje reenviado|Correo reenviado|Comienzo del mensaje reenviado
    |Mensaje enviado|Inicio de mensaje reenviado
  original: Mensaje original|Correo original
it: Da|Mittente / Data|Inviato|Inviato il|Data invio / A|Destinatario / Cc|Copia|Per conoscenza / Oggetto
  prefix: i|inoltra|inoltro
  forward: Messaggio inoltrato|Inizio messaggio inoltrato|Inizio del messaggio inoltrato|Messaggio Inoltrato da
    |E-mail inoltrata|Mail inoltrata
  original: Messaggio originale|Messaggio Originale|Messaggio di origine
pt: De|Remetente / Data|Enviado|Enviada|Enviado em|Enviada em|Enviado a|Data de envio / Para|Destinatário / Cc
    |Com cópia|Cópia / Assunto
  prefix: enc|res enc|encaminhada
  forward: Mensagem encaminhada|Mensagem reencaminhada|Início da mensagem reencaminhada
    |Início da mensagem encaminhada|Mensagem redirecionada|E-mail encaminhado|Mensagem reenviada|Email encaminhado
  original: Mensagem original|Mensagem Original|E-mail original
nl: Van|Afzender / Datum|Verzonden|Verzonden op|Verstuurd|Verzenddatum / Aan|Ontvanger / Cc|Kopie
    |Kopie aan / Onderwerp
  prefix: doorst|doorgestuurd
  forward: Doorgestuurd bericht|Begin doorgestuurd bericht|Begin van doorgestuurd bericht|Doorgezonden bericht
    |Doorgestuurde e-mail|Doorgestuurde mail
  original: Oorspronkelijk bericht|Origineel bericht|Oorspronkelijke bericht
sv: Från|Avsändare / Datum|Skickat|Skickad / Till|Mottagare / Kopia|Cc / Ämne
  prefix: vb|vidarebefordrat
  forward: Vidarebefordrat meddelande|Vidarebefordrat brev|Vidarebefordrat mejl|Vidarebefordrat e-postmeddelande
    |Vidarebefordrat mail|Början på vidarebefordrat meddelande|Börja vidarebefordrat meddelande
  original: Ursprungligt meddelande|Originalmeddelande|Ursprungligt mejl
da: Fra|Afsender / Dato|Sendt / Til|Modtager / Cc|Kopi / Emne
  prefix: vs|videresendt
  forward: Videresendt besked|Videresendt meddelelse|Start på videresendt besked|Start på videresendt meddelelse
    |Videresendt mail|Videresendt e-mail|Begynd videresendt besked|Videresendte meddelelse
  original: Oprindelig meddelelse|Original meddelelse|Oprindelig besked|Original besked|Oprindelig mail
no: Fra|Avsender / Dato|Sendt / Til|Mottaker / Kopi|Kopi til / Emne
  prefix: vs
  forward: Videresendt melding|Start på videresendt melding|Videresendt e-post|Begynnelse på videresendt melding
    |Begynn videresendt melding|Vidaresend melding|Videresendte meldingen
  original: Opprinnelig melding|Original melding|Opprinnelig e-post|Originalmelding
fi: Lähettäjä / Päivämäärä|Päiväys|Lähetetty|Pvm|Lähetysaika|Päivä / Vastaanottaja|Vastaanottajat|Kenelle / Kopio
    |Kopiot / Aihe|Otsikko
  prefix: vl
  forward: Välitetty viesti|Edelleenlähetetty viesti|Välitetty viesti alkaa|Edelleen lähetetty viesti
    |Lähetetty edelleen|Välitetyn viestin alku|Edelleen välitetty viesti|Eteenpäin lähetetty viesti
  original: Alkuperäinen viesti|Alkuperäinen sähköposti
pl: Od|Nadawca / Data|Wysłano|Wysłane|Data wysłania|Wysłany / Do|Adresat|Odbiorca / DW|Do wiadomości|Kopia
    |UDW / Temat
  prefix: pd|odp pd|przekazana
  forward: Przekazana wiadomość|Wiadomość przekazana|Początek przekazywanej wiadomości|Przekazywana wiadomość
    |Początek przekazanej wiadomości|Wiadomość przekazana dalej|Przesłana wiadomość|Treść przekazanej wiadomości
    |Przesyłana dalej wiadomość|Wiadomość przesłana dalej
  original: Wiadomość oryginalna|Oryginalna wiadomość|Wiadomość pierwotna|Wiadomość źródłowa
cs: Od|Odesílatel / Datum|Odesláno|Posláno / Komu|Příjemce / Kopie|Kopie komu / Předmět
  prefix: přep|předáno
  forward: Přeposlaná zpráva|Přeposlaný e-mail|Přeposlaný email|Začátek přeposlané zprávy|Předávaná zpráva
    |Začátek přeposílané zprávy|Předaná zpráva|Přesměrovaná zpráva|Začátek předávané zprávy|Přeposílaná zpráva
  original: Původní zpráva|Původní e-mail|Původní email|Originální zpráva
sk: Od|Odosielateľ / Dátum|Odoslané|Poslané / Komu|Pre|Príjemca / Kópia|Kópia pre / Predmet
  prefix: prep
  forward: Preposlaná správa|Preposlaný e-mail|Začiatok preposlanej správy|Preposielaná správa|Odovzdaná správa
    |Začiatok preposielanej správy|Postúpená správa|Presmerovaná správa|Preposlaný email
  original: Pôvodná správa|Pôvodný e-mail|Originálna správa
hu: Feladó|Küldő / Dátum|Elküldve|Küldve|Küldés ideje|Küldés dátuma|Időpont / Címzett|Címzettek / Másolat
    |Másolatot kap / Tárgy
  prefix: továbbítás|továbbítva|tov
  forward: Továbbított üzenet|Továbbított levél|Továbbított levél kezdete|A továbbított levél kezdete
    |A továbbított üzenet kezdete|Továbbított üzenet kezdete|Továbbított e-mail
  original: Eredeti üzenet|Eredeti levél
ro: De la|Expeditor / Data|Dată|Trimis|Trimis la|Trimis pe / Către|Destinatar / Cc|Copie / Subiect|Subiectul
  prefix: redir|redirecționat
  forward: Mesaj redirecționat|Mesaj redirecţionat|Mesaj înaintat|Mesaj retransmis|Mesaj transmis
    |Mesajul redirecționat|Începutul mesajului redirecționat|Începe mesajul redirecționat
    |Începeți mesajul redirecționat|Începutul mesajului redirecţionat|E-mail redirecționat
    |Început mesaj redirecționat
  original: Mesaj original|Mesajul original|Mesaj inițial|Mesajul inițial
hr: Od|Šalje|Pošiljatelj|Pošiljalac|Šiljatelj / Datum|Poslano|Poslato|Dana / Za|Prima|Primatelj|Primalac
    |Kome / Kopija|Cc|Kopija (CC) / Predmet|Tema|Naslov
  prefix: proslijeđeno|pros
  forward: Proslijeđena poruka|Početak proslijeđene poruke|Započni proslijeđenu poruku|Prosleđena poruka
    |Početak prosleđene poruke|Proslijeđena e-pošta|Preusmjerena poruka|Naprijed poslana poruka
  original: Izvorna poruka|Originalna poruka|Prvobitna poruka
sl: Od|Pošiljatelj / Datum|Poslano / Za|Prejemnik / Kp|Kopija / Zadeva
  prefix: pd|posr
  forward: Posredovano sporočilo|Začetek posredovanega sporočila|Posredovana e-pošta|Posredovana pošta
  original: Izvirno sporočilo|Prvotno sporočilo|Izvorno sporočilo
sr: Од|Шаље|Пошиљалац / Датум|Послато / За|Прима|Коме / Копија / Предмет|Тема|Наслов
  prefix: прос
  forward: Прослеђена порука|Почетак прослеђене поруке|Препраћена порука
  original: Оригинална порука|Изворна порука|Првобитна порука
bg: От|Подател|Изпращач / Дата|Изпратено|Изпратен / До|На|Получател / Копие|Копие до / Относно|Тема
  prefix: препр|нап
  forward: Препратено съобщение|Начало на препратеното съобщение|Препратен имейл|Препратено писмо
    |Начало на препратено съобщение|Пренасочено съобщение
  original: Оригинално съобщение|Първоначално съобщение|Оригинално писмо
ru: От|От кого|Отправитель / Дата|Отправлено|Дата отправки|Отправлен|Послано / Кому|Получатель / Копия|Копии / Тема
  prefix: пересл|переслано|пер
  forward: Пересылаемое сообщение|Пересланное сообщение|Переадресованное сообщение|Перенаправленное сообщение
    |Начало переадресованного сообщения|Начало пересылаемого сообщения|Начало пересланного сообщения
    |Пересылаемое письмо|Пересланное письмо|Перенаправленное письмо
  original: Исходное сообщение|Оригинальное сообщение|Исходное письмо|Первоначальное сообщение
uk: Від|Від кого|Відправник / Дата|Надіслано|Відправлено|Надісланий / Кому|Одержувач|Отримувач / Копія|Копії / Тема
  prefix: пересл|переспр
  forward: Переслане повідомлення|Пересилане повідомлення|Початок пересланого повідомлення
    |Перенаправлене повідомлення|Початок листа, що пересилається|Початок переадресованого повідомлення
    |Переадресоване повідомлення|Повідомлення, що пересилається|Переадресований лист|Пересланий лист
  original: Оригінальне повідомлення|Вихідне повідомлення|Початкове повідомлення|Оригінал повідомлення
tr: Kimden|Gönderen / Tarih|Gönderildi|Gönderilme|Gönderme Tarihi|Gönderim Tarihi|Gönderilme Tarihi / Kime
    |Alıcı / Bilgi|Cc|Bilgi (CC)|Gizli / Konu
  prefix: ilt|yönl
  forward: Yönlendirilmiş ileti|Yönlendirilen ileti|İletilmiş mesaj|İletilen ileti|İletilen mesaj
    |Yönlendirilen mesaj|Yönlendirilmiş mesaj|Yönlendirilen e-posta|İleti başlangıcı|Yönlendirilmiş e-posta
    |Başlangıç iletilen ileti|İletilmiş ileti|İletilen e-posta
  original: Orijinal İleti|Özgün İleti|Orijinal Mesaj|Asıl ileti|Özgün mesaj|Orijinal E-posta
el: Από|Αποστολέας / Ημερομηνία|Στάλθηκε|Εστάλη|Αποστολή|Ημ/νία / Προς|Παραλήπτης|Παραλήπτες / Κοιν.
    |Κοινοποίηση / Θέμα
  prefix: πρθ|προώθηση
  forward: Προωθημένο μήνυμα|Προωθούμενο μήνυμα|Αρχή προωθημένου μηνύματος|Έναρξη προωθημένου μηνύματος
    |Προωθημένο μήνυμα ηλεκτρονικού ταχυδρομείου|Αρχή μηνύματος προώθησης|Προωθηθέν μήνυμα|Προώθηση μηνύματος
  original: Αρχικό μήνυμα|Πρωτότυπο μήνυμα
ja: 差出人|送信者|送信元 / 日付|送信日時|日時|送信日|送信済み|受信日時 / 宛先|受信者|送信先 / CC|写し / 件名|題名
  prefix: 転送
  forward: 転送メッセージ|転送されたメッセージ|転送メール|転送されたメール|転送元メッセージ|転送
    |転送されたメッセージの開始|以下は転送されたメッセージです|転送メッセージ開始|転送元
  original: 元のメッセージ|オリジナル メッセージ|元のメール|元メッセージ|引用元メッセージ|オリジナルメール
ko: 보낸 사람|보낸이|발신|발신자|보낸 사람 이름 / 날짜|보낸 날짜|일시|보낸 시간|전송 날짜|보낸 일시 / 받는 사람
    |받은 사람|받는이|수신|수신자 / 참조 / 제목
  prefix: 전달
  forward: 전달된 메시지|전달된 메일|전달한 메시지|전달된 이메일|전달 메시지|전달된 메시지 시작|전달된 메세지
    |전달받은 메일|아래는 전달된 메시지입니다
  original: 원본 메시지|원본 메일|원본 메세지|원본 이메일
zh-CN: 发件人|发送人|发件者|发信人|寄件人 / 日期|发送时间|发送日期|时间|发件时间|已发送|发件日期 / 收件人
    |收信人 / 抄送|抄送人|密送 / 主题|标题|邮件主题
  prefix: 转发|转
  forward: 转发邮件信息|转发的邮件|转发邮件|被转发的邮件|已转发的邮件|已转发邮件|转发的消息|转发消息|转发的信息
    |转发信息|已转发消息|开始转发的邮件|以下是转发的邮件|邮件转发信息|已转发的消息|转发邮件开始|以下为转发邮件
    |转发的原邮件|下面是被转发的邮件|下面是转发的邮件|转发的邮件信息
  original: 原始邮件|原邮件|原始信息|原始消息|邮件原件|原始邮件信息|原始郵件
zh-TW: 寄件者|發件人|寄信人|寄件人名稱|發信人 / 寄件日期|傳送日期|傳送時間|寄送日期|已傳送|時間|傳送|寄信日期
    |發送時間 / 收件者|收信人|收件人員 / 副本|密件副本 / 主旨|主題|標題
  prefix: 轉寄|轉發|轉
  forward: 轉寄的郵件|轉寄郵件|轉寄的訊息|轉寄訊息|轉寄信件|已轉寄的郵件|開始轉寄郵件|開始轉寄的郵件|轉寄的信件
    |轉發郵件|轉發的郵件|轉寄郵件訊息|已轉寄郵件|轉寄的電子郵件|以下是轉寄的郵件|已轉寄的訊息|開始轉寄的訊息
  original: 原始訊息|原信件|原始信件|原郵件|原始電子郵件
et: Saatja|Kellelt|Kelleltki / Kuupäev|Saadetud|Saatmisaeg|Saatmise kuupäev / Saaja|Kellele|Adressaat
    |Saajad / Koopia / Teema
  prefix: ed|edasi
  forward: Edastatud kiri|Edastatud sõnum|Edasi saadetud kiri|Edastatud meil|Edastatud e-kiri|Edastatud kirja algus
    |Edasisaadetud kiri|Edastatud sõnumi algus
  original: Algne kiri|Algne sõnum|Algkiri|Originaalsõnum|Originaalkiri|Algsõnum
lv: No|Sūtītājs / Datums|Nosūtīts|Sūtīts / Kam|Adresāts|Saņēmējs / Kopija / Temats|Tēma
  prefix: pārs
  forward: Pārsūtītā vēstule|Pārsūtīts ziņojums|Pārsūtītais ziņojums|Pārsūtīta ziņa|Pārsūtītā ziņa
    |Pāradresēta vēstule
  original: Sākotnējais ziņojums|Sākotnējā ziņa|Oriģinālais ziņojums|Sākotnējā vēstule
lt: Nuo|Siuntėjas / Data|Išsiųsta|Siuntimo data / Kam|Gavėjas|Skirta / Kopija / Tema
  prefix: persiųsta
  forward: Persiųstas laiškas|Persiunčiamas laiškas|Persiųstas pranešimas|Persiųsta žinutė|Persiunčiamas pranešimas
    |Persiųsto laiško pradžia
  original: Pradinis laiškas|Pirminis laiškas|Pradinis pranešimas|Originalus laiškas
ca: De|Remitent / Data|Enviat|Enviat el / Per a|Destinatari / A/c|Còpia / Assumpte|Tema
  prefix: rv
  forward: Missatge reenviat|Inici del missatge reenviat|Correu reenviat
  original: Missatge original
is: Frá|Sendandi / Dagsetning|Dags|Sent / Til|Viðtakandi / Afrit / Efni
  prefix: áfr
  forward: Áframsent skeyti|Áframsend skilaboð|Framsent skeyti|Áframsendur póstur
  original: Upprunaleg skilaboð|Upphaflegt skeyti|Upprunalegt skeyti
he: מאת|שולח / תאריך|נשלח|נשלח בתאריך / אל|נמען / עותק|העתק / נושא|הנושא
  prefix: הועבר|העברה
  forward: הודעה שהועברה|הודעה מועברת|תחילת ההודעה שהועברה|דואר שהועבר|התחלת הודעה שהועברה
  original: הודעה מקורית|ההודעה המקורית
ar: من|المرسل / التاريخ|تاريخ|أرسل|تم الإرسال|تاريخ الإرسال|مرسل / إلى|المستلم / نسخة|نسخة إلى / الموضوع|موضوع
  prefix: إعادة توجيه|تحويل
  forward: رسالة معاد توجيهها|الرسالة المعاد توجيهها|رسالة محولة|بدء الرسالة المحولة|رسالة معاد إرسالها
    |بداية الرسالة المحولة
  original: الرسالة الأصلية|رسالة أصلية
fa: از|فرستنده / تاریخ|ارسال شده|فرستاده شده / به|گیرنده / رونوشت / موضوع
  prefix: بازارسال
  forward: پیام هدایت شده|پیام بازارسال شده|نامه ارجاعی|پیام ارسال‌شده|پیام باز ارسال شده|نامهٔ ارجاعی
  original: پیام اصلی|نامه اصلی
th: จาก|ผู้ส่ง / วันที่|ส่ง|ส่งเมื่อ|วันที่ส่ง / ถึง|ผู้รับ / สำเนา|สำเนาถึง / เรื่อง|หัวเรื่อง|หัวข้อ
  prefix: ส่งต่อ
  forward: ข้อความที่ส่งต่อ|ข้อความที่ถูกส่งต่อ|เริ่มข้อความที่ส่งต่อ|อีเมลที่ส่งต่อ
  original: ข้อความต้นฉบับ|ข้อความเดิม
vi: Từ|Người gửi / Ngày|Đã gửi|Gửi|Vào lúc|Thời gian|Ngày gửi|Đã gửi vào|Gửi lúc / Đến|Tới|Người nhận / Đồng gửi
    |Đồng kính gửi / Chủ đề|Tiêu đề
  prefix: chuyển tiếp
  forward: Thư đã chuyển tiếp|Thư được chuyển tiếp|Tin nhắn đã chuyển tiếp|Thư chuyển tiếp|Tin nhắn được chuyển tiếp
    |Bắt đầu thư được chuyển tiếp|Email chuyển tiếp|Tin nhắn chuyển tiếp
  original: Thư gốc|Tin nhắn gốc|Tin gốc
id: Dari|Pengirim / Tanggal|Terkirim|Dikirim|Tarikh|Dihantar / Kepada|Untuk|Penerima|Ke / Tembusan|Salinan / Perihal
    |Subjek|Hal
  prefix: trs|bls trs
  forward: Pesan terusan|Pesan yang diteruskan|Pesan diteruskan|Mulai pesan terusan|Mesej dimajukan|Email diteruskan
    |Mesej yang dimajukan|Mulai meneruskan pesan
  original: Pesan asli|Mesej asal
hi: प्रेषक|से / दिनांक|भेजा गया|भेजा|तारीख / प्रति|प्राप्तकर्ता / प्रतिलिपि / विषय
  prefix: अग्रे
  forward: अग्रेषित संदेश|आगे भेजा गया संदेश|फ़ॉरवर्ड किया गया संदेश|अग्रेषित किया गया संदेश
  original: मूल संदेश
"""
# What programs put before the subject of an answer. Only ever at the beginning and before a colon.
_REPLY_PREFIXES = (
    "re|aw|antw|sv|odp|res|ynt|ref|rif|r|bls|tb|ha|vast|vá|atb|ats|απ|σχετ|отв|отг|رد|השב|תגובה"
    "|回复|回覆|答复|返信|답장|회신"
)
# A name and a time come after these.
BEGINNINGS = ("forwarded by", "weitergeleitet von", "transfere par", "reenviado por", "inoltrato da")
MEANINGS = ("from", "date", "to", "copy", "subject")


class Words(NamedTuple):
    """One language. `labels` in the order of MEANINGS, as programs spell them."""

    language: str
    labels: tuple[tuple[str, ...], ...]
    prefix: tuple[str, ...]
    forward: tuple[str, ...]
    original: tuple[str, ...]


@cache
def languages() -> tuple[Words, ...]:
    """The table, read once."""
    rows: list[dict[str, str]] = []
    kind = ""
    for line in _TABLE.strip().split("\n"):
        name, colon, rest = line.partition(": ")
        if line.startswith("    "):
            rows[-1][kind] += line.strip()
        elif line.startswith("  "):
            kind = name.strip()
            rows[-1][kind] = rest
        elif colon:
            kind = "labels"
            rows.append({"language": name, kind: rest})
    return tuple(
        Words(
            row["language"],
            tuple(_words(words) for words in row["labels"].split(" / ")),
            *(_words(row.get(kind, "")) for kind in ("prefix", "forward", "original")),
        )
        for row in rows
    )


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in text.split("|") if word)


def _ignored(sign: str) -> bool:
    """Accents, vowel points of Hebrew and Arabic, marks of direction. Vowels of other scripts are letters."""
    code = ord(sign)
    if code < 0x300:
        return code == 0xAD
    return code <= 0x36F or 0x591 <= code <= 0x5C7 or 0x64B <= code <= 0x65F or unicodedata.category(sign) == "Cf"


def folded(text: str) -> str:
    """For comparison: no case, no accents, no full-width forms, single blanks, one shape of apostrophe."""
    if text.isascii():
        return " ".join(text.lower().split())
    flat = unicodedata.normalize("NFKD", text.replace("’", "'").casefold())
    kept = "".join(sign for sign in flat if not _ignored(sign))
    return " ".join(kept.replace("ı", "i").replace("ł", "l").replace("ø", "o").replace("đ", "d").split())


@cache
def labels() -> MappingProxyType[str, str]:
    """Folded label -> one of MEANINGS, or `reply`."""
    found = dict.fromkeys(("reply-to", "reply to", "antwort an", "rispondi a", "responder a", "svar til"), "reply")
    for row in languages():
        for meaning, words in zip(MEANINGS, row.labels, strict=True):
            found |= {folded(word): meaning for word in words}
    return MappingProxyType(found)


@cache
def markers() -> MappingProxyType[str, bool]:
    """Folded marker -> does it say by itself that it is a forward?"""
    found = {folded(word): False for row in languages() for word in row.original}
    return MappingProxyType(found | {folded(word): True for row in languages() for word in row.forward})


@cache
def forward_prefixes() -> frozenset[str]:
    return frozenset(folded(word) for row in languages() for word in row.prefix)


@cache
def reply_prefixes() -> frozenset[str]:
    return frozenset(folded(word) for word in _REPLY_PREFIXES.split("|"))
