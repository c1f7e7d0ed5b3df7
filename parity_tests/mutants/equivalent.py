"""Mutants that change nothing that a user could notice, each with the reason.

A test looks whether each of them is still a mutant.
"""

from typing import NamedTuple

from parity_tests.mutants.mutate import Mutant


class Equivalent(NamedTuple):
    """The mutants of a file with this code in their line and this change ("" for every change of it)."""

    file: str
    code: str
    change: str
    reason: str

    def covers(self, mutant: Mutant) -> bool:
        return mutant.file == self.file and self.code in mutant.code and self.change in ("", mutant.change)


EQUIVALENTS = [
    Equivalent("numpy_gpt/chunks.py", "CHUNK = 1 << 16", "", "how many numbers a chunk holds changes the time alone"),
    Equivalent("numpy_gpt/chunks.py", "ROWS = 8", "", "how many rows a chunk holds changes the time alone"),
    Equivalent(
        "numpy_gpt/chunks.py", "if arrays[0].size <= CHUNK", "<= → <", "one chunk or the whole: the same values"
    ),
    Equivalent("shared_gpt/text/bpe/tokenizer.py", "LONG_WORD = 100", "", "both ways of merging agree"),
    Equivalent("shared_gpt/text/bpe/tokenizer.py", "KEPT_WORDS = 1 << 17", "", "what is kept changes the time alone"),
    Equivalent(
        "shared_gpt/text/bpe/tokenizer.py", "if len(self) >= KEPT_WORDS", "", "what is kept changes the time alone"
    ),
    Equivalent("shared_gpt/text/bpe/tokenizer.py", "self.clear()", "", "what is kept changes the time alone"),
    Equivalent(
        "shared_gpt/text/bpe/tokenizer.py",
        "if len(word) > LONG_WORD",
        "> → >=",
        "both ways of merging agree",
    ),
]


def reason(mutant: Mutant) -> str:
    """Why it changes nothing; "" if it is not among the equivalent ones."""
    return next((entry.reason for entry in EQUIVALENTS if entry.covers(mutant)), "")
