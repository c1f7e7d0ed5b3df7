"""GPT-2's tokenizer: its ids against tiktoken's, and the ways to its vocabulary.

The ways are tried with a small vocabulary in the place of the real one, so they need neither it nor a network.
"""

import functools
import hashlib
import os
import threading
import urllib.error
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parity_tests.texts import FRAGMENTS, SAMPLE, broken_texts, needs_gpt2_vocabulary, texts
from shared_gpt import downloads
from shared_gpt.text import BytePairTokenizer, gpt2, gpt2_tokenizer, load_tokenizer, save_tokenizer
from shared_gpt.text.tokenizer import END_OF_TEXT

FILES = ("vocab.bpe", "encoder.json")


# ---- the real vocabulary ----


@pytest.fixture(scope="module")
def real():
    import tiktoken

    theirs, quick = tiktoken.get_encoding("gpt2"), gpt2_tokenizer()
    ours = BytePairTokenizer(quick.merges, quick.special_tokens, quick.ids)
    return theirs, [ours, quick]


@needs_gpt2_vocabulary
@settings(max_examples=300)
@given(text=texts)
def test_ids_are_tiktokens_on_any_text(real, text):
    theirs, both = real
    expected = theirs.encode(text, disallowed_special=())
    for tokenizer in both:
        assert tokenizer.encode(text) == expected
        assert tokenizer.decode(expected) == text


@needs_gpt2_vocabulary
@settings(max_examples=100)
@given(text=broken_texts, allowed=st.sampled_from(["all", frozenset(), frozenset([END_OF_TEXT])]))
def test_ids_are_tiktokens_on_broken_text_with_and_without_permission(real, text, allowed):
    theirs, both = real
    expected = theirs.encode(text + END_OF_TEXT, allowed_special=allowed, disallowed_special=())
    assert (theirs.eot_token in expected) == bool(allowed)
    for tokenizer in both:
        assert tokenizer.encode(text + END_OF_TEXT, allowed) == expected


@needs_gpt2_vocabulary
@settings(max_examples=100)
@given(ids=st.lists(st.integers(0, 50256), max_size=12))
def test_decoding_any_ids_is_tiktokens(real, ids):
    theirs, both = real
    for tokenizer in both:
        assert tokenizer.decode(ids) == theirs.decode(ids)
        assert tokenizer.decode_bytes(ids) == theirs.decode_bytes(ids)


@needs_gpt2_vocabulary
def test_ids_are_tiktokens_where_unicode_has_grown_since(real):
    """Tokens like b"\\x96\\x9a\\xe5\\xa3\\xab" reach over the border between a newer letter and an older one."""
    from shared_gpt.text.split import _newer

    theirs, both = real
    text = "".join(f"a{c}士 {c}{c}閉1{c}!極 " for c in sorted(_newer))
    assert both[0].encode(text) == both[1].encode(text) == theirs.encode(text)


@needs_gpt2_vocabulary
def test_known_ids(real):
    for tokenizer in real[1]:
        assert (tokenizer.n_vocab, tokenizer.eot) == (50257, 50256)
        assert tokenizer.encode("Hello, I am") == [15496, 11, 314, 716]
        assert tokenizer.encode("Every effort moves you") == [6109, 3626, 6100, 345]
        assert tokenizer.encode(END_OF_TEXT, {END_OF_TEXT}) == [50256]
        assert tokenizer.encode(END_OF_TEXT) == [27, 91, 437, 1659, 5239, 91, 29]
        assert tokenizer.encode(SAMPLE) == real[0].encode(SAMPLE)
        with pytest.raises(ValueError, match="Id 50257 is no token of this vocabulary, whose ids go from 0 to 50256"):
            tokenizer.decode([50257])


@needs_gpt2_vocabulary
def test_white_space_so_long_that_tiktoken_breaks_down(real):
    tokenizer = real[1][1]
    text = "a" + " " * 1_200_000 + "b"
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert ids[-1:] == tokenizer.encode(" b")
    with pytest.raises(ValueError, match="is the string"):
        tokenizer.encode("a", END_OF_TEXT)


# ---- the ways to it ----


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A small vocabulary that passes for GPT-2's; the folder of its files, empty caches, and no network."""
    folder = tmp_path / "files"
    tokenizer = BytePairTokenizer.train(SAMPLE[:5000] + "".join(FRAGMENTS), 400)
    tokenizer.save(folder)
    monkeypatch.setattr(
        gpt2, "SHA256", tuple(hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES)
    )
    monkeypatch.setattr(gpt2, "OPENAI_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(gpt2, "HUGGING_FACE_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(downloads.time, "sleep", lambda seconds: None)
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path / "tiktoken"))
    monkeypatch.setenv("NUMPY_GPT_CACHE", str(tmp_path / "cache"))
    gpt2._tokenizer.cache_clear()
    yield folder, tokenizer
    gpt2._tokenizer.cache_clear()


def in_tiktokens_cache(files: Path, cache: Path) -> None:
    cache.mkdir()
    for name in FILES:
        key = hashlib.sha1(f"{gpt2.OPENAI_URL}/{name}".encode()).hexdigest()
        (cache / key).write_bytes((files / name).read_bytes())


def test_from_a_folder(small):
    folder, tokenizer = small
    text = SAMPLE[:1000] + "".join(FRAGMENTS)
    found = gpt2_tokenizer(folder)
    assert found.encode(text) == tokenizer.encode(text)
    assert found.explain(" the") == tokenizer.explain(" the")
    for old, new in zip(FILES, ("merges.txt", "vocab.json")):
        (folder / old).rename(folder / new)
    assert gpt2_tokenizer(str(folder)).encode(text) == tokenizer.encode(text)
    with pytest.raises(TypeError, match="encode takes text"):
        found.encode(b"the")


def test_from_tiktokens_cache(small, tmp_path, monkeypatch):
    folder, tokenizer = small
    in_tiktokens_cache(folder, tmp_path / "tiktoken")
    assert gpt2_tokenizer().encode(SAMPLE) == tokenizer.encode(SAMPLE)
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR")
    monkeypatch.setenv("DATA_GYM_CACHE_DIR", str(tmp_path / "tiktoken"))
    assert gpt2_tokenizer().encode(SAMPLE) == tokenizer.encode(SAMPLE)


def test_tiktoken_finds_its_cache_where_we_look(monkeypatch, tmp_path):
    import tiktoken.load

    monkeypatch.setattr(tiktoken.load, "read_file", lambda path: b"abc")
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)
    for variable in ("DATA_GYM_CACHE_DIR", "TIKTOKEN_CACHE_DIR"):  # the second is looked at first
        monkeypatch.setenv(variable, str(tmp_path / variable))
        tiktoken.load.read_file_cached(f"{gpt2.OPENAI_URL}/vocab.bpe")
        seen = [path.name for path in gpt2.tiktoken_cache().iterdir()]
        assert seen == [hashlib.sha1(f"{gpt2.OPENAI_URL}/vocab.bpe".encode()).hexdigest()]


def test_downloaded_once(small, tmp_path, monkeypatch):
    folder, tokenizer = small

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            asked.append(self.path)

    asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(gpt2, "OPENAI_URL", f"http://127.0.0.1:{server.server_port}")
        assert gpt2_tokenizer().encode(SAMPLE) == tokenizer.encode(SAMPLE)
        server.shutdown()
    assert asked == ["/vocab.bpe", "/encoder.json"]
    gpt2._tokenizer.cache_clear()
    assert gpt2_tokenizer().encode(SAMPLE) == tokenizer.encode(SAMPLE)
    assert sorted(path.name for path in (tmp_path / "cache" / "gpt2").iterdir() if path.suffix != ".lock") == sorted(
        FILES
    )


def test_with_none_of_them_one_error_says_the_three_ways(small, tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        gpt2_tokenizer()
    for way in ("a folder with vocab.bpe and encoder.json", "TIKTOKEN_CACHE_DIR set to", "a network to download"):
        assert way in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(tmp_path / "tiktoken") in str(caught.value)


def test_where_nobody_answers_each_address_is_tried_once(small, monkeypatch):
    tried = []

    def nobody(request, timeout):
        tried.append((request.full_url, timeout))
        raise urllib.error.URLError(TimeoutError("timed out"))

    monkeypatch.setattr(downloads.urllib.request, "urlopen", nobody)
    monkeypatch.setattr(gpt2, "HUGGING_FACE_URL", "http://127.0.0.1:10")
    with pytest.raises(FileNotFoundError, match="Three ways"):
        gpt2_tokenizer()
    assert tried == [("http://127.0.0.1:9/vocab.bpe", 20), ("http://127.0.0.1:10/merges.txt", 20)]


def test_a_spoilt_cache_is_none(small, tmp_path):
    folder, _ = small
    (folder / "encoder.json").write_bytes((folder / "encoder.json").read_bytes()[:-1])
    in_tiktokens_cache(folder, tmp_path / "tiktoken")
    with pytest.raises(FileNotFoundError, match="Three ways"):
        gpt2_tokenizer()


def test_a_folder_without_the_files_or_with_another_vocabulary_is_refused(small, tmp_path):
    folder, _ = small
    with pytest.raises(FileNotFoundError, match=r"does not hold both vocab\.bpe and encoder\.json"):
        gpt2_tokenizer(tmp_path)
    BytePairTokenizer.train(SAMPLE[:3000], 400).save(folder)
    with pytest.raises(ValueError, match=r"another vocabulary than GPT-2's .*BytePairTokenizer\.load"):
        gpt2_tokenizer(folder)


def test_other_ids_for_the_same_merges_are_refused(small):
    folder, tokenizer = small
    ids = tokenizer.ids | {b"!": tokenizer.ids[b"?"], b"?": tokenizer.ids[b"!"]}
    BytePairTokenizer(tokenizer.merges, tokenizer.special_tokens, ids).save(folder)
    with pytest.raises(ValueError, match="another vocabulary than GPT-2's"):
        gpt2_tokenizer(folder)


def test_a_run_records_only_that_it_is_gpt2s(small, tmp_path):
    folder, tokenizer = small
    path = save_tokenizer(gpt2_tokenizer(folder), tmp_path / "run")
    assert path.stat().st_size < 500
    back = load_tokenizer(tmp_path / "run")
    assert back.encode(SAMPLE) == tokenizer.encode(SAMPLE)
    assert repr(back) == f"gpt2_tokenizer({str(folder)!r})"
    in_tiktokens_cache(folder, tmp_path / "tiktoken")
    folder.rename(tmp_path / "elsewhere")  # the folder is gone, another way is open
    assert load_tokenizer(tmp_path / "run").encode(SAMPLE) == tokenizer.encode(SAMPLE)
    for file in (tmp_path / "tiktoken").iterdir():
        os.remove(file)
    with pytest.raises(FileNotFoundError, match="Three ways"):
        load_tokenizer(tmp_path / "run")
