"""Checks of shared_gpt/text: words, byte pairs, windows and batches. The twins share it, so there is no second one to compare.

`text_judge` compares what they give.
"""

from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np

from shared_gpt.text import (
    batches,
    characters,
    instructions,
    labels,
    prompts,
    simple,
    split,
    streamer,
    tokenizer,
    windows,
)
from shared_gpt.text.bpe import long_words, training, vocabulary
from shared_gpt.text.bpe import tokenizer as byte_pair

Values = dict[tuple[str, str], Any]  # numbers in lists, or text, by (the function that answers for it, what it is)
END = tokenizer.END_OF_TEXT
TEXT = 'The miller\'s wife said: "No -- not today!"\nIt rained, (again)_ and again?  The end.'
LEARNT = (
    "low low low low low lower lower newest newest newest newest newest newest widest widest widest aaaa aaaa naïve"
)
WORDS = (" lowest", "newer", "aaaaaaa", "naïve", "🙂", "w", "  ", " 1234", "it's")
ENTRIES = [
    {"instruction": "Name a bird.", "input": "", "output": "A wren."},
    {"instruction": "Say it louder.", "input": "No.", "output": "NO!"},
    {"instruction": "Count to three.", "output": "One, two, three."},
]  # fmt: skip


def joined(parts: Any) -> str:
    """Pieces of text as one text, in which the borders show."""
    return " | ".join(
        part.decode("utf-8", "backslashreplace") if isinstance(part, bytes) else str(part) for part in parts
    )


def raised(function: Callable, *args: Any) -> str:
    try:
        function(*args)
    except Exception as error:
        return type(error).__name__
    return "nothing"


def words(values: Values, seed: int) -> None:
    """Words and characters as tokens."""
    values["split_words", f"its words of {TEXT[:14]!r}…"] = joined(simple.split_words(TEXT))
    vocab = simple.build_vocab(TEXT)
    values["build_vocab", "its words and their ids"] = joined(f"{word} {i}" for word, i in vocab.items())
    for name, kind in (
        ("SimpleTokenizerV1", simple.SimpleTokenizerV1),
        ("SimpleTokenizerV2", simple.SimpleTokenizerV2),
    ):
        own = kind(vocab)
        ids = own.encode(TEXT)
        values[f"{name}.encode", f"its ids of {TEXT[:14]!r}…"] = ids
        values[f"{name}.decode", "the text of these ids"] = own.decode(ids)
        values[f"{name}.decode_bytes", "the bytes of these ids"] = own.decode_bytes(ids)
        values[name, "its n_vocab"] = own.n_vocab
        again = kind.from_dict(own.to_dict())
        values[f"{name}.to_dict", "the ids after its to_dict and from_dict"] = again.encode(TEXT)
    plain, own = simple.SimpleTokenizerV1(vocab), simple.SimpleTokenizerV2(vocab)
    values["SimpleTokenizerV1.encode", "what it raises for a word that it does not know"] = raised(
        plain.encode, "zebra"
    )
    values["SimpleTokenizerV2.encode", "its ids with a word that it does not know"] = own.encode(
        "The zebra said zebra."
    )
    values["SimpleTokenizerV2.encode", f"its ids with {END}"] = own.encode(f"The{END}end", {END})
    own = characters.CharTokenizer(TEXT, end_of_text=True)
    values["CharTokenizer.encode", "its ids"] = ids = own.encode(f"said{END}No", {END})
    values["CharTokenizer.decode", "the text of these ids"] = own.decode(ids)
    values["CharTokenizer.decode_bytes", "the bytes of these ids"] = own.decode_bytes(ids)
    values["CharTokenizer.encode", "what it raises for an unknown character"] = raised(own.encode, "Z")
    again = characters.CharTokenizer.from_dict(own.to_dict())
    values["CharTokenizer.to_dict", "the ids after its to_dict and from_dict"] = again.encode(TEXT)
    pieces = tokenizer.split_special(f"a{END}b{END}", {END: 7}, "all")
    values["split_special", f"its pieces of 'a{END}b{END}'"] = joined(f"{piece}:{i}" for piece, i in pieces)
    values["look_up", "the tokens of the ids 1 and 0"] = joined(tokenizer.look_up([1, 0], {0: "a", 1: "b"}))
    values["look_up", "what it raises for an unknown id"] = raised(tokenizer.look_up, [2], {0: "a"})
    values["well_formed", "a lone surrogate"] = tokenizer.well_formed("a\ud800b")
    values["visible", "a space, a line's end, a bell and half a character"] = tokenizer.visible(b" a\n\x07\xe2")


def byte_pairs(values: Values, seed: int) -> None:
    """Byte-pair encoding: the split into words, learning, merging, ids and back."""
    values["split", f"its pieces of {TEXT[:14]!r}…"] = joined(split.split(TEXT))
    values["split", "its pieces of '  it's 12 naïve🙂 \\n'"] = joined(split.split("  it's 12 naïve🙂 \n"))
    values["split_bytes", "the bytes of 'naïve'"] = joined(split.split_bytes("naïve"))
    counted = training.count_words([LEARNT, f"low{END} low"], [END])
    values["count_words", "how often each word occurs"] = joined(f"{word} {n}" for word, n in sorted(counted.items()))
    merges = training.learn_merges(counted, 24)
    values["learn_merges", "its merges"] = joined(left + b"+" + right for left, right in merges)
    often = training.learn_merges(counted, 99, 6)
    values["learn_merges", "its merges of pairs that occur 6 times"] = joined(
        left + b"+" + right for left, right in often
    )
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    parts = [bytes([byte]) for byte in b"aaabaaaa"]
    values["join_pair", "a a a b a a a a with (a, a) joined"] = joined(byte_pair.join_pair(parts, (b"a", b"a")))
    for word in (" lowest", "aaaaaaa"):
        parts = split.split_bytes(word)
        values["merge_steps", f"its pairs in {word!r}"] = joined(
            b"+".join(p) for p, _ in byte_pair.merge_steps(parts, ranks)
        )
        values["merge", f"the tokens of {word!r}"] = joined(byte_pair.merge(parts, ranks))
        values["merge_long", f"the tokens of {word!r}"] = joined(long_words.merge_long(parts, ranks))
    values["to_printable", "b' a\\n\\xe2' in GPT-2's characters"] = vocabulary.to_printable(b" a\n\xe2")
    values["from_printable", "the bytes of 'ĠaĊâ'"] = vocabulary.from_printable("ĠaĊâ")
    ids = vocabulary.gpt2_ids(merges)
    values["gpt2_ids", "the id of each token"] = [ids[token] for token in sorted(ids)]
    own = byte_pair.BytePairTokenizer.train(LEARNT, 256 + 1 + 24)
    pairs = (left + b"+" + right for left, right in own.merges)
    values["BytePairTokenizer.train", "its merges"] = joined(pairs)
    for word in (*WORDS, LEARNT, TEXT, "a" * 200):
        values["BytePairTokenizer.encode", f"its ids of {word[:20]!r}"] = found = own.encode(word)
        values["BytePairTokenizer.decode", f"the text of the ids of {word[:20]!r}"] = own.decode(found)
        values["BytePairTokenizer.decode_bytes", f"the bytes of the ids of {word[:20]!r}"] = own.decode_bytes(found)
    values["BytePairTokenizer.encode", f"its ids with {END}"] = own.encode(f"low{END} low", {END})
    steps = own.explain(" lowest")
    values["BytePairTokenizer.explain", "the merges of ' lowest'"] = joined(
        [step.rank for step in steps.steps] + steps.ids
    )
    again = byte_pair.BytePairTokenizer.from_dict(own.to_dict())
    values["BytePairTokenizer.to_dict", "the ids after its to_dict and from_dict"] = again.encode(LEARNT)
    shown = streamer.TextStreamer(own)
    pieces = [shown.put(i) for i in own.encode("naïve 🙂 low")]
    values["TextStreamer.put", "the text that each token completes"] = joined(pieces)
    values["TextStreamer.end", "what is left"] = shown.put(own.encode("🙂")[0]) + shown.end()


def data(values: Values, seed: int) -> None:
    """Windows, batches and their order, instructions, labels."""
    tokens = np.arange(100, 123)
    for T, stride in ((4, None), (4, 1), (5, 3)):
        own = windows.TokenWindows(tokens, T, stride)
        values["TokenWindows", f"its length for context_length {T} and stride {stride}"] = len(own)
        values["TokenWindows", f"its windows for context_length {T} and stride {stride}"] = _lists(
            own[i] for i in range(len(own))
        )
    values["TokenWindows.collate", "three windows side by side"] = _lists(own.collate([own[0], own[2], own[1]]))
    values["split_tokens", "its two parts"] = _lists(windows.split_tokens(tokens, 0.3))
    for drop_last in (True, False):
        order = batches.Batches(own, 2, np.random.default_rng(seed), drop_last)
        many = islice(order.endless(), 7)
        values["Batches.endless", f"its batches with drop_last={drop_last}"] = _lists(
            pair for batch in many for pair in batch
        )
        values["Batches.state_dict", "the position"] = [order.epoch, order.position]
    resumed = batches.Batches(own, 2, np.random.default_rng(seed + 1), drop_last)
    resumed.load_state_dict(order.state_dict())
    values["Batches.load_state_dict", "the batch after it"] = _lists(next(iter(resumed)))
    parts = batches.split_examples(list(range(20)), 0.2, 0.1, np.random.default_rng(seed))
    values["split_examples", "its three parts"] = [list(part) for part in parts]
    for style in ("alpaca", "phi3", "qa"):
        texts = [prompts.format_prompt(entry, style) for entry in ENTRIES]
        values["format_prompt", f"its prompts in the style {style}"] = joined(texts)
    char = characters.CharTokenizer("".join(map(chr, range(10, 127))), end_of_text=True)
    for masked in (False, True):
        own = instructions.InstructionDataset(ENTRIES, char, 64, "qa", mask_prompt=masked)
        pair = own.collate([own[i] for i in range(len(own))])
        values["InstructionDataset.collate", f"its batch with mask_prompt={masked}"] = _lists(pair)
    rows = [
        labels.Labelled(*row)
        for row in (("spam", "Win now"), ("ham", "See you"), ("ham", "I am late"), ("spam", "Buy"))
    ]
    rows.append(labels.Labelled("ham", "Yes"))
    values["balance", "the rows that it keeps"] = joined(
        text for _, text in labels.balance(rows, np.random.default_rng(seed))
    )
    own = labels.LabelDataset(rows, char, 6)
    inputs, targets = own.collate([own[i] for i in range(len(own))])
    values["LabelDataset.collate", "its batch"] = _lists((inputs, targets))
    values["labels_and_last", "the classes and the last places"] = _lists(labels.labels_and_last(targets))


def _lists(arrays: Any) -> list:
    return [
        [np.asarray(part).tolist() for part in a] if isinstance(a, tuple) else np.asarray(a).tolist() for a in arrays
    ]
