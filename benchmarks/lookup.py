"""Prompt look-up beside plain greedy generation, with the models that ship: tokens a pass, and the time for the same text.

    python -m benchmarks lookup [--rounds 5] [--texts 20] [--twin numpy_gpt]

Three kinds of text: answers that say most of the prompt again, as a summary does (marren-chat puts sentences into the
future); a passage that is copied (the model's own text, and its beginning again); and free text (marren goes on with the
beginnings of stories). Passes and accepted tokens do not depend on the machine. Both ways take turns in one process.
"""

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from benchmarks.harness import machine
from shared_gpt.commands.loading import load_model
from shared_gpt.text import END_OF_TEXT, format_prompt, load_text

NEW, PASSAGE, BEGINNING = 24, 24, 4  # tokens to write; of a passage, and of its beginning when it comes again


@dataclass(frozen=True)
class Lookup:
    """Prompt look-up: how many guessed tokens are right, and what that saves."""

    rounds: int = 5
    """How often each way has its turn."""
    texts: int = 20
    """Prompts of each kind."""
    twin: str = "numpy_gpt"
    """numpy_gpt or torch_gpt."""

    def run(self) -> None:
        twin = import_module(self.twin)
        print(machine())
        print(f"\n{self.twin}, greedy, at most {NEW} new tokens, up to 10 guessed at once")
        print(
            f"  {'':24}{'tokens':>8}{'passes':>8}{'a pass':>8}{'guessed':>9}{'right':>7}{'plain s':>9}{'look-up s':>11}"
        )
        for kind, (name, prompts) in kinds(twin, self.texts).items():
            model, tokenizer = load_model(twin, name)
            end = tokenizer.encode(END_OF_TEXT, allowed_special="all")[0]
            print(f"  {kind:24}" + measured(twin, model, [tokenizer.encode(p) for p in prompts], end, self.rounds))


def kinds(twin: Any, count: int) -> dict[str, tuple[str, list[str]]]:
    """Which model goes on with which prompts, by kind of text."""
    from village.rewriting import ACTIONS, in_present

    sentences = [in_present(subject, verb, rest) for subject, verb, rest, _ in ACTIONS[:count]]
    asked = [{"instruction": "Put this sentence into the future.", "input": s, "output": ""} for s in sentences]
    stories = [story.split("\n\n", 1)[1] for story in load_text("stories").split("\n\n\n")]
    beginnings = [" ".join(story.split()[:6]) for story in stories[:count]]
    return {
        "says the prompt again": ("marren-chat", [format_prompt(entry, "qa") for entry in asked]),
        "copies a passage": ("marren", list(copies(twin, beginnings))),
        "free text": ("marren", beginnings),
    }


def copies(twin: Any, beginnings: list[str]) -> Iterator[str]:
    """The model's own text after each beginning, and the first words of it again."""
    model, tokenizer = load_model(twin, "marren")
    for beginning in beginnings:
        ids = twin.generate(model, [tokenizer.encode(beginning)], PASSAGE)[0][-PASSAGE:]
        yield tokenizer.decode([*ids, *ids[:BEGINNING]])


def measured(twin: Any, model: Any, prompts: list[list[int]], end: int, rounds: int) -> str:
    """A row of the table. Raises AssertionError where the two ways write different tokens."""
    passes = [one for ids in prompts for one in twin.lookup_passes(model, ids, NEW, eos_id=end)]
    plain = [twin.generate(model, [ids], NEW, eos_id=end)[0][len(ids) :] for ids in prompts]
    tokens = [token for one in passes for token in one.tokens]
    assert tokens == [token for text in plain for token in text], "look-up and greedy generation wrote different texts"
    guessed, right = sum(one.guessed for one in passes), len(tokens) - len(passes)
    times: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(rounds):
        for look_up, taken in times.items():
            start = time.perf_counter()
            for ids in prompts:
                list(twin.lookup_passes(model, ids, NEW, eos_id=end)) if look_up else twin.generate(
                    model, [ids], NEW, eos_id=end
                )
            taken.append(time.perf_counter() - start)
    seconds = [statistics.median(times[look_up]) for look_up in (False, True)]
    return (
        f"{len(tokens):8}{len(passes):8}{len(tokens) / len(passes):8.2f}{guessed:9}{right / max(guessed, 1):7.0%}"
        f"{seconds[0]:9.3f}{seconds[1]:11.3f}"
    )
