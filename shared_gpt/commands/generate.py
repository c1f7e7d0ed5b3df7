"""generate: text from a trained model."""

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

from shared_gpt.options import OptionalFloat, OptionalInt, OptionalPath, OptionalText

if TYPE_CHECKING:
    from shared_gpt.text import Tokenizer


@dataclass(frozen=True)
class Generate:
    """Continue a text, shown token by token as the model writes it."""

    weights: str = "marren"
    """marren or marren-chat, which ship with the project; a run's folder, a folder or file with GPT-2's weights, or gpt2,
    gpt2-medium, gpt2-large, gpt2-xl."""
    prompt: OptionalText = None
    """The text to continue; - reads it from standard input. Without one the model begins a text of its own."""
    max_new_tokens: int = 100
    """How many tokens to write at most; past the model's context length it goes on with a shorter memory."""
    temperature: float = 0.8
    """0: always the likeliest token; 1: each token as often as the model predicts it; above: more daring."""
    top_k: int | None = 50
    """Choose only among this many of the likeliest tokens."""
    top_p: OptionalFloat = None
    """Choose only among the fewest of the likeliest tokens whose probabilities sum to this."""
    repetition_penalty: OptionalFloat = None
    """Above 1, tokens that are in the text already become less likely; 1.2 is usual."""
    seed: OptionalInt = None
    """The same seed writes the same text."""
    tokenizer: OptionalText = None
    """By default the one beside the weights, else GPT-2's; otherwise gpt2, stories, characters, or a path."""
    n_heads: OptionalInt = None
    """Attention heads in each block, for weights that do not say: the book's own checkpoints."""
    go_on: bool = False
    """Go on writing after <|endoftext|>."""
    no_cache: bool = False
    """Compute each step from the whole text again: the same tokens, more slowly."""
    prompt_lookup: OptionalInt = None
    """With --temperature 0: guess this many tokens from what followed earlier in the text, and confirm them in one pass: the
    same text, faster where it repeats itself. 10 is usual."""
    candidates: OptionalPath = None
    """Draw each step's five likeliest tokens with their probabilities into this picture (.png)."""
    attention: OptionalPath = None
    """Draw how much each position of the finished text attended to each earlier one, head by head, into this picture (.png)."""
    block: OptionalInt = None
    """The block to draw, from 0; by default all."""

    def run(self, twin: ModuleType) -> None:
        from shared_gpt.commands.loading import load_model
        from shared_gpt.commands.output_files import check_picture
        from shared_gpt.commands.terminal import show, streamed

        check_picture(self.candidates, self.attention)
        if self.block is not None and self.attention is None:
            raise ValueError(
                "--block chooses what --attention draws; give a file for the picture: --attention attention.png"
            )
        if self.prompt_lookup is not None:
            self.check_prompt_lookup()
        model, tokenizer = load_model(twin, self.weights, self.tokenizer, n_heads=self.n_heads)
        if self.block is not None and not 0 <= self.block < model.config.n_layers:
            raise ValueError(f"block is {self.block}; the model has blocks 0 to {model.config.n_layers - 1}.")
        ids = self.encoded_prompt(tokenizer)
        if len(ids) > (seen := model.config.context_length):
            print(
                f"Only the last {seen} of the prompt's {len(ids)} tokens count; the model sees no more.",
                file=sys.stderr,
            )
        end = None if self.go_on else tokenizer.eot
        guesses: list[int] = []
        stream = self.stream(twin, model, ids, end, guesses)
        show(tokenizer.decode(ids) if self.prompt else "", bold=True)
        steps, start = [], time.perf_counter()
        try:
            for piece, step in streamed(tokenizer, ids, stream, end):
                steps += [step] if step else []
                show(piece)
        finally:
            print()
        seconds = time.perf_counter() - start
        plural = "" if len(steps) == 1 else "s"
        right = f", {len(steps) - len(guesses)} of {sum(guesses)} guessed tokens were right" if guesses else ""
        print(f"{len(steps)} token{plural}, {len(steps) / max(seconds, 1e-9):.1f} a second{right}", file=sys.stderr)
        self.draw(twin, model, tokenizer, ids, steps)

    def encoded_prompt(self, tokenizer: "Tokenizer") -> list[int]:
        from shared_gpt.text import END_OF_TEXT

        if self.prompt is None:
            if tokenizer.eot is None:
                raise ValueError(f"The tokenizer has no {END_OF_TEXT} to begin a text with; give one: --prompt.")
            return [tokenizer.eot]
        text = sys.stdin.read().removesuffix("\n") if self.prompt == "-" else self.prompt
        ids = tokenizer.encode(text, allowed_special="all")
        if not ids:
            raise ValueError("The prompt is empty; give at least one character.")
        return ids

    def check_prompt_lookup(self) -> None:
        """Prompt look-up knows the likeliest token alone, and needs the cache."""
        options = {
            "--repetition-penalty": self.repetition_penalty,
            "--no-cache": self.no_cache,
            "--candidates": self.candidates,
        }
        if self.temperature != 0:
            raise ValueError(
                f"--prompt-lookup confirms the likeliest token alone, and --temperature is {self.temperature}; "
                "add --temperature 0."
            )
        if unfit := [name for name, value in options.items() if value]:
            raise ValueError(f"--prompt-lookup does not go with {' and '.join(unfit)}; leave one of them out.")

    def stream(
        self, twin: ModuleType, model: Any, ids: list[int], end: int | None, guesses: list[int]
    ) -> Iterator[Any]:
        """Step by step what the model writes; with look-up `guesses` receives how many tokens each pass had guessed."""
        import numpy as np

        if self.prompt_lookup is not None:
            passes = twin.lookup_passes(model, ids, self.max_new_tokens, num_tokens=self.prompt_lookup, eos_id=end)
            return self.confirmed(twin, passes, guesses)
        return twin.stream(
            model,
            [ids],
            self.max_new_tokens,
            temperature=self.temperature,
            top_k=self.top_k,
            top_p=self.top_p,
            repetition_penalty=self.repetition_penalty,
            eos_id=end,
            rng=np.random.default_rng(self.seed),
            use_cache=not self.no_cache,
            candidates=5 if self.candidates else 0,
        )

    def confirmed(self, twin: ModuleType, passes: Iterator[Any], guesses: list[int]) -> Iterator[Any]:
        for confirmed in passes:
            guesses.append(confirmed.guessed)
            yield from (twin.Step([token]) for token in confirmed.tokens)

    def draw(self, twin: ModuleType, model: Any, tokenizer: "Tokenizer", ids: list[int], steps: list[Any]) -> None:
        """The pictures that were asked for."""
        from shared_gpt.plots import plot_attention, plot_candidates
        from shared_gpt.text.tokenizer import visible

        def label(token: int) -> str:
            return visible(tokenizer.decode_bytes([token]))

        new = [step.tokens[0] for step in steps]
        if self.candidates and new:
            candidates = [[(label(token), chance) for token, chance in step.candidates[0]] for step in steps]
            print(plot_candidates([label(token) for token in new], candidates, self.candidates), file=sys.stderr)
        if self.attention:
            text = [*ids, *new][-model.config.context_length :]
            blocks = slice(self.block, None if self.block is None else self.block + 1)
            maps = twin.attention_maps(model, [text])[blocks, 0]
            tokens = [label(token) for token in text]
            print(plot_attention(maps, tokens, self.attention, self.block or 0), file=sys.stderr)
