"""An OAuth 2 server on loopback: gives tokens for client credentials, signed assertions and refresh tokens (RFC 6749,
RFC 7523), and tells a mail server whose a token is (RFC 7662). It checks what it is given as a real one does."""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

CLIENT, SECRET, REFRESH = "client-1", "s3cret-of-the-client", "refresh-of-abuse"
ISSUER = "arfgate@project.example"
SCOPE = "https://mail.example/imap"


class OAuthServer:
    """`given` counts tokens; `lasts` is their life in seconds as stated; `user` is whose they are."""

    def __init__(self) -> None:
        self.user = "abuse@example.net"
        self.lasts: int | None = 3600
        self.given = 0
        self.forms: list[dict[str, str]] = []
        self._live: dict[str, str] = {}
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def token_url(self) -> str:
        return f"{self.base}/token"

    @property
    def introspection_url(self) -> str:
        return f"{self.base}/introspect"

    def google_key(self) -> str:
        """A service account's key as Google gives it."""
        pem = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        found = {"type": "service_account", "client_email": ISSUER, "private_key": pem.decode()}
        return json.dumps(found, indent=2)

    def revoke(self) -> None:
        """No token that was given counts any more."""
        self._live.clear()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def _answer(self, path: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if path.startswith("/introspect"):
            owner = self._live.get(form.get("token", ""))
            return 200, {"active": owner is not None, "username": owner or "", "scope": SCOPE}
        self.forms.append(form)
        wrong = self._wrong(form)
        if wrong:
            return 400, {"error": wrong, "error_description": "as the test wants it"}
        self.given += 1
        token = secrets.token_urlsafe(24)
        self._live[token] = self.user
        return 200, {"access_token": token, "token_type": "Bearer"} | ({"expires_in": self.lasts} if self.lasts else {})

    def _wrong(self, form: dict[str, str]) -> str | None:
        grant = form.get("grant_type")
        if grant == "client_credentials":
            return None if (form["client_id"], form["client_secret"]) == (CLIENT, SECRET) else "invalid_client"
        if grant == "refresh_token":
            return None if (form["client_id"], form["refresh_token"]) == (CLIENT, REFRESH) else "invalid_grant"
        if grant == "urn:ietf:params:oauth:grant-type:jwt-bearer":
            return None if self._signed(form.get("assertion", "")) else "invalid_grant"
        return "unsupported_grant_type"

    def _signed(self, assertion: str) -> bool:
        text, _, signature = assertion.rpartition(".")
        try:
            self._key.public_key().verify(_decoded(signature), text.encode(), padding.PKCS1v15(), hashes.SHA256())
            head, claims = (json.loads(_decoded(part)) for part in text.split("."))
        except (InvalidSignature, ValueError):
            return False
        wanted = {"iss": ISSUER, "sub": self.user, "aud": self.token_url}
        in_time = claims["iat"] <= time.time() + 60 and claims["exp"] - claims["iat"] <= 3600
        return head == {"alg": "RS256", "typ": "JWT"} and wanted.items() <= claims.items() and in_time

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        answer = self._answer

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                status, said = answer(self.path, form)
                raw = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
