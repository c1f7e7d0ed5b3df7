"""Token files: the ids of the whole text, at flat memory, whole or not there, and refused when they are not ours."""

import os
import signal
import struct
import subprocess
import sys
import threading
import tracemalloc
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import tiktoken
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared_gpt.text import token_file
from shared_gpt.text.bpe import BytePairTokenizer
from shared_gpt.text.characters import CharTokenizer
from shared_gpt.text.corpora import load_text
from shared_gpt.text.simple import SimpleTokenizerV2, build_vocab
from shared_gpt.text.split import split
from shared_gpt.text.token_file import (
    LAYOUT,
    MAGIC,
    load_tokens,
    open_tokens,
    prepare,
    read_header,
    tokenizer_fingerprint,
    whole_words,
)

LINE = "It's the dog's 3 bones, and they'll   be theirs:\tnaïve 語 café!\n\n"
CORPUS = LINE * 40 + "the cat sat on the mat. " * 40
# Where GPT-2's pattern, Python's white space and the simple tokenizers' words could part ways.
TRICKY = (
    st.text(st.sampled_from(list(" \n\t\r\x0b\x0c\x1c\x1f\x85\xa0\u2003\u3000'sdtlvre.-_a1é語😀\u0301\u200d")))
    | st.text()
)
WORDS = st.lists(
    st.sampled_from([" ", "\n", "  ", "'", "'s", "we'll", "<|endoftext|>", "<|end", "a--b", "1 2", "\x1d"])
)


@pytest.fixture(scope="module")
def bpe():
    return BytePairTokenizer.train(CORPUS, 400)


def cut_at(text, places):
    places = sorted({0, len(text), *(place % (len(text) + 1) for place in places)})
    return [text[a:b] for a, b in pairwise(places)]


class WideTokenizer:
    """Characters as ids: more of them than uint16 holds."""

    kind, n_vocab, eot = "wide", 70_000, None

    def encode(self, text, allowed_special=frozenset()):
        return list(map(ord, text))

    def decode_bytes(self, ids):
        return self.decode(ids).encode("utf-8", "surrogatepass")

    def decode(self, ids):
        return "".join(map(chr, ids))

    def to_dict(self):
        return {}


# ---- cutting ----


@settings(max_examples=150)
@given(text=TRICKY, places=st.lists(st.integers(0)))
@example(text="a \x1c b", places=[2])
@example(text="we'll  go", places=[2, 5, 6])
def test_cut_pieces_hold_the_tokens_of_the_whole(bpe, text, places):
    pieces = list(whole_words(cut_at(text, places)))
    assert "".join(pieces) == text
    assert [word for piece in pieces for word in split(piece)] == split(text)
    assert [i for piece in pieces for i in bpe.encode(piece)] == bpe.encode(text)


@settings(max_examples=150)
@given(words=WORDS, places=st.lists(st.integers(0)))
def test_cut_pieces_keep_special_tokens_whole(bpe, words, places):
    text, special = "".join(words), {"<|endoftext|>"}
    pieces = list(whole_words(cut_at(text, places)))
    assert [i for piece in pieces for i in bpe.encode(piece, special)] == bpe.encode(text, special)


@settings(max_examples=150)
@given(text=TRICKY, places=st.lists(st.integers(0)))
def test_cut_pieces_hold_the_words_of_the_simple_tokenizers(text, places):
    simple = SimpleTokenizerV2(build_vocab(CORPUS))
    pieces = list(whole_words(cut_at(text, places)))
    assert [i for piece in pieces for i in simple.encode(piece)] == simple.encode(text)


@settings(max_examples=150)
@given(text=TRICKY, places=st.lists(st.integers(0)))
def test_cut_pieces_hold_the_ids_of_tiktoken(text, places):
    judge = tiktoken.Encoding(
        "bytes and some pairs",
        pat_str=r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s",
        mergeable_ranks={bytes([i]): i for i in range(256)}
        | {b"  ": 256, b" a": 257, b"'l": 258, b"'ll": 259, b"\n\n": 260},
        special_tokens={},
    )
    text = text.encode("utf-8", "replace").decode("utf-8")
    pieces = list(whole_words(cut_at(text, places)))
    assert [i for piece in pieces for i in judge.encode_ordinary(piece)] == judge.encode_ordinary(text)


LITTLE_SPACE = st.text(st.sampled_from(list("ab9é語かカ한\u3099'sdl,.;:!?)\"。，、」<|-_\u0301😀 ")))
LITTLE_SPACE = LITTLE_SPACE | st.lists(
    st.sampled_from(["<|endoftext|>", "we'll", "語。", "a.", "<|", "|>", "...", "  "])
).map("".join)


@settings(max_examples=300)
@given(text=LITTLE_SPACE, places=st.lists(st.integers(0)))
def test_finer_cuts_change_no_id(bpe, text, places):
    special = {"<|endoftext|>"}
    characters = CharTokenizer(text + "a", end_of_text=True)
    for tokenizer in (bpe, characters):
        pieces = list(whole_words(cut_at(text, places), tokenizer.kind))
        assert "".join(pieces) == text
        assert [i for piece in pieces for i in tokenizer.encode(piece, special)] == tokenizer.encode(text, special)
    pieces = list(whole_words(cut_at(text, places), "gpt2"))
    assert [word for piece in pieces for word in split(piece)] == split(text)


@pytest.mark.parametrize(
    ("sentence", "kind"), [("語も字。", "gpt2"), ("one,two.", "byte-pair"), ("ACGT", "characters")]
)
def test_a_text_without_spaces_is_cut_all_the_same(sentence, kind):
    pieces = list(whole_words([sentence * 1000] * 20, kind))
    assert len(pieces) > 15
    assert max(map(len, pieces)) < 3 * 1000 * len(sentence)
    assert len(list(whole_words([sentence * 1000] * 20))) == 1


def test_a_word_of_millions_of_letters_is_one_line(tmp_path, bpe):
    (tmp_path / "long.txt").write_text("a" * 2_500_000, encoding="utf-8")
    with pytest.raises(ValueError, match=r"long\.txt: More than 2,000,000 characters stand without a space") as caught:
        prepare(tmp_path / "long.txt", bpe, tmp_path / "tokens.bin", progress=False)
    assert "\n" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["long.txt"]
    characters = CharTokenizer("a")
    assert prepare(tmp_path / "long.txt", characters, tmp_path / "tokens.bin", progress=False).count == 2_500_000


def test_cuts_come_as_soon_as_they_can():
    assert list(whole_words(["one tw", "o", " three", "  four "])) == ["one", " two", " three  four", " "]


# ---- preparing ----


@pytest.mark.parametrize("piece_bytes", [1, 7, 100, 1 << 20])
@pytest.mark.parametrize("kind", ["bpe", "characters", "simple", "wide"])
def test_a_token_file_holds_the_ids_of_the_whole_text(tmp_path, monkeypatch, bpe, kind, piece_bytes):
    monkeypatch.setattr(token_file, "PIECE_BYTES", piece_bytes)
    for name in ("a", "b"):
        (tmp_path / f"{name}.txt").write_text(f"{name}: {CORPUS[:500]}  ", encoding="utf-8", newline="")
    separator = "<|endoftext|>" if kind in ("bpe", "simple") else "\n\n"
    text = load_text(tmp_path, separator)
    tokenizer = {
        "bpe": bpe,
        "characters": CharTokenizer(text),
        "simple": SimpleTokenizerV2(build_vocab(text)),
        "wide": WideTokenizer(),
    }[kind]
    header = prepare(tmp_path, tokenizer, tmp_path / "tokens", progress=False)
    tokens = open_tokens(tmp_path / "tokens")
    assert tokens.tolist() == tokenizer.encode(text, allowed_special={separator})
    assert header == read_header(tmp_path / "tokens")
    assert (header.count, header.vocab_size) == (len(tokens), tokenizer.n_vocab)
    assert tokens.dtype == (np.uint32 if kind == "wide" else np.uint16)
    assert (tokenizer.eot in tokens) == (kind in ("bpe", "simple"))


def test_prepare_shows_progress_and_leaves_one_file(tmp_path, bpe, capsys):
    (tmp_path / "text.txt").write_text(CORPUS.replace("\n", "\r\n"), encoding="utf-8", newline="")
    prepare(tmp_path / "text.txt", bpe, tmp_path / "tokens")
    assert "encoding" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["text.txt", "tokens"]
    assert bpe.decode(open_tokens(tmp_path / "tokens")) == CORPUS


def test_preparing_takes_the_same_memory_for_four_times_the_text(tmp_path, monkeypatch, bpe):
    monkeypatch.setattr(token_file, "PIECE_BYTES", 1 << 12)

    def peak(times):
        (tmp_path / "text.txt").write_text(CORPUS * times, encoding="utf-8")
        tracemalloc.start()
        prepare(tmp_path / "text.txt", bpe, tmp_path / "tokens", progress=False)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(1)  # what is imported and kept once
    small, large = peak(50), peak(200)
    assert large < 1.5 * small
    assert large < len(CORPUS) * 100  # half of the text, to say nothing of its ids


def test_load_tokens_takes_text_and_token_files(tmp_path, bpe):
    (tmp_path / "text.txt").write_text(CORPUS, encoding="utf-8")
    prepare(tmp_path / "text.txt", bpe, tmp_path / "tokens", progress=False)
    from_text, from_file = load_tokens(tmp_path / "text.txt", bpe), load_tokens(tmp_path / "tokens", bpe)
    assert from_text.tolist() == from_file.tolist() == bpe.encode(CORPUS)
    assert from_text.dtype == from_file.dtype == np.uint16
    assert isinstance(from_file, np.memmap)
    assert len(load_tokens("stories", bpe)) > 10_000


# ---- nothing half-written ----


class Stops(CharTokenizer):
    """A tokenizer that fails on its third piece of text."""

    def __init__(self, failure):
        super().__init__(CORPUS)
        self.failure, self.left = failure, 2

    def encode(self, text, allowed_special=frozenset()):
        self.left -= 1
        if self.left < 0:
            raise self.failure
        return super().encode(text, allowed_special)


@pytest.mark.parametrize("before", [None, b"what was there before"])
@pytest.mark.parametrize("failure", [KeyboardInterrupt(), MemoryError()])
def test_an_interruption_leaves_what_was_there(tmp_path, monkeypatch, failure, before):
    monkeypatch.setattr(token_file, "PIECE_BYTES", 100)
    (tmp_path / "text.txt").write_text(CORPUS, encoding="utf-8")
    if before:
        (tmp_path / "tokens").write_bytes(before)
    with pytest.raises(type(failure)):
        prepare(tmp_path / "text.txt", Stops(failure), tmp_path / "tokens", progress=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["text.txt", *(["tokens"] if before else [])]
    assert not before or (tmp_path / "tokens").read_bytes() == before


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_kill_leaves_no_file_under_the_final_name(tmp_path):
    (tmp_path / "text.txt").write_text(CORPUS, encoding="utf-8")
    program = f"""if True:
        import os, signal
        from shared_gpt.text import token_file
        from shared_gpt.text.characters import CharTokenizer
        class Killed(CharTokenizer):
            def encode(self, text, allowed_special=frozenset()):
                if "mat" in text:
                    os.kill(os.getpid(), signal.SIGKILL)
                return super().encode(text)
        token_file.PIECE_BYTES = 100
        source = {str(tmp_path / "text.txt")!r}
        token_file.prepare(source, Killed(open(source, encoding="utf-8").read()), {str(tmp_path / "tokens")!r}, False)
    """
    done = subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[1], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "tokens").exists()
    assert len(list(tmp_path.glob(".tokens.*.part"))) == 1  # it was in the middle of writing


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, the disk that is always full")
def test_a_full_disk_names_the_file(tmp_path, bpe):
    (tmp_path / "text.txt").write_text(CORPUS, encoding="utf-8")
    (tmp_path / f".tokens.{os.getpid()}.{threading.get_ident()}.part").symlink_to("/dev/full")
    with pytest.raises(OSError, match=r"No space left on device: .*tokens'"):
        prepare(tmp_path / "text.txt", bpe, tmp_path / "tokens", progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["text.txt"]


@pytest.mark.parametrize("text", ["", " \n"])
def test_empty_text_leaves_nothing(tmp_path, bpe, text):
    (tmp_path / "text.txt").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="holds no text"):
        prepare(tmp_path / "text.txt", bpe, tmp_path / "tokens", progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["text.txt"]


def test_bytes_that_are_not_utf8_leave_nothing(tmp_path, monkeypatch, bpe):
    monkeypatch.setattr(token_file, "PIECE_BYTES", 10)
    (tmp_path / "text.txt").write_bytes(b"a long enough beginning \xff")
    with pytest.raises(ValueError, match=r"text\.txt is not UTF-8: byte 0xff at offset 24"):
        prepare(tmp_path / "text.txt", bpe, tmp_path / "tokens", progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["text.txt"]


def test_an_output_that_cannot_be_is_refused_first(tmp_path, bpe):
    (tmp_path / "text.txt").write_text(CORPUS, encoding="utf-8")
    for out in (tmp_path, tmp_path / "no" / "tokens"):
        with pytest.raises(FileNotFoundError, match="cannot be a token file"):
            prepare(tmp_path / "text.txt", bpe, out, progress=False)
    with pytest.raises(ValueError, match="is the text itself"):
        prepare(tmp_path, bpe, tmp_path / "text.txt", progress=False)
    assert (tmp_path / "text.txt").read_text(encoding="utf-8") == CORPUS


@pytest.mark.parametrize("bad", [-1, 300, 70_000])
def test_ids_outside_the_vocabulary_are_refused(tmp_path, bad):
    class Wrong(BytePairTokenizer):
        def encode(self, text, allowed_special=frozenset()):
            return [1, bad, 2]

    (tmp_path / "text.txt").write_text("hello", encoding="utf-8")
    with pytest.raises(ValueError, match=f"{bad}, outside the vocabulary of 0 to 256"):
        prepare(tmp_path / "text.txt", Wrong([]), tmp_path / "tokens", progress=False)
    assert not (tmp_path / "tokens").exists()


# ---- opening ----


@pytest.fixture
def prepared(tmp_path, bpe):
    (tmp_path / "text.txt").write_text(CORPUS, encoding="utf-8")
    prepare(tmp_path / "text.txt", bpe, tmp_path / "tokens", progress=False)
    return tmp_path / "tokens"


@pytest.mark.parametrize("size", [0, 4, 8, 63, 64, 65, -1, -2, 10_000_000])
def test_a_file_of_another_size_is_refused(prepared, size):
    with open(prepared, "r+b") as file:
        file.truncate(size if size >= 0 else prepared.stat().st_size + size)
    with pytest.raises(ValueError, match=r"tokens (is no token file|is cut short|has \d+ bytes where)"):
        open_tokens(prepared)


@given(data=st.binary(max_size=200))
def test_other_files_are_refused(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "other"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"is no token file|is cut short|is of version|promises"):
        open_tokens(path)


@pytest.mark.parametrize(
    ("version", "itemsize", "count", "message"),
    [
        (2, 2, 10, "is of version 2"),
        (1, 8, 10, "8 bytes per id"),
        (1, 2, 2**63, "promises"),
        (1, 4, 10, "has 84 bytes where its header of 10 ids promises 104"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(tmp_path, version, itemsize, count, message):
    path = tmp_path / "tokens"
    path.write_bytes(LAYOUT.pack(MAGIC, version, itemsize, count, 256, bytes(32)) + bytes(20))
    with pytest.raises(ValueError, match=message):
        open_tokens(path)


def test_the_header_is_as_documented(prepared, bpe):
    raw = prepared.read_bytes()
    assert raw[:8] == b"GPTTOKEN"
    assert struct.unpack("<IIQQ", raw[8:32]) == (1, 2, len(bpe.encode(CORPUS)), bpe.n_vocab)
    assert raw[32:64] == tokenizer_fingerprint(bpe)


def test_another_tokenizers_file_is_refused(tmp_path, prepared, bpe):
    same = BytePairTokenizer(bpe.merges)
    assert open_tokens(prepared, same).tolist() == open_tokens(prepared).tolist()
    smaller = BytePairTokenizer(bpe.merges[:-1])
    as_large = BytePairTokenizer([*bpe.merges[:-1], (b"q", b"q")])
    assert as_large.n_vocab == bpe.n_vocab
    for other in (smaller, as_large):
        with pytest.raises(ValueError, match="prepared with another tokenizer"):
            open_tokens(prepared, other)


def test_an_open_file_cannot_be_written_through(prepared):
    with pytest.raises(ValueError, match="read-only"):
        open_tokens(prepared)[0] = 1
