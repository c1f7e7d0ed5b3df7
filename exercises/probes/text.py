"""Trials of the text exercises: words, vocabularies, byte pairs, windows."""

from itertools import pairwise

import numpy as np

from exercises.trial import Trial
from shared_gpt.checkpoints import names
from shared_gpt.text import instructions, simple, windows
from shared_gpt.text.bpe import tokenizer, training

_WORDS = "the cat sat on a mat and saw two boats near Marren harbour , where it rained ."
WORDS = _WORDS.split()
SIGNS = [",", ".", "!", "?", "--", ";", ":", '"', "'", "(", ")", "_"]
LETTERS = "abcdeé"


def sentence(t: Trial, length: int = 12) -> str:
    """Words, signs and white space, drawn."""
    chosen = [str(t.rng.choice(WORDS if t.rng.random() < 0.7 else SIGNS)) for _ in range(length)]
    return "".join(word + str(t.rng.choice([" ", "  ", "\n", ""])) for word in chosen)


def split_words(t: Trial) -> None:
    for text in ("Hello, world. Is this-- a test?", "", " \n ", "a--b 'c' (d_e)", sentence(t), sentence(t, 30)):
        t.call("split_words", simple.split_words, text, when=f" for {text[:40]!r}")


def build_vocab(t: Trial) -> None:
    for text in ("b a, b a c", sentence(t), sentence(t, 40)):
        t.call("build_vocab", simple.build_vocab, text, when=f" for {text[:40]!r}")


def simple_tokenizer_v1(t: Trial) -> None:
    text = sentence(t, 30) + " cat"
    own = simple.SimpleTokenizerV1(simple.build_vocab(text))
    for part in ("cat", text, text[: len(text) // 2].rsplit(maxsplit=1)[0]):
        t.call("SimpleTokenizerV1.encode", own.encode, part, when=f" for {part[:40]!r}")
    t.raises("SimpleTokenizerV1.encode", own.encode, "cat zebra", when="for a word that the vocabulary lacks")
    ids = [int(i) for i in t.rng.integers(0, own.n_vocab, 15)]
    for part in (ids[:1], ids, []):
        t.call("SimpleTokenizerV1.decode", own.decode, part, when=f" for {len(part)} ids")
    signs = simple.SimpleTokenizerV1({sign: i for i, sign in enumerate([",", ".", "?", "'", "(", ")", "--", "a"])})
    t.call("SimpleTokenizerV1.decode", signs.decode, [7, 0, 7, 1, 3, 4, 7, 5, 6, 7, 2], when=" for punctuation marks")


def simple_tokenizer_v2(t: Trial) -> None:
    own = simple.SimpleTokenizerV2(simple.build_vocab(sentence(t, 20) + " cat"))
    for word in ("cat", "zebra", "<|endoftext|>", "", "Cat"):
        t.call("SimpleTokenizerV2._id", own._id, word, when=f" for {word!r}")
    t.call("SimpleTokenizerV2._id", own.encode, "a zebra, and the cat!", when=" inside encode")


def drawn_bytes(t: Trial, length: int) -> list[bytes]:
    text = "".join(t.rng.choice(list(LETTERS), length))
    return [bytes([byte]) for byte in text.encode()]


def join_pair(t: Trial) -> None:
    a, b, c = b"a", b"b", b"c"
    for parts, pair in (
        ([a, b, c, a, b], (a, b)),
        ([a, a, a], (a, a)),
        ([a, a, a, a], (a, a)),
        ([a], (a, b)),
        ([], (a, b)),
        ([b"ab", c, b"ab"], (b"ab", c)),
    ):
        when = f" for {len(parts)} parts and the pair {b'+'.join(pair).decode()}"
        t.call("join_pair", tokenizer.join_pair, list(parts), pair, when=when)
    parts = drawn_bytes(t, 40)
    for pair in list(pairwise(parts))[:4]:
        t.call("join_pair", tokenizer.join_pair, list(parts), pair, when=f" for the pair {pair}")
    t.put("join_pair", "whether its argument stays as it is", parts)


def learn_merges(t: Trial) -> None:
    counts = {"low": 5, "lower": 2, "newest": 6, "widest": 3}
    for number in (1, 4, 10):
        t.call("learn_merges", training.learn_merges, counts, number, when=f" for low, lower … and {number} merges")
    t.call("learn_merges", training.learn_merges, {"aaaa": 3, "aa": 2}, 3, when=" for aaaa and aa")
    t.call("learn_merges", training.learn_merges, {"ab": 1, "cd": 1}, 3, when=" where no pair occurs twice")
    words = {
        "".join(t.rng.choice(list(LETTERS), int(t.rng.integers(1, 8)))): int(t.rng.integers(1, 9)) for _ in range(15)
    }
    t.call("learn_merges", training.learn_merges, words, 12, when=" for drawn words")


def merge(t: Trial) -> None:
    words = ["abab", "abcabc", "cabbage", "a", "aaaaa", "deed"]
    ranks = {pair: i for i, pair in enumerate(training.learn_merges(dict.fromkeys(words, 3), 12))}
    for word in (*words, "bac", "aab", "".join(t.rng.choice(list("abcde"), 12))):
        parts = t.call("merge", tokenizer.merge, [bytes([b]) for b in word.encode()], ranks, when=f" for {word!r}")
        t.law("merge", "joined, the tokens are the word", list(b"".join(parts)), list(word.encode()))
    t.call("merge", tokenizer.merge, [], ranks, when=" for no bytes")


def windows_of_tokens(t: Trial) -> None:
    tokens = t.rng.integers(0, 50, 23)
    for length, stride in ((4, 4), (4, 1), (5, 2), (22, 22)):
        found = windows.TokenWindows(tokens, length, stride)
        when = f" for T = {length}, stride {stride}"
        for i in sorted({0, len(found) // 2, len(found) - 1}):
            t.call(
                "TokenWindows.__getitem__",
                found.__getitem__,
                i,
                gives=("inputs", "targets"),
                when=f" of window {i}{when}",
            )
        t.call(
            "TokenWindows.__getitem__",
            found.__getitem__,
            -1,
            gives=("inputs", "targets"),
            when=f" of the last window{when}",
        )
        t.raises("TokenWindows.__getitem__", found.__getitem__, len(found), when=f"of one window too many{when}")


def collate(t: Trial) -> None:
    items = [(t.rng.integers(0, 90, int(n)), int(p)) for n, p in ((7, 3), (4, 2), (9, 5), (5, 1))]
    for masked in (False, True):
        for longest in (None, 5):
            when = f"{', prompt masked' if masked else ''}{f', context {longest}' if longest else ''}"
            t.call("collate", instructions.collate, items, 99, masked, longest, gives=("inputs", "targets"), when=when)
    ends = [(np.array([5, 99, 7, 99]), 2), (np.array([1, 2, 3, 4, 99]), 2)]
    t.call(
        "collate",
        instructions.collate,
        ends,
        99,
        True,
        gives=("inputs", "targets"),
        when=" with an end token in the prompt",
    )


def our_key(t: Trial) -> None:
    block = int(t.rng.integers(0, 48))
    for name in (
        "model/wte",
        "model/ln_f/g",
        f"model/h{block}/attn/c_proj/w",
        f"model/h{block}/ln_2/b",
        f"model/h{block}/mlp/c_fc/b",
    ):
        t.call("our_key", names.our_key, name, "openai", when=f" for {name}")
    for name in ("model/h01/ln_1/g", "model/h3/ln_1/w", "model/wte/w", "xmodel/wte", "model/h/ln_1/g", "model/wte\n"):
        t.call("our_key", names.our_key, name, "openai", when=f" for {name!r}, which is no weight")
    name = f"transformer.h.{block}.mlp.c_fc.weight"
    t.call("our_key", names.our_key, name, "huggingface", when=f" for {name}")
