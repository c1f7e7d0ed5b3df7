"""What judges the checks of text: the project's own text in the report's process, and where another judge fits, that one.

These are tiktoken for the ids of byte pairs, merges learnt by counting anew each time, and windows by their definition.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from parity_tests.report.checks.text import END, LEARNT, TEXT, WORDS, Values, joined
from parity_tests.report.checks.usage import flat_numbers
from parity_tests.report.comparison import Comparison, furthest
from parity_tests.report.evidence import Check
from parity_tests.report.subject import Subject
from parity_tests.report.trace import Key, Trace
from shared_gpt.text import split
from shared_gpt.text.bpe import tokenizer as byte_pair
from shared_gpt.text.bpe import training, vocabulary

SHOWN = 60  # characters of a value


class _Recorded(dict):
    """Values that go into a trace as they are made, so that what comes before an exception is compared."""

    def __init__(self, trace: Trace):
        self.trace = trace

    def __setitem__(self, key: Key, value: Any) -> None:
        self.trace[key] = as_array(value)


def text_check(compute: Callable[[Values, int], None]) -> Check:
    """A check that compares all that `compute` gives, exactly."""

    def ours(subject: Subject, precision: str) -> Iterator[Trace]:
        trace = Trace()
        try:
            compute(_Recorded(trace), subject.seed)
        except (Exception, SystemExit) as error:
            trace.error = error
        yield trace

    def compare(c: Comparison, traces: list[Trace]) -> None:
        theirs: Values = {}
        compute(theirs, c.subject.seed)
        theirs |= {key: value for key, value in judged().items() if key in theirs}
        for mine in traces:
            for key, value in theirs.items():
                if key in mine:
                    entry = c.add("value", {key: mine[key]}, {key: as_array(value)})
                    if not entry.agrees:
                        shown = "{}, where {} belongs".format(*_shown(mine[key], value))
                        c.part(key[0], "", key[1], math.inf, _reason(key, mine[key], value), shown=shown)
                elif not mine.error:
                    c.part(key[0], "", f"{key[1]}, which it never gave,", math.inf)

    return Check(ours, compare, once=True)


def as_array(value: Any) -> np.ndarray:
    """Text as the bytes of its UTF-8, numbers in lists as one row that tells their nesting too."""
    if isinstance(value, (str, bytes)):
        raw = value if isinstance(value, bytes) else value.encode("utf-8", "replace")
        return np.frombuffer(raw, np.uint8).copy()
    return flat_numbers(value)


def _shown(ours: np.ndarray, theirs: Any) -> tuple[str, str]:
    """Both values for a person to read; of lists in lists, the first in which they differ."""
    if isinstance(theirs, (str, bytes)):
        return tuple(
            _short(repr(array.astype(np.uint8).tobytes().decode("utf-8", "replace")))
            for array in (ours, as_array(theirs))
        )
    if not isinstance(theirs, (list, tuple)):
        return _short(f"{ours.reshape(-1)[0]:g}"), str(theirs)
    flat = ours if ours.size == as_array(theirs).size else ours.reshape(-1)[1:]
    if ours.size != as_array(theirs).size:
        return _short(str(flat.tolist())), _short(str(theirs))
    return tuple(_short(str(value)) for value in _first_apart(_rebuilt(theirs, iter(flat.tolist())), theirs))


def _rebuilt(like: Any, flat: Iterator[float]) -> Any:
    """The numbers of `flat_numbers` in lists like those of `like`."""
    number = next(flat)
    if isinstance(like, (list, tuple)):
        return [_rebuilt(part, flat) for part in like]
    return int(number) if number == int(number) else number


def _first_apart(ours: Any, theirs: Any) -> tuple[Any, Any]:
    for a, b in zip(ours, theirs):
        if isinstance(b, (list, tuple)) and a != list(b):
            return _first_apart(a, b)
    return ours, theirs


def _short(words: str) -> str:
    return words if len(words) <= SHOWN else f"{words[: SHOWN - 1]}…"


def _reason(key: Key, ours: np.ndarray, theirs: Any) -> str:
    """The kind of mistake, where the wrong value is exactly what it gives."""
    for reason, mistaken in _suspects(key, theirs):
        if furthest("", ours, as_array(mistaken))[-1] == 0:
            return reason
    return ""


def _suspects(key: Key, theirs: Any) -> Iterator[tuple[str, Any]]:
    if key[0] == "TokenWindows" and key[1].startswith("its windows"):
        yield "the targets are the inputs themselves; they lie one place later", [[x, x] for x, _ in theirs]
        yield "the targets lie two places later; one belongs", [[x, [*y[1:], y[-1] + 1]] for x, y in theirs]
        yield "the last window is missing", theirs[:-1]
    if key[0] == "InstructionDataset.collate" and isinstance(theirs, list):
        inputs, targets = theirs
        unshifted = [[x if y != -100 else -100 for x, y in zip(*rows)] for rows in zip(inputs, targets)]
        yield "the targets are the inputs themselves; they lie one place later", [inputs, unshifted]
    if key[0] == "learn_merges":
        yield "one merge too few", " | ".join(theirs.split(" | ")[:-1])
    if key[0].endswith(".decode") and isinstance(theirs, str):
        yield "each token is followed by a space", theirs.replace("", " ").strip()


def judged() -> Values:
    """What an independent judge gives, in place of the project's own text."""
    from tiktoken import Encoding

    values: Values = {}
    counted = training.count_words([LEARNT, f"low{END} low"], [END])
    values["learn_merges", "its merges"] = joined(a + b"+" + b for a, b in counted_anew(counted, 24))
    own = byte_pair.BytePairTokenizer.train(LEARNT, 256 + 1 + 24)
    judge = Encoding("own", pat_str=split.GPT2_PATTERN, mergeable_ranks=own.ids, special_tokens=own.special_tokens)
    for word in (*WORDS, LEARNT, TEXT, "a" * 200):
        values["BytePairTokenizer.encode", f"its ids of {word[:20]!r}"] = judge.encode(word)
        values["BytePairTokenizer.decode", f"the text of the ids of {word[:20]!r}"] = word
    values["BytePairTokenizer.encode", f"its ids with {END}"] = judge.encode(f"low{END} low", allowed_special={END})
    row = list(range(100, 123))
    for T, stride in ((4, None), (4, 1), (5, 3)):
        starts = range(0, len(row) - T, stride or T)
        pairs = [[row[i : i + T], row[i + 1 : i + T + 1]] for i in starts]
        values["TokenWindows", f"its windows for context_length {T} and stride {stride}"] = pairs
    return values


def counted_anew(words: Counter[str], n: int) -> Iterator[tuple[bytes, bytes]]:
    """Byte pairs as Sennrich et al. 2016 learn them, all pairs counted anew for each merge; of equally frequent ones the first in
    the order of their tokens' numbers."""
    number = {byte: i for i, byte in enumerate(vocabulary.BYTES)}
    parts = {word: [bytes([byte]) for byte in word.encode()] for word in words}
    for _ in range(n):
        count: Counter = Counter()
        for word, tokens in parts.items():
            for pair in pairwise(tokens):
                count[pair] += words[word]
        pair = min(count, key=lambda pair: (-count[pair], number[pair[0]], number[pair[1]]))
        if count[pair] < 2:
            return
        number[pair[0] + pair[1]] = len(number)
        parts = {word: byte_pair.join_pair(tokens, pair) for word, tokens in parts.items()}
        yield pair
