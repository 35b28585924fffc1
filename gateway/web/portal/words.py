"""What the pages without an account call things, in English; `locale` has the other languages. Must never decide."""

from __future__ import annotations

STATES = {
    "waiting": "The time has not started yet.",
    "running": "Please answer within the time.",
    "answered": "You answered. The time stands still while our staff look at it.",
    "overdue": "The time is over, and we have no answer. Please answer at once.",
    "unreachable": "The time has not started yet.",
    "resolved": "Resolved. Thank you.",
}
TOLD = {
    "complaint": "We told you of the report",
    "reminder": "We reminded you",
    "overdue": "We told you that the time is over",
    "first-warning": "We sent a first warning",
    "final-warning": "We sent a final warning",
    "enforced": "We told you what was carried out",
    "answer-rejected": "We told you what your answer still lacks",
    "consent-asked": "We asked for proof of permission",
    "appeal-decided": "We told you what came of the review",
    "action-planned": "We told you what is going to be done",
    "lifted": "We told you what was lifted",
    "answer-received": "We confirmed your answer",
    "resolved": "We told you that it counts as resolved",
    "reopened": "We told you that it went on",
    "portal-link": "We sent you a new link",
}
DONE = {
    "answer": "Thank you. We have your answer, and our staff look at it.",
    "time": "Our staff have your request for more time. Until they answer, the time goes on.",
    "records": "Thank you. The table was read and compared here; nobody was named.",
    "review": "Our staff have your request for a review.",
    "link": "If there is such a case, a new link is on its way to the address that we have on file for it.",
    "sent": "Please look into your mailbox now: we have sent you a link to confirm the report.",
    "completed": "Thank you. We have what you sent, and read it now.",
    "confirmed": "Thank you. Your report is confirmed, and we read it now.",
}
RECORDS = {
    "asked": "We wait for it.",
    "received": "We have it. You may send a newer one.",
    "absent": "It did not come in time. You may still send it.",
}
REVIEWS = {
    "open": "You asked for a review. Our staff will decide.",
    "granted": "Your request was granted.",
    "refused": "We reviewed it, and it stays as it is.",
}
OUTCOMES = {
    "unconfirmed": "It waits until its sender confirms it: please use the link in the mail that we sent.",
    "incomplete": "Something is missing. We wrote to you what it is and how to send it.",
    "waiting": "It waits for one of our staff to look at it.",
    "reading": "We have it, and are about to read it.",
    "working": "It was accepted. Whoever is responsible is asked to stop the cause.",
    "solved": "It was accepted, and we have finished looking into it. What you reported was dealt with by our rules.",
    "closed": "It was accepted, and the matter is closed.",
    "unfounded": "We looked into it and found nothing that we could hold our customer to.",
    "counted": "It was read and counted. It needs no action of its own.",
    "refused": "We could not use it. Please send the complete mail with its header to our abuse address.",
    "expired": "What was missing did not come in time, so nothing was done with it.",
}
KINDS = {
    "spam": "An unwanted mail (spam)",
    "phishing": "A mail that asks for passwords (phishing)",
    "malware": "A mail with a harmful attachment",
    "fraud": "A mail that wants to cheat (fraud)",
    "phishing-site": "A web page that asks for passwords (phishing)",
    "malware-site": "A web page that spreads harmful software",
    "fraud-site": "A web page that wants to cheat (fraud)",
    "login-attack": "Attempts to log in (brute force)",
    "port-scan": "A port scan",
    "ddos": "A flood of traffic (denial of service)",
}
