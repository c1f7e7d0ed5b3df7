"""chat: a talk with a model that was fine-tuned on instructions, in the terminal or on a page in the browser."""

import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Literal

from shared_gpt.options import OptionalInt

if TYPE_CHECKING:
    from shared_gpt.commands.web.talk import Talk


@dataclass(frozen=True)
class Chat:
    """Talk to a model that was fine-tuned on instructions; each line is a request of its own, an empty one ends."""

    weights: str = "marren-chat"
    """marren-chat, which ships with the project; the folder of a finetune instructions run, or what convert made of one; with
    --web also what generate takes."""
    temperature: float = 0.0
    """0: always the likeliest token; above: more daring."""
    max_new_tokens: int = 200
    """The longest answer, in tokens."""
    seed: OptionalInt = None
    """The same seed gives the same answers."""
    web: bool = False
    """Talk on a page in the browser, where every token can be opened: its alternatives, and where each head looked. A model
    that does not answer goes on with a text there. Only this machine can see the page."""
    port: int = 8642
    """The port of the page; 0 takes any that is free."""
    n_heads: OptionalInt = None
    """Attention heads in each block, for weights that do not say: the book's own checkpoints."""

    def run(self, twin: ModuleType) -> None:
        talk = self.talk(twin)
        if self.web:
            serve(talk, self.port)
        else:
            self.answer_lines(talk)

    def talk(self, twin: ModuleType) -> "Talk":
        from shared_gpt.commands.loading import load_model, task_folder
        from shared_gpt.commands.web.talk import Talk
        from shared_gpt.text.prompts import PROMPT_STYLES

        folder, style = task_folder(self.weights), None
        if folder.task.is_file() or not self.web:
            style = folder.read_task("instructions", "style", Literal[tuple(PROMPT_STYLES)])
        model, tokenizer = load_model(twin, self.weights, n_heads=self.n_heads)
        name = Path(self.weights).name or self.weights
        return Talk(twin, model, tokenizer, style, name, self.temperature, self.max_new_tokens, self.seed)

    def answer_lines(self, talk: "Talk") -> None:
        from shared_gpt.commands.terminal import show, streamed
        from shared_gpt.commands.web.talk import request_ids, room_for

        if sys.stdin.isatty():
            with suppress(ImportError):  # Windows has none, its console edits lines itself
                import readline  # noqa: F401 - from now on input() edits lines, and the arrows bring earlier ones back
            print("Ask or tell; what follows ' | ' is the text to work on. An empty line ends.")
        end = talk.tokenizer.eot
        while request := next_request():
            ids = request_ids(talk.tokenizer, request, talk.style)
            try:
                length = min(self.max_new_tokens, room_for(ids, talk.model.config.context_length))
            except ValueError as error:
                print(error)
                continue
            steps = talk.twin.stream(talk.model, [ids], length, temperature=self.temperature, eos_id=end, rng=talk.rng)
            try:
                for piece, _ in streamed(talk.tokenizer, ids, steps, end):
                    show(piece)
            except KeyboardInterrupt:  # ends the answer, not the talk
                pass
            print()


def serve(talk: "Talk", port: int) -> None:
    """Serve the page until Ctrl-C."""
    from shared_gpt.commands.web.server import PageServer

    server = PageServer(talk, port)
    try:
        print(f"{talk.name} is at {server.url} (for this machine alone; Ctrl-C ends)", flush=True)
        server.serve_forever()
    except KeyboardInterrupt:
        print()
    finally:
        server.server_close()


def next_request() -> str:
    """A line of standard input, asked for in a terminal; empty at the end."""
    try:
        return input("> " if sys.stdin.isatty() else "").strip()
    except EOFError:
        return ""
