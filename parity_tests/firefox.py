"""Headless Firefox over WebDriver BiDi, the protocol that it speaks itself: https://w3c.github.io/webdriver-bidi."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from parity_tests.browser import resize, wait_for


@contextmanager
def open_firefox(width: int = 1280, height: int = 900) -> Iterator["Firefox"]:
    """A Firefox of its own, with an empty profile and a page of this size, in light colours. Skips the test where none is."""
    websocket = pytest.importorskip("websocket", reason="websocket-client is not installed: Firefox was not tried")
    binary = next(filter(None, map(shutil.which, ("firefox-esr", "firefox"))), None)
    if not binary:
        pytest.skip("no Firefox on this machine: the pages were not tried in it")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [binary, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            port = wait_for(lambda: _port(Path(profile, "WebDriverBiDiServer.json")), 60)
            address = f"ws://127.0.0.1:{port}/session"
            firefox = Firefox(websocket.create_connection(address, timeout=120, suppress_origin=True))
            resize(firefox, width, height)
            yield firefox
        finally:
            process.terminate()
            process.wait(30)


class Firefox:
    """One tab, with those of selenium's methods that the tests use."""

    def __init__(self, socket: Any):  # of websocket-client
        self.socket, self.sent = socket, 0
        self.events: list[dict] = []
        self.send("session.new", capabilities={})
        self.send("session.subscribe", events=["log.entryAdded"])
        self.tab = self.send("browsingContext.getTree")["contexts"][0]["context"]

    def send(self, method: str, **parameters: Any) -> dict:
        """What a command gives. What Firefox reports in the meantime is kept."""
        self.sent += 1
        self.socket.send(json.dumps({"id": self.sent, "method": method, "params": parameters}))
        while (message := json.loads(self.socket.recv())).get("id") != self.sent:
            self.events.append(message)
        if message["type"] == "error":
            raise RuntimeError(f"{method}: {message['error']}: {message['message']}")
        return message["result"]

    def get(self, url: str) -> None:
        """Open an address. A link that was clicked must have led where it leads: Firefox does not open two pages at once."""
        self.send("browsingContext.navigate", context=self.tab, url=url, wait="complete")

    @property
    def current_url(self) -> str:
        return self.execute_script("return location.href")

    def execute_script(self, script: str, *arguments: Any) -> Any:
        """What the script returns, as JSON carries it."""
        return self._called(f"return (function () {{ {script} }}).apply(window, given)", arguments)

    def execute_async_script(self, script: str, *arguments: Any) -> Any:
        """What the script hands to the function that is its last argument."""
        inner = f"(function () {{ {script} }}).apply(window, [...given, done])"
        return self._called(f"return await new Promise((done) => {inner})", arguments)

    def _called(self, body: str, arguments: tuple) -> Any:
        function = f"async (json) => {{ const given = JSON.parse(json); const f = async () => {{ {body} }};"
        found = self.send(
            "script.callFunction",
            functionDeclaration=f"{function} return JSON.stringify((await f()) ?? null); }}",
            arguments=[{"type": "string", "value": json.dumps(arguments)}],
            target={"context": self.tab},
            awaitPromise=True,
        )
        if found["type"] == "exception":
            raise RuntimeError(found["exceptionDetails"]["text"])
        return json.loads(found["result"]["value"])

    def get_log(self, kind: str) -> list[dict]:
        """The errors of the page's scripts and of its console since the last call."""
        assert kind == "browser"
        self.send("session.status")  # whatever was reported before has then arrived
        entries = [event["params"] for event in self.events if event.get("method") == "log.entryAdded"]
        self.events = []
        return [{"level": "SEVERE", "message": one["text"]} for one in entries if one["level"] == "error"]


def _port(file: Path) -> int:
    """The port that Firefox writes into its profile; 0 as long as it has not."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))["ws_port"]
    except (OSError, ValueError):
        return 0
