"""generate, evaluate: what a trained model writes, and how well it foresees a text."""

import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from shared_gpt.options import OpenFloat, OpenInt, OpenPath, OpenText
from shared_gpt.text.tokenizer import END_OF_TEXT, Tokenizer, visible


@dataclass(frozen=True)
class Generate:
    """Continue a text, shown token by token as the model writes it."""

    weights: str
    """A run's folder, a folder or file with GPT-2's weights, or gpt2, gpt2-medium, gpt2-large, gpt2-xl."""
    prompt: OpenText = None
    """The text to continue; - reads it from standard input. Without one the model begins a text of its own."""
    max_new_tokens: int = 100
    """How many tokens to write at most; past the model's context length it goes on with a shorter memory."""
    temperature: float = 0.8
    """0: always the likeliest token; 1: as often as the model expects each; above: more daring."""
    top_k: int | None = 50
    """Only from this many likeliest tokens."""
    top_p: OpenFloat = None
    """Only from the fewest likeliest tokens that together are this probable."""
    repetition_penalty: OpenFloat = None
    """Above 1, tokens that were there before become less likely; 1.2 is usual."""
    seed: OpenInt = None
    """The same seed writes the same text."""
    tokenizer: OpenText = None
    """By default the one beside the weights, else GPT-2's; otherwise gpt2, stories, characters, or a path."""
    go_on: bool = False
    """Write on behind <|endoftext|>."""
    no_cache: bool = False
    """Compute each step from the whole text again: the same tokens, slower."""
    candidates: OpenPath = None
    """Draw each step's five likeliest tokens with their probabilities into this picture (.png)."""
    attention: OpenPath = None
    """Draw what each position of the finished text saw of the others, head by head, into this picture (.png)."""
    block: OpenInt = None
    """The block to draw, from 0; by default all."""

    def run(self, twin: ModuleType) -> None:
        from shared_gpt.commands.loading import load_model

        model, tokenizer = load_model(twin, self.weights, self.tokenizer)
        self.check_pictures(model.config.n_layers)
        ids = self.encoded_prompt(tokenizer)
        end = None if self.go_on else tokenizer.eot
        steps = self.steps(twin, model, ids, end)
        show(tokenizer.decode(ids) if self.prompt else "", bold=True)
        seen, begin = [], time.perf_counter()
        try:
            for piece, step in streamed(tokenizer, ids, steps, end):
                seen += [step] if step else []
                show(piece)
        finally:
            print()
        seconds = time.perf_counter() - begin
        plural = "" if len(seen) == 1 else "s"
        print(f"{len(seen)} token{plural}, {len(seen) / max(seconds, 1e-9):.1f} a second", file=sys.stderr)
        self.draw(twin, model, tokenizer, ids, seen)

    def encoded_prompt(self, tokenizer: Tokenizer) -> list[int]:
        if self.prompt is None:
            if tokenizer.eot is None:
                raise ValueError(f"The tokenizer has no {END_OF_TEXT} to begin a text with; give one: --prompt.")
            return [tokenizer.eot]
        text = sys.stdin.read().removesuffix("\n") if self.prompt == "-" else self.prompt
        ids = tokenizer.encode(text, allowed_special="all")
        if not ids:
            raise ValueError("The prompt is empty; give at least one character.")
        return ids

    def steps(self, twin: ModuleType, model: Any, ids: list[int], end: int | None) -> Iterator[Any]:
        import numpy as np

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

    def check_pictures(self, n_layers: int) -> None:
        for path in (self.candidates, self.attention):
            if path and not path.parent.is_dir():
                raise FileNotFoundError(f"{path} has no place: {path.parent} does not exist; make that folder first.")
        if self.block is not None and not 0 <= self.block < n_layers:
            raise ValueError(f"block is {self.block}; the model has blocks 0 to {n_layers - 1}.")

    def draw(self, twin: ModuleType, model: Any, tokenizer: Tokenizer, ids: list[int], steps: list[Any]) -> None:
        from shared_gpt import plots

        def label(token: int) -> str:
            return visible(tokenizer.decode_bytes([token]))

        new = [step.tokens[0] for step in steps]
        if self.candidates and new:
            options = [[(label(token), chance) for token, chance in step.candidates[0]] for step in steps]
            print(plots.plot_candidates([label(token) for token in new], options, self.candidates), file=sys.stderr)
        if self.attention:
            text = [*ids, *new][-model.config.context_length :]
            blocks = slice(self.block, None if self.block is None else self.block + 1)
            maps = twin.attention_maps(model, [text])[blocks, 0]
            print(
                plots.plot_attention(maps, [label(i) for i in text], self.attention, self.block or 0), file=sys.stderr
            )


def show(text: str, bold: bool = False) -> None:
    """To a file as it is. To a terminal the prompt in bold, and no control characters, which a model may have learnt."""
    if sys.stdout.isatty():
        text = re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", "\N{REPLACEMENT CHARACTER}", text)
        text = f"\033[1m{text}\033[0m" if bold else text
    print(text, end="", flush=True)


def streamed(
    tokenizer: Tokenizer, ids: list[int], steps: Iterator[Any], end: int | None
) -> Iterator[tuple[str, Any | None]]:
    """Text to show with the step that it came from; at the end what is left of a cut character, without a step."""
    from shared_gpt.text.streamer import TextStreamer

    streamer = TextStreamer(tokenizer, ids)
    for step in steps:
        token = step.tokens[0]
        yield "" if token == end else streamer.put(token), step
    yield streamer.end(), None


@dataclass(frozen=True)
class Evaluate:
    """Measure a model's perplexity on a text: among how many tokens it might as well have guessed."""

    weights: str
    """A run's folder, a folder or file with GPT-2's weights, or gpt2, gpt2-medium, gpt2-large, gpt2-xl."""
    text: str = "stories"
    """A text file, a folder of .txt files, a token file, or stories, marren, the-verdict, tiny-shakespeare."""
    stride: OpenInt = None
    """Windows begin every so many tokens; smaller is truer and slower. Default: half the context length."""
    max_tokens: OpenInt = None
    """Only the first so many tokens of the text."""
    tokenizer: OpenText = None
    """By default the one beside the weights, else GPT-2's; otherwise gpt2, stories, characters, or a path."""

    def run(self, twin: ModuleType) -> None:
        import math

        from rich.console import Console
        from rich.progress import Progress

        from shared_gpt.commands.loading import load_model
        from shared_gpt.text.token_file import load_tokens

        model, tokenizer = load_model(twin, self.weights, self.tokenizer)
        tokens = load_tokens(self.text, tokenizer)[: self.max_tokens]
        losses = twin.token_losses(model, tokens, self.stride)
        total = counted = 0
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("reading", total=len(tokens) - 1)
            for loss in losses:
                total, counted = total + float(loss.sum()), counted + len(loss)
                progress.update(task, completed=counted, description=f"perplexity {math.exp(total / counted):.2f}")
        stride = self.stride or max(model.config.context_length // 2, 1)
        n_bytes = len(tokenizer.decode_bytes(tokens[1:].tolist()))
        print(f"perplexity {math.exp(total / counted):.3f} over {counted:,} tokens")
        print(f"loss {total / counted:.4f} nats per token, {total / max(n_bytes, 1) / math.log(2):.4f} bits per byte")
        print(f"windows of {model.config.context_length} tokens, every {stride}; each token but the first counted once")
