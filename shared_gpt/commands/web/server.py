"""The server of the page: this machine alone, three files, three questions, one at a time.

What it refuses and why: a Host that is not this address, because a name somewhere else can be made to lead here (DNS
rebinding); an Origin that is not this page, because any page can send requests here; a body of another type than JSON, which
other pages could send without asking; and a body that is too long. Paths name no files: three are known.
"""

import json
import os
import threading
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from shared_gpt.commands.web.talk import Talk

ADDRESS = "127.0.0.1"
MOST_BYTES = 64 << 10  # of a request's body; 1024 tokens are a tenth of that
PATIENCE = 30  # seconds that a silent connection is kept
PAGE = Path(__file__).parent / "page"
FILES = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/style.css": ("style.css", "text/css; charset=utf-8"),
    "/script.js": ("script.js", "text/javascript; charset=utf-8"),
}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Refusal(Exception):
    """A request that is answered with a status and one sentence."""

    def __init__(self, status: HTTPStatus, sentence: str):
        super().__init__(sentence)
        self.status = status


class PageServer(ThreadingHTTPServer):
    """Serves a Talk. Connections have a thread each, so that an idle one stops nobody; the model has one question at a time."""

    daemon_threads = True
    allow_reuse_address = os.name != "nt"  # there it would let two programs listen at one port

    def __init__(self, talk: Talk, port: int):
        self.talk, self.model_in_use = talk, threading.Lock()
        try:
            super().__init__((ADDRESS, port), Handler)
        except (OSError, OverflowError) as error:
            raise OSError(
                f"Port {port} of {ADDRESS} cannot be listened at ({getattr(error, 'strerror', None) or error}); give another "
                "one: --port 8643, or --port 0 for any that is free."
            ) from error
        port = self.server_address[1]
        self.hosts = {f"{name}:{port}" for name in (ADDRESS, "localhost")}

    @property
    def url(self) -> str:
        return f"http://{ADDRESS}:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that breaks off is the browser's business, and a fault in one request does not end the others."""


class Handler(BaseHTTPRequestHandler):
    server: PageServer
    timeout = PATIENCE
    server_version, sys_version = "gpt-chat", ""

    def do_GET(self) -> None:
        self.answer(self.get)

    def do_POST(self) -> None:
        self.answer(self.post)

    def answer(self, method: Any) -> None:
        try:
            self.check_sender()
            method()
        except Refusal as refusal:
            self.reply(refusal.status, {"error": str(refusal)})
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def check_sender(self) -> None:
        """Only this page, under the address that it was given, may ask."""
        origins = {f"http://{host}" for host in self.server.hosts}
        if self.headers.get_all("Host") not in [[host] for host in self.server.hosts]:
            raise Refusal(HTTPStatus.MISDIRECTED_REQUEST, f"This is {self.server.url} and goes by no other name.")
        if self.headers.get("Origin", self.server.url) not in origins:
            raise Refusal(HTTPStatus.FORBIDDEN, "Other pages may not ask here.")
        if self.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin") and self.command != "GET":
            raise Refusal(HTTPStatus.FORBIDDEN, "Other pages may not ask here.")

    def get(self) -> None:
        if self.path == "/model":
            self.reply(HTTPStatus.OK, self.server.talk.describe())
        elif self.path in FILES:
            name, kind = FILES[self.path]
            self.begin(HTTPStatus.OK, kind)
            self.wfile.write((PAGE / name).read_bytes())
        else:
            raise Refusal(HTTPStatus.NOT_FOUND, "There is no such page; the one that is there is /.")

    def post(self) -> None:
        if self.path not in ("/write", "/open"):
            raise Refusal(HTTPStatus.NOT_FOUND, "There is no such question; ask /write or /open.")
        body = self.read_body()
        with self.server.model_in_use:
            try:
                if self.path == "/open":
                    self.reply(HTTPStatus.OK, self.server.talk.open(body))
                else:
                    self.stream(self.server.talk.write(body))
            except (ValueError, MemoryError) as error:
                raise Refusal(HTTPStatus.BAD_REQUEST, str(error) or "out of memory") from error

    def read_body(self) -> dict[str, Any]:
        if self.headers.get_content_type() != "application/json":
            raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send JSON, and say so: Content-Type: application/json.")
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdecimal()):
            raise Refusal(HTTPStatus.LENGTH_REQUIRED, "Say how long the request is: Content-Length.")
        if len(length) > 9 or int(length) > MOST_BYTES:
            raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The request is longer than {MOST_BYTES} bytes.")
        data = self.rfile.read(int(length))
        if len(data) < int(length):
            raise ConnectionError("broken off")
        try:
            body = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise Refusal(HTTPStatus.BAD_REQUEST, "The request is no JSON.") from error
        if not isinstance(body, dict):
            raise Refusal(HTTPStatus.BAD_REQUEST, "The request is no JSON object.")
        return body

    def stream(self, messages: Iterator[dict[str, Any]]) -> None:
        """One line of JSON for each message, sent as it comes. The last one says that it is the last."""
        self.begin(HTTPStatus.OK, "application/x-ndjson; charset=utf-8")
        try:
            for message in messages:
                self.send_json(message)
        except ValueError as error:  # the head is sent already: the model made something that is no number
            self.send_json({"error": str(error)})

    def reply(self, status: HTTPStatus, message: dict[str, Any]) -> None:
        self.begin(status, "application/json; charset=utf-8")
        self.send_json(message)

    def begin(self, status: HTTPStatus, kind: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, **HEADERS}.items():
            self.send_header(name, value)
        self.end_headers()

    def send_json(self, message: dict[str, Any]) -> None:
        self.wfile.write(json.dumps(message).encode("ascii") + b"\n")
        self.wfile.flush()

    def log_message(self, *args: Any) -> None:
        """The terminal stays as it is."""
