"""Corpora: what a source is, how its bytes become text, and downloads against a server that misbehaves on order."""

import hashlib
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared_gpt import downloads
from shared_gpt.downloads import DownloadError, cache_folder, fetch
from shared_gpt.text import corpora, load_instructions, load_labels
from shared_gpt.text.corpora import CORPORA, Download, load_text, read_pieces, source_path, text_files

BODY = bytes(i * i % 251 for i in range(200_000))
SHA256 = hashlib.sha256(BODY).hexdigest()


# ---- text ----


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("text") / "file.txt"


@settings(max_examples=100)
@given(text=st.text(st.sampled_from("ab é語😀\r\n\ufeff")), piece_bytes=st.integers(1, 9))
def test_pieces_join_to_what_python_reads(scratch, text, piece_bytes):
    scratch.write_bytes(text.encode("utf-8"))
    assert "".join(read_pieces(scratch, piece_bytes)) == scratch.read_text(encoding="utf-8-sig")


@settings(max_examples=100)
@given(before=st.text(), bad=st.sampled_from([b"\xff", b"\xc3", b"\xe2\x82", b"\x80"]), piece_bytes=st.integers(1, 9))
def test_a_byte_that_is_not_utf8_is_named(scratch, before, bad, piece_bytes):
    scratch.write_bytes(before.encode("utf-8") + bad + b"(")
    with pytest.raises(
        ValueError, match=f"file.txt is not UTF-8: byte 0x{bad[0]:02x} at offset {len(before.encode())} "
    ):
        list(read_pieces(scratch, piece_bytes))


def test_an_end_in_the_middle_of_a_character_is_named(scratch):
    scratch.write_bytes(b"caf\xc3")
    with pytest.raises(ValueError, match=r"byte 0xc3 at offset 3 \(unexpected end of data\)"):
        load_text(scratch)


def test_a_folder_is_its_text_files_in_order(tmp_path):
    (tmp_path / "b").mkdir()
    for name, text in {
        "b/one.txt": "third",
        "a10.txt": "first",
        "a9.TXT": "second",
        "empty.txt": "",
        ".hidden.txt": "no",
        "picture.png": "no",
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert load_text(tmp_path) == "first<|endoftext|>second<|endoftext|>third"
    assert load_text(str(tmp_path), separator="\n\n") == "first\n\nsecond\n\nthird"


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_empty_text_is_refused(tmp_path, text):
    (tmp_path / "empty.txt").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"empty\.txt' holds no text"):
        load_text(tmp_path / "empty.txt")


def test_a_folder_without_text_files_is_refused(tmp_path):
    (tmp_path / "empty.txt").write_text("", encoding="utf-8")
    with pytest.raises(FileNotFoundError, match=r"holds no \.txt file with text"):
        load_text(tmp_path)


@pytest.mark.parametrize("source", ["storeis", "", "no/such/file.txt", Path("stories")])
def test_an_unknown_source_hears_the_names(source):
    with pytest.raises(FileNotFoundError, match="the names are stories, marren, the-verdict, tiny-shakespeare"):
        load_text(source)


def test_the_stories_ship():
    text = load_text("stories")
    assert len(text) > 50_000
    assert "\r" not in text
    assert text == text.encode("utf-8").decode("utf-8")


def test_the_village_is_its_stories_and_its_textbook():
    stories, textbook = load_text("marren").split("<|endoftext|>")
    assert stories == load_text("stories")
    assert "The opposite of 'hot' is 'cold'." in textbook


# ---- downloads ----


class Server(ThreadingHTTPServer):
    """Serves BODY under every path, in the ways listed in `faults`: one taken by each request, then none."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.faults: list[str] = []
        self.ranges: list[str | None] = []
        self.ignores_range = False
        self.always: str | None = None

    def url(self, path="file.bin"):
        return f"http://127.0.0.1:{self.server_port}/{path}"


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        server = self.server
        asked = self.headers["Range"]
        server.ranges.append(asked)
        fault = server.always or (server.faults.pop(0) if server.faults else "")
        if "missing" in self.path:
            fault = "404"
        if fault.isdigit():
            return self.send_error(int(fault))
        body = BODY[::-1] if fault == "wrong" or "wrong" in self.path else BODY
        if fault == "redirect":
            self.send_response(302)
            self.send_header("Location", "http://[")
            return self.end_headers()
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and not server.ignores_range else 0
        if start >= len(body):
            return self.send_error(416)
        self.send_response(206 if start else 200)
        if start:
            shown = start + 7 if fault == "other range" else start
            self.send_header("Content-Range", f"bytes {shown}-{len(body) - 1}/{len(body)}")
        if fault.startswith("length "):
            self.send_header("Content-Length", fault.removeprefix("length "))
        elif fault != "no length":
            self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        rest = body[start:]
        self.wfile.write(rest[: len(rest) // 2] if fault == "cut" else rest)
        self.wfile.flush()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


def get(folder, *urls, sha256=SHA256):
    return fetch("file.bin", urls, sha256, folder, wait=0.001)


def left_in(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


def test_a_file_is_downloaded_once(server, tmp_path):
    path = get(tmp_path / "new" / "folder", server.url())
    assert path.read_bytes() == BODY
    assert get(tmp_path / "new" / "folder", server.url()) == path
    assert server.ranges == [None]
    assert left_in(path.parent) == ["file.bin"]


def test_a_download_cut_off_is_resumed(server, tmp_path):
    server.faults = ["cut", "cut", "cut", "cut", "cut"]  # each brings new bytes, so none is the last attempt
    assert get(tmp_path, server.url()).read_bytes() == BODY
    assert server.ranges[:3] == [None, "bytes=100000-", "bytes=150000-"]
    assert left_in(tmp_path) == ["file.bin"]


def test_a_later_call_resumes(server, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(BODY[:1234])
    assert get(tmp_path, server.url()).read_bytes() == BODY
    assert server.ranges == ["bytes=1234-"]


def test_a_whole_part_needs_no_request(server, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(BODY)
    assert get(tmp_path, server.url()).read_bytes() == BODY
    assert server.ranges == []


@pytest.mark.parametrize("part", [b"rubbish", BODY + b"more", BODY[::-1]])
def test_a_part_of_something_else_is_thrown_away(server, tmp_path, part):
    (tmp_path / "file.bin.part").write_bytes(part)
    assert get(tmp_path, server.url()).read_bytes() == BODY
    assert server.ranges == [f"bytes={len(part)}-", None]


def test_a_server_that_ignores_ranges_sends_it_all_again(server, tmp_path):
    server.ignores_range = True
    server.faults = ["cut"]
    assert get(tmp_path, server.url()).read_bytes() == BODY
    assert server.ranges == [None, "bytes=100000-"]


def test_a_server_that_answers_another_range_is_not_believed(server, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(BODY[:5000])
    server.faults = ["other range"]
    assert get(tmp_path, server.url()).read_bytes() == BODY
    assert server.ranges == ["bytes=5000-", "bytes=5000-"]  # what was there is kept, and asked for again


def test_a_server_that_tells_no_length_is_checked_by_the_sum(server, tmp_path):
    server.faults = ["no length"]
    assert get(tmp_path, server.url()).read_bytes() == BODY


@pytest.mark.parametrize(
    "length", ["abc", "-5", "\u00b2", "9" * 5000]
)  # a raised 2 is a digit to Python, and no number
def test_a_length_that_is_no_number_is_told_with_its_address(server, tmp_path, length):
    server.always = f"length {length}"
    with pytest.raises(DownloadError) as caught:
        get(tmp_path, server.url())
    shown = repr(length[:40])
    assert f"{server.url()}: the server's Content-Length is {shown}, which is no number of bytes" in str(caught.value)


def test_an_address_that_is_none_is_told_with_the_one_that_led_there(server, tmp_path):
    server.always = "redirect"
    with pytest.raises(DownloadError, match=f"{server.url()}: .*Invalid IPv6 URL"):
        get(tmp_path, server.url())


def test_where_no_byte_comes_no_empty_line_is_shown(server, tmp_path, capsys):
    server.always = "404"
    with pytest.raises(DownloadError):
        get(tmp_path, server.url())
    assert capsys.readouterr() == ("", "")
    server.always = None
    get(tmp_path, server.url())
    assert "file.bin" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_source_that_never_ends_or_comes_once_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for load in (load_text, load_labels, load_instructions, text_files):
        for source in (tmp_path / "pipe", os.devnull):
            with pytest.raises(ValueError, match="is neither a file nor a folder; save what it gives in a file"):
                load(source)


def test_wrong_bytes_are_never_kept(server, tmp_path):
    with pytest.raises(
        DownloadError, match=r"file\.bin could not be downloaded .*SHA-256 .*put the file by hand at .*file\.bin"
    ):
        get(tmp_path, server.url("wrong"))
    assert server.ranges == [None]
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("first", ["missing", "wrong"])
def test_the_second_address_is_tried(server, tmp_path, first):
    assert get(tmp_path, server.url(first), server.url()).read_bytes() == BODY
    assert server.ranges == [None, None]


def test_a_server_error_is_tried_again(server, tmp_path):
    server.faults = ["500", "503"]
    assert get(tmp_path, server.url()).read_bytes() == BODY
    assert len(server.ranges) == 3


def test_every_failure_is_told(server, tmp_path):
    server.always = "500"
    with pytest.raises(DownloadError) as caught:
        get(tmp_path, server.url("a"), server.url("missing"), "http://127.0.0.1:1/nobody")
    assert f"{server.url('a')}: HTTP 500" in str(caught.value)
    assert f"{server.url('missing')}: HTTP 404" in str(caught.value)
    assert "http://127.0.0.1:1/nobody: " in str(caught.value)
    assert str(tmp_path / "file.bin") in str(caught.value)
    assert len(server.ranges) == downloads.ATTEMPTS + 1


def test_a_server_that_always_cuts_at_the_same_place_is_given_up(server, tmp_path):
    server.always, server.ignores_range = "cut", True
    with pytest.raises(DownloadError, match="broke off after 100000 of 200000 bytes"):
        get(tmp_path, server.url())
    assert left_in(tmp_path) == ["file.bin.part"]


def test_several_at_once_download_once(server, tmp_path):
    paths = []
    threads = [threading.Thread(target=lambda: paths.append(get(tmp_path, server.url()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.read_bytes() == BODY for path in paths] == [True] * 4
    assert server.ranges == [None]


def test_a_file_laid_by_hand_is_taken_or_refused(server, tmp_path):
    (tmp_path / "file.bin").write_bytes(BODY)
    assert get(tmp_path, server.url()) == tmp_path / "file.bin"
    (tmp_path / "file.bin").write_bytes(b"something else")
    with pytest.raises(ValueError, match=r"file\.bin has SHA-256 .*; delete it"):
        get(tmp_path, server.url())
    assert (tmp_path / "file.bin").read_bytes() == b"something else"
    assert server.ranges == []


def test_a_folder_that_cannot_be_is_named(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(DownloadError, match=r"cannot be written .*NUMPY_GPT_CACHE"):
        get(tmp_path / "file", "http://127.0.0.1:1/nobody")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, the disk that is always full")
def test_a_full_disk_is_not_taken_for_a_network_failure(server, tmp_path):
    (tmp_path / "file.bin.part").symlink_to("/dev/full")
    with pytest.raises(DownloadError, match=r"file\.bin\.part cannot be written \(No space left on device\)"):
        get(tmp_path, server.url())
    assert len(server.ranges) == 1


def test_the_cache_folder_can_be_chosen(monkeypatch, tmp_path):
    monkeypatch.setenv("NUMPY_GPT_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("NUMPY_GPT_CACHE")
    assert "numpy_gpt" in str(cache_folder())


def test_a_name_is_downloaded_into_the_cache(server, monkeypatch, tmp_path):
    text = BODY.hex().encode("ascii")
    monkeypatch.setenv("NUMPY_GPT_CACHE", str(tmp_path))
    monkeypatch.setattr(sys.modules[__name__], "BODY", text)
    entry = Download("body.txt", hashlib.sha256(text).hexdigest(), (server.url("missing"), server.url()))
    monkeypatch.setitem(corpora.CORPORA, "body", entry)
    assert load_text("body") == text.decode("ascii")
    assert source_path("body") == tmp_path / "body.txt"
    assert server.ranges == [None, None]


@pytest.mark.parametrize("name", ["the-verdict", "tiny-shakespeare"])
def test_the_real_files_pass_the_check(name, monkeypatch):
    folder = os.environ.get("NUMPY_GPT_TEST_DATA")
    if not folder or not (Path(folder) / CORPORA[name].file).exists():
        pytest.skip(f"needs {CORPORA[name].file} in the folder that NUMPY_GPT_TEST_DATA names")
    monkeypatch.setenv("NUMPY_GPT_CACHE", folder)
    assert load_text(name).startswith({"the-verdict": "I HAD always", "tiny-shakespeare": "First Citizen:"}[name])
