"""chat --web: what the page asks and gets, who is refused, and the page itself in a browser, by mouse and by keyboard."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import numpy_gpt
import torch_gpt
from parity_tests.book_code import BookGPT
from parity_tests.browser import open_browser, wait_for
from parity_tests.report.measure import twins
from shared_gpt.cli import main
from shared_gpt.commands.chat import Chat
from shared_gpt.commands.web import server as server_module
from shared_gpt.commands.web.server import MOST_BYTES, PageServer
from shared_gpt.config import GPTConfig
from shared_gpt.text import BytePairTokenizer, CharTokenizer, save_tokenizer

TWINS = [numpy_gpt, torch_gpt]
QUESTION = "What <b>is</b> a lamp? 🦜"
TYPED = "What <b>is</b> a lamp?"  # chromedriver types no emoji


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """`answers`: a chat model with nothing learnt; `base`: one that goes on with a text."""
    place = tmp_path_factory.mktemp("web")
    tokenizer = BytePairTokenizer.train("Q: What is a lamp?\nA:\n" * 9, 270, ("<|endoftext|>",))
    config = GPTConfig(vocab_size=tokenizer.n_vocab, context_length=64, emb_dim=12, n_heads=3, n_layers=2)
    for name in ("answers", "base"):
        numpy_gpt.save_gpt2(twins(config, 0, "float32")[0], place / name)
        save_tokenizer(tokenizer, place / name)
    (place / "answers" / "task.json").write_text('{"style": "qa"}', encoding="utf-8")
    return place


@contextmanager
def serving(weights, twin=numpy_gpt, **options):
    """A server in a thread, on any free port; the address to ask."""
    server = PageServer(Chat(str(weights), web=True, **options).talk(twin), 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def server(folders):
    with serving(folders / "answers", max_new_tokens=6) as running:
        yield running


def ask(server, path="/write", body=None, method=None, **headers):
    """(status, the lines of the reply as data or, for a file, its bytes, the headers)"""
    connection = http.client.HTTPConnection(*server.server_address, timeout=20)
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = ({"Content-Type": "application/json"} if data is not None else {}) | {
        key.replace("_", "-"): value for key, value in headers.items()
    }
    connection.request(method or ("GET" if data is None else "POST"), path, data, sent)
    reply = connection.getresponse()
    text = reply.read()
    kind = reply.getheader("Content-Type") or ""
    connection.close()
    return SimpleNamespace(
        status=reply.status,
        data=[json.loads(line) for line in text.splitlines()] if "json" in kind else text,
        reply=reply,
    )


# What the page gets


@pytest.mark.parametrize("twin", TWINS)
def test_an_answer_is_what_chat_says(twin, folders, capsys, monkeypatch):
    lines = iter([QUESTION, ""])
    monkeypatch.setattr("builtins.input", lambda _: next(lines))
    assert main(twin, ["chat", "--weights", str(folders / "answers"), "--max-new-tokens", "6"]) == 0
    said = capsys.readouterr().out
    with serving(folders / "answers", twin, max_new_tokens=6) as server:
        messages = ask(server, body={"text": QUESTION}).data
    prompt, *steps, end = messages
    assert "".join(token["text"] for token in prompt["tokens"]) == f"Q: {QUESTION}\nA:\n"
    assert "".join(message["text"] for message in [*steps, end]) + "\n" == said
    assert end["end"] == "length"


@pytest.mark.parametrize("twin", TWINS)
def test_an_opened_token_shows_what_the_model_weighed_and_saw(twin, folders):
    with serving(folders / "answers", twin, max_new_tokens=6) as server:
        prompt, first, *_ = ask(server, body={"text": "a lamp"}).data
        ids = [token["id"] for token in prompt["tokens"]]
        opened = {
            t: ask(server, "/open", {"ids": ids, "chosen": first["id"], "temperature": t}).data[0] for t in (0, 2.0)
        }
    model = twin.load_gpt2(folders / "answers")
    with torch.no_grad():
        logits = np.asarray(model(np.array([ids]) if twin is numpy_gpt else torch.tensor([ids])))[0, -1]
    for temperature, reply in ((1.0, opened[0]), (2.0, opened[2.0])):
        p = np.exp((logits - logits.max()) / temperature)
        p /= p.sum()
        best = np.argsort(-p, kind="stable")[:10]
        assert [candidate["id"] for candidate in reply["candidates"]] == best.tolist()
        np.testing.assert_allclose([c["probability"] for c in reply["candidates"]], p[best], rtol=1e-4)
    assert opened[0]["rank"] == 1  # temperature 0 took the likeliest
    attention = np.asarray(twin.attention_maps(model, [ids]))[:, 0, :, -1]
    np.testing.assert_allclose(opened[0]["attention"], attention, atol=1e-4)


def test_the_model_goes_on_from_another_token(server):
    prompt, first, *_ = ask(server, body={"text": "a lamp"}).data
    ids = [token["id"] for token in prompt["tokens"]]
    other = (first["id"] + 1) % 250
    again = ask(server, body={"ids": [*ids, other], "prompt": len(ids)}).data
    assert again[0]["prompt"] == len(ids)
    assert [token["id"] for token in again[0]["tokens"]] == [*ids, other]


def test_a_model_that_does_not_answer_goes_on_with_a_text(folders):
    with serving(folders / "base", max_new_tokens=3) as server:
        assert ask(server, "/model").data[0]["answers"] is False
        prompt = ask(server, body={"text": " a lamp"}).data[0]
    assert "".join(token["text"] for token in prompt["tokens"]) == " a lamp"


def test_the_books_own_checkpoint_can_be_talked_to(tmp_path):
    tokenizer = CharTokenizer("abcdefg")
    cfg = {
        "vocab_size": tokenizer.n_vocab,
        "context_length": 20,
        "emb_dim": 8,
        "n_heads": 2,
        "n_layers": 1,
        "qkv_bias": False,
    }
    torch.save(BookGPT(cfg).float().state_dict(), tmp_path / "model.pth")
    save_tokenizer(tokenizer, tmp_path)
    with serving(tmp_path / "model.pth", n_heads=2) as server:
        assert ask(server, body={"text": "abc"}).data[-1]["end"] in ("context", "finished")


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("/write", {"text": "lamp " * 400}, "at most 63 fit. Ask in fewer words."),
        ("/write", {"text": 7}, "'text' is 7"),
        ("/write", {}, "no key 'text'"),
        ("/write", {"text": "a", "temperature": 9}, "give a number from 0 to 2"),
        ("/write", {"text": "a", "temperature": -1}, "give a number from 0 to 2"),
        ("/write", {"ids": [10**9], "prompt": 1}, "each from 0 to"),
        ("/open", {"ids": [], "chosen": 1}, "give 1 to 64 of them"),
        ("/open", {"ids": [1] * 65, "chosen": 1}, "give 1 to 64 of them"),
        ("/open", {"ids": [1.5], "chosen": 1}, "'ids' is a list of 1"),
        ("/open", {"ids": [1]}, "no key 'chosen'"),
        ("/write", b"[" * 9000, "no JSON"),
        ("/write", b"\xff\xfe", "no JSON"),
        ("/write", [], "no JSON object"),
        ("/write", b'{"text": "a", "temperature": NaN}', "give a number"),
    ],
)
def test_nonsense_is_refused_in_one_sentence(path, body, sentence, server):
    reply = ask(server, path, body)
    assert reply.status == 400
    assert sentence in reply.data[0]["error"]
    assert ask(server, body={"text": "a lamp"}).data[-1]["end"] == "length"  # and the server goes on


# Who is refused


def test_only_this_address_and_this_page_may_ask(server):
    port, body = server.server_address[1], {"text": "a"}
    assert server.server_address[0] == "127.0.0.1"
    for host in (
        "evil.example",
        f"evil.example:{port}",
        "127.0.0.1:1",
        f"127.0.0.1.evil.example:{port}",
        "127.0.0.1",
        "",
    ):
        for path, sent in (("/", None), ("/model", None), ("/write", body), ("/open", body)):
            assert ask(server, path, sent, Host=host).status == 421
    for origin in ("http://evil.example", "null", f"https://127.0.0.1:{port}", "http://127.0.0.1:1", "file://"):
        assert ask(server, body=body, Origin=origin).status == 403
    assert ask(server, body=body, Sec_Fetch_Site="cross-site").status == 403
    assert ask(server, body=body, Host=f"localhost:{port}", Origin=f"http://localhost:{port}").status == 200
    assert ask(server, body=json.dumps(body).encode(), Content_Type="text/plain").status == 415  # needs no preflight


def test_nothing_listens_but_the_loopback(server):
    """Another address of this machine, if it has one, does not reach the server."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
            address = probe.getsockname()[0]
        except OSError:
            pytest.skip("this machine has no address but the loopback's")
    with pytest.raises(OSError):  # noqa: PT011 - refused or timed out, by the system's words
        socket.create_connection((address, server.server_address[1]), timeout=3)


@pytest.mark.parametrize(
    "path",
    [
        "/server.py",
        "/../server.py",
        "/page.html",
        "/..%2fserver.py",
        "//etc/passwd",
        "/style.css/..",
        "/?x",
        "/a" * 900,
    ],
)
def test_no_file_is_reachable_but_the_pages_three(path, server):
    assert ask(server, path).status == 404


def test_the_three_files_are_the_packages_and_allow_nothing_else(server):
    for path, (name, kind) in server_module.FILES.items():
        reply = ask(server, path)
        assert reply.data == (server_module.PAGE / name).read_bytes()
        assert reply.reply.getheader("Content-Type") == kind
        policy = reply.reply.getheader("Content-Security-Policy")
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
    assert ask(server, "/write").status == 404  # by GET
    assert ask(server, "/", {"text": "a"}).status == 404
    assert ask(server, "/write", b"", method="DELETE").status == 501


def test_a_requests_length_is_bounded(server):
    assert ask(server, body={"text": "a"}, Content_Length=str(MOST_BYTES + 1)).status == 413
    assert ask(server, body={"text": "a"}, Content_Length="9" * 5000).status == 413
    assert ask(server, body={"text": "a"}, Content_Length="-1").status == 411
    assert ask(server, body={"text": "a"}, Content_Length="²").status in (400, 411)


def test_a_request_that_breaks_off_ends_nothing(folders):
    head = "POST /write HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    body = json.dumps({"text": "a lamp"})
    with serving(folders / "answers", max_new_tokens=60) as server:
        port = server.server_address[1]
        for sent in (
            "",
            "POST /wri",
            head.format(port=port, length=100) + body,
            head.format(port=port, length=len(body)) + body,
            "\x00\xff\r\n\r\n",
            "GET / HTTP/9.9\r\n\r\n",
        ):
            with socket.create_connection(server.server_address) as client:
                client.sendall(sent.encode("latin-1"))
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")  # closing resets
        idle = [socket.create_connection(server.server_address) for _ in range(5)]  # as browsers open them ahead
        assert ask(server, body={"text": "a lamp"}).data[-1]["end"] in ("length", "finished", "context")
        for connection in idle:
            connection.close()


def test_questions_are_answered_one_after_the_other(folders):
    """Two at once get the answers that each would get alone."""
    with serving(folders / "answers", max_new_tokens=20) as server:
        alone = [ask(server, body={"text": text}).data for text in ("a lamp", "What is it?")]
        together = [None, None]

        def one(number, text):
            together[number] = ask(server, body={"text": text}).data

        threads = [threading.Thread(target=one, args=item) for item in enumerate(("a lamp", "What is it?"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert together == alone


# The command


def test_a_busy_port_is_one_line(server, folders, capsys):
    port = server.server_address[1]
    assert main(numpy_gpt, ["chat", "--web", "--weights", str(folders / "answers"), "--port", str(port)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert f"Port {port} of 127.0.0.1 cannot be listened at" in error
    assert "--port 0" in error
    assert main(numpy_gpt, ["chat", "--web", "--weights", str(folders / "answers"), "--port", "70000"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C of POSIX")
def test_ctrl_c_ends_quietly(folders):
    argv = [sys.executable, "-m", "numpy_gpt", "chat", "--web", "--port", "0", "--weights", str(folders / "answers")]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
    line = process.stdout.readline()
    assert "is at http://127.0.0.1:" in line
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out.strip(), err) == (0, "", "")


# The page in a browser


def test_the_page_by_mouse_on_a_wide_light_screen(folders):
    from selenium.webdriver.common.by import By

    with serving(folders / "answers", max_new_tokens=6) as server, open_browser() as browser:

        def all_of(css):
            return browser.find_elements(By.CSS_SELECTOR, css)

        browser.get(server.url)
        wait_for(lambda: "numpy-gpt" in browser.title)
        browser.find_element(By.ID, "request").send_keys(TYPED)
        browser.find_element(By.ID, "send").click()
        wait_for(lambda: all_of(".text.answer:not(.writing)"))
        assert all_of(".prompt")[0].get_attribute("textContent").strip() == f"Q: {TYPED}\nA:"  # as text, not as HTML
        assert not all_of(".prompt b")
        all_of(".answer .token")[2].click()
        wait_for(lambda: len(all_of("#candidates button")) == 10 and len(all_of("#heads button")) == 2 * 3)
        shown = all_of("#candidates .chosen code")[0].text
        assert shown == all_of(".answer .token")[2].get_attribute("aria-label")

        def looked():
            return [span.value_of_css_property("background-color") for span in all_of(".prompt .token")]

        before = looked()
        assert len(set(before)) > 3  # the head's attention lies over the text
        all_of("#heads button")[4].click()
        wait_for(lambda: looked() != before)
        assert all_of("#heads button")[4].get_attribute("aria-pressed") == "true"
        chance = browser.find_element(By.ID, "chance").text
        browser.execute_script(
            "const t = document.getElementById('temperature'); t.value = 2; t.dispatchEvent(new Event('input'))"
        )
        wait_for(lambda: browser.find_element(By.ID, "chance").text != chance)
        all_of("#candidates button")[3].click()  # the model goes on from another token
        wait_for(lambda: len(all_of(".exchange")) == 2 and not all_of(".writing"))
        assert not browser.find_element(By.ID, "panel").is_displayed()
        assert browser.get_log("browser") == []


def test_the_page_by_keyboard_alone_on_a_dark_phone(folders):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    with (
        serving(folders / "answers", torch_gpt, max_new_tokens=4) as server,
        open_browser(390, 844, dark=True) as browser,
    ):

        def press(*keys):
            for key in keys:
                browser.switch_to.active_element.send_keys(key)

        def focus():
            return browser.switch_to.active_element

        browser.get(server.url)
        wait_for(lambda: "torch-gpt" in browser.title)
        press("a lamp?", Keys.ENTER)
        wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, ".text.answer:not(.writing)"))
        for _ in range(3):  # back from the field, past the slider or not, into the text
            if "token" in (focus().get_attribute("class") or ""):
                break
            press(Keys.SHIFT + Keys.TAB)
        assert "token" in focus().get_attribute("class")
        press(Keys.END, Keys.ARROW_LEFT, Keys.ENTER)
        wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, "#heads button"))
        opened = browser.find_element(By.CSS_SELECTOR, ".token.open")
        assert opened == focus()
        for _ in range(14):
            press(Keys.TAB)
            if (focus().get_attribute("aria-label") or "").startswith("Block"):
                break
        assert focus().get_attribute("aria-label") == "Block 1, head 1"
        press(Keys.ARROW_DOWN, Keys.ARROW_RIGHT)
        assert focus().get_attribute("aria-label") == "Block 2, head 2"
        assert browser.find_element(By.ID, "looked").text.startswith("Block 2, head 2 looked most at")
        wide = browser.execute_script("return [document.documentElement.scrollWidth, window.innerWidth]")
        assert wide[0] <= wide[1] == 390
        ground = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert max(map(int, ground.strip("rgb()").split(","))) < 60
        press(Keys.ESCAPE)
        assert not browser.find_element(By.ID, "panel").is_displayed()
        assert focus() == opened
        assert browser.get_log("browser") == []
