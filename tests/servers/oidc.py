"""An OpenID provider on loopback: metadata, keys, and a token endpoint that checks code, PKCE and client as real ones do.

`claims` go over those of the next token; `key` and `algorithm` may be exchanged for a forger's.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "arfgate", "s3cret of the client/?"


class OidcServer:
    """`now`: time of its tokens, seconds."""

    def __init__(self, now: int) -> None:
        self.now = now
        self.claims: dict[str, Any] = {}
        self.key = RSAKey.generate_key(2048, {"kid": "one"})
        self.shown = self.key
        self.algorithm = "RS256"
        self.issuer_said: str | None = None
        self._codes: dict[str, dict[str, str]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True)
        self._thread.start()

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def issuer(self) -> str:
        return f"http://{self.place}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def log_in(self, address: str, **claims: Any) -> str:
        """Somebody signs in at `address`, where our browser was sent. Returns the path it is sent back to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert asked["code_challenge_method"] == "S256"
        assert asked["response_type"] == "code"
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(8)
        self._codes[code] = asked
        self.claims = claims
        return f"{urlsplit(asked['redirect_uri']).path}?code={code}&state={asked['state']}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                documents: dict[str, Any] = {
                    "/.well-known/openid-configuration": {
                        "issuer": server.issuer_said or server.issuer,
                        "authorization_endpoint": f"{server.issuer}/authorize",
                        "token_endpoint": f"{server.issuer}/token",
                        "jwks_uri": f"{server.issuer}/keys",
                    },
                    "/keys": {"keys": [server.shown.as_dict(private=False)]},
                }
                self._say(documents.get(self.path, {}))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                self._say(server.token(form, self.headers.get("Authorization", "")))

            def _say(self, data: dict[str, Any]) -> None:
                raw = json.dumps(data).encode()
                self.send_response(200 if data else 400)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any]:
        """Nothing where anything is wrong."""
        asked = self._codes.pop(form.get("code", ""), None)
        client = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        name, _, secret = client.partition(":")
        known = (name, parse_qs(f"s={secret}").get("s", [""])[0]) == (CLIENT, SECRET)
        if asked is None or not known or form["redirect_uri"] != asked["redirect_uri"]:
            return {}
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"]:
            return {}
        claims = {
            "iss": self.issuer, "sub": "u-1", "aud": CLIENT, "exp": self.now + 300, "iat": self.now,
            "nonce": asked["nonce"], "preferred_username": "Dora", "groups": ["abuse-desk"],
        } | self.claims  # fmt: skip
        return {"id_token": jwt.encode({"alg": self.algorithm, "kid": "one"}, claims, self.key), "token_type": "Bearer"}
