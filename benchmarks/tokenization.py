"""How fast text becomes tokens, beside tiktoken and Hugging Face's tokenizers; learning a vocabulary, and using one.

    python -m benchmarks tokenization [--text FILE] [--vocab-size 10000] [--rounds 5]

Encoding is with GPT-2's vocabulary (three ways to it: see shared_gpt/text/gpt2.py). Every contender is warm, but for
"cold", which has met none of the words before. Before anything is timed all are seen to give the same.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.harness import Contender, machine, report, run_rounds
from shared_gpt.text import BytePairTokenizer, gpt2_tokenizer
from shared_gpt.text.bpe.vocabulary import to_printable
from shared_gpt.text.corpora import load_text

REPEATS = 5  # in each round's process, after one that warms


@dataclass(frozen=True)
class Tokenization:
    """Learning a byte-pair vocabulary, and encoding with GPT-2's, against tiktoken and Hugging Face's tokenizers."""

    rounds: int = 5
    """How often each contender has its turn."""
    text: str = "tiny-shakespeare"
    """A file, or a name that load_text knows."""
    vocab_size: int = 10_000
    """Tokens to learn."""

    def run(self) -> None:
        print(machine())
        text = load_text(self.text)
        megabytes = len(text.encode("utf-8")) / 1e6
        for task, contenders in TASKS.items():
            if len({str(PREPARE[name](text, self.vocab_size)()) for name in contenders}) != 1:
                raise ValueError(f"{task}: the contenders differ in what they give, so there is nothing to compare.")
            print(f"\n{task}, {megabytes:.2f} MB of text")
            results = run_rounds([self.contender(name) for name in contenders], self.rounds)
            print(f"\n  {'':32}{'seconds':>9}{'MB/s':>9}")
            for name, figures in results.items():
                print(f"  {name:32}{figures['seconds']:9.3f}{megabytes / figures['seconds']:9.2f}")

    def contender(self, name: str) -> Contender:
        return Contender(name, ("benchmarks.tokenization", name, self.text, str(self.vocab_size)))


def contend(name: str, source: str, vocab_size: str) -> None:
    """In a process of its own: one contender's seconds."""
    run, seconds = PREPARE[name](load_text(source), int(vocab_size)), []
    for _ in range(REPEATS + 1):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    report({"seconds": seconds[1:]})


# What each contender prepares, and the function that is timed. Those of one task return the same.


def ours_trains(text: str, vocab_size: int) -> Callable[[], Any]:
    return lambda: [*map(to_printable, BytePairTokenizer.train(text, vocab_size, special_tokens=()).ids)]


def hugging_face_trains(text: str, vocab_size: int) -> Callable[[], Any]:
    from tokenizers import models, pre_tokenizers, trainers

    def train():
        tokenizer = _hugging_face(models.BPE())
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(
            vocab_size=vocab_size, min_frequency=2, initial_alphabet=alphabet, show_progress=False
        )
        tokenizer.train_from_iterator([text], trainer)
        return sorted(tokenizer.get_vocab(), key=tokenizer.token_to_id)

    return train


def ours_encodes(text: str, vocab_size: int) -> Callable[[], Any]:
    tokenizer = _with_gpt2s_vocabulary()
    return lambda: tokenizer.encode(text)


def ours_encodes_cold(text: str, vocab_size: int) -> Callable[[], Any]:
    tokenizer = _with_gpt2s_vocabulary()

    def encode():
        tokenizer._kept.clear()
        return tokenizer.encode(text)

    return encode


def tiktoken_encodes(text: str, vocab_size: int) -> Callable[[], Any]:
    tokenizer = gpt2_tokenizer()
    return lambda: tokenizer.encode(text)


def hugging_face_encodes(text: str, vocab_size: int) -> Callable[[], Any]:
    from tokenizers import models

    ours = _with_gpt2s_vocabulary()
    vocab = {to_printable(token): i for token, i in ours.ids.items()}
    merges = [(to_printable(left), to_printable(right)) for left, right in ours.merges]
    tokenizer = _hugging_face(models.BPE(vocab=vocab, merges=merges))
    return lambda: tokenizer.encode_batch_fast([text])[0].ids  # leaves out the offsets, which nobody here gives


def _with_gpt2s_vocabulary() -> BytePairTokenizer:
    quick = gpt2_tokenizer()
    return BytePairTokenizer(quick.merges, quick.special_tokens, quick.ids)


def _hugging_face(model):
    from tokenizers import Tokenizer, pre_tokenizers

    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return tokenizer


PREPARE = {
    "BytePairTokenizer.train": ours_trains,
    "Hugging Face BpeTrainer": hugging_face_trains,
    "BytePairTokenizer, cold": ours_encodes_cold,
    "BytePairTokenizer": ours_encodes,
    "gpt2_tokenizer (tiktoken)": tiktoken_encodes,
    "Hugging Face tokenizers": hugging_face_encodes,
}
TASKS = {
    "learning a vocabulary": [*PREPARE][:2],
    "encoding": [*PREPARE][2:],
}

if __name__ == "__main__":
    contend(*sys.argv[1:])
