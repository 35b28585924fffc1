"""Each kind of action in words: what it does and how it is undone. Texts only; they decide nothing."""

from __future__ import annotations

from typing import NamedTuple

from gateway.model import ActionKind


class Words(NamedTuple):
    """`{target}` is what it is done to."""

    do: str
    undo: str


K = ActionKind
WORDS: dict[ActionKind, Words] = {
    K.BLOCK_ADDRESS: Words("block all traffic from and to {target}", "let traffic from and to {target} through again"),
    K.LIMIT_OUTGOING: Words("limit the mail that {target} may send", "lift the limit on {target}'s mail"),
    K.STOP_OUTGOING: Words("stop all outgoing mail of {target}", "let {target} send mail again"),
    K.BLOCK_PORT_25: Words("block connections from {target} to port 25", "open port 25 for {target} again"),
    K.PASSWORD_RESET: Words(
        "ask the holder of {target} for a new password, and refuse the old one", "accept {target}'s password again"
    ),
    K.WALLED_GARDEN: Words("show {target} nothing but our own pages", "let {target} out of the walled garden"),
    K.BLOCK_SENDER: Words("refuse mail from {target}", "accept mail from {target} again"),
    K.BLOCK_DOMAIN: Words("refuse mail from everybody at {target}", "accept mail from {target} again"),
    K.DISABLE_MAIL: Words("disable all mail of {target}", "enable {target}'s mail again"),
    K.SUSPEND_ACCOUNT: Words("suspend the account that holds {target}", "take the account of {target} up again"),
    K.CANCEL_ACCOUNT: Words("cancel the account of {target} for good", "take the account of {target} up again"),
    K.SUSPEND_SUPPORT_SERVICE: Words("suspend the service {target}", "take the service {target} up again"),
    K.CHARGE: Words("charge the fine for {target}", "reverse the charge for {target}"),
    K.LIST_FOREIGN: Words("refuse connections from {target}", "take {target} off the block list"),
}
