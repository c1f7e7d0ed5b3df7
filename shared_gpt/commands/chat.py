"""chat: a talk with a model that was fine-tuned on instructions."""

import sys
from contextlib import suppress
from dataclasses import dataclass
from types import ModuleType
from typing import Literal

from shared_gpt.options import OptionalInt


@dataclass(frozen=True)
class Chat:
    """Talk to a model that was fine-tuned on instructions; each line is a request of its own, an empty one ends."""

    weights: str = "marren-chat"
    """marren-chat, which ships with the project; or the folder of a finetune instructions run, or what convert made of one."""
    temperature: float = 0.0
    """0: always the likeliest token; above: more daring."""
    max_new_tokens: int = 200
    """The longest answer, in tokens."""
    seed: OptionalInt = None
    """The same seed gives the same answers."""

    def run(self, twin: ModuleType) -> None:
        import numpy as np

        from shared_gpt.commands.loading import load_model, task_folder
        from shared_gpt.commands.terminal import show, streamed
        from shared_gpt.text import format_prompt
        from shared_gpt.text.prompts import PROMPT_STYLES

        style = task_folder(self.weights).read_task("instructions", "style", Literal[tuple(PROMPT_STYLES)])
        model, tokenizer = load_model(twin, self.weights)
        context_length, rng = model.config.context_length, np.random.default_rng(self.seed)
        if sys.stdin.isatty():
            with suppress(ImportError):  # Windows has none, its console edits lines itself
                import readline  # noqa: F401 - from now on input() edits lines, and the arrows bring earlier ones back
            print("Ask or tell; what follows ' | ' is the text to work on. An empty line ends.")
        while request := next_request():
            instruction, _, text = request.partition(" | ")
            ids = tokenizer.encode(format_prompt({"instruction": instruction, "input": text}, style))
            room = context_length - len(ids)
            if room < 1:
                print(f"That is {len(ids)} tokens; at most {context_length - 1} fit. Ask in fewer words.")
                continue
            length = min(self.max_new_tokens, room)
            steps = twin.stream(model, [ids], length, temperature=self.temperature, eos_id=tokenizer.eot, rng=rng)
            try:
                for piece, _ in streamed(tokenizer, ids, steps, tokenizer.eot):
                    show(piece)
            except KeyboardInterrupt:  # ends the answer, not the talk
                pass
            print()


def next_request() -> str:
    """A line of standard input, asked for in a terminal; empty at the end."""
    try:
        return input("> " if sys.stdin.isatty() else "").strip()
    except EOFError:
        return ""
