"""chat: a talk with a model that was fine-tuned on instructions."""

import sys
from dataclasses import dataclass
from types import ModuleType

from shared_gpt.options import OptionalInt


@dataclass(frozen=True)
class Chat:
    """Talk to a model that was fine-tuned on instructions; each line is a request of its own, an empty one ends."""

    weights: str
    """The folder of a finetune instructions run."""
    temperature: float = 0.0
    """0: always the likeliest token; above: more daring."""
    max_new_tokens: int = 200
    """The longest answer, in tokens."""
    seed: OptionalInt = None
    """The same seed gives the same answers."""

    def run(self, twin: ModuleType) -> None:
        import numpy as np

        from shared_gpt.commands.terminal import show, streamed
        from shared_gpt.text import format_prompt, load_tokenizer
        from shared_gpt.training.run_folder import RunFolder

        folder = RunFolder(self.weights)
        style = folder.read_task("instructions", "style")
        model, tokenizer = twin.load_run(folder.path), load_tokenizer(folder.path)
        context_length, rng = model.config.context_length, np.random.default_rng(self.seed)
        if sys.stdin.isatty():
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
