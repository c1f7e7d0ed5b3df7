"""Generation: a text goes on one token at a time, each chosen from the logits of all before it.

`generate_text_simple` is the whole idea. `generate` adds chance, batches of unequal prompts,
and a cache with which a new token costs the work of one position. `stream`, from which it is
built, hands out each step as it is made.

Past the context length a row sees the end of its text. What it sees, once it has outgrown
context_length, is cut to the last context_length // 2 tokens, which then begin at position 0.
As positions are absolute, every cached key is void then; the room of half a context makes that
rare. (Cut by one token only, as in generate_text_simple, it would happen at every token.) A
prompt that is longer begins with its last context_length tokens. The rule looks at each row
alone, so a row's text depends neither on its neighbours nor on the cache.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from shared_gpt.checks.generate import (
    check_logits,
    check_prompts,
    check_sampling,
    check_window,
)
from torch_gpt.attention import attention_record
from torch_gpt.kv_cache import KVCache, read_in_pieces
from torch_gpt.model import GPTModel
from torch_gpt.module import evaluation, no_grad
from torch_gpt.sampling import draw, likeliest, penalize_repetition, probabilities
from torch_gpt.shapes import Array, Float, Int

Prompts = Int[Array, "B T"] | Sequence[Sequence[int]]


@no_grad()
def generate_text_simple(
    model: GPTModel, ids: Int[Array, "B T"], max_new_tokens: int, context_size: int
) -> Int[Array, "B T_out"]:
    """ids and, after them, max_new_tokens likeliest tokens, each chosen from the context_size
    tokens before it."""
    check_window(max_new_tokens, context_size, model.config)
    for _ in range(max_new_tokens):
        logits = model(ids[:, -context_size:])[:, -1]
        check_logits(float(logits.max()))
        next_ids = logits.argmax(dim=-1)
        ids = torch.cat([ids, next_ids[:, None]], dim=1)
    return ids


@contextmanager
def recorded_attention() -> Iterator[list[Array]]:
    """A list to which every attention that this thread runs adds its weights (B, H, T, S),
    first block first."""
    attention_record.maps = maps = []
    try:
        yield maps
    finally:
        attention_record.maps = None


def as_ids(model: GPTModel, rows: Sequence[Sequence[int]]) -> Int[Array, "B T"]:
    """Rows of one length as what the model takes."""
    return torch.tensor(rows, device=model.wte.weight.device)


@no_grad()
def attention_maps(model: GPTModel, ids: Prompts) -> Float[Array, "n_layers B H T T"]:
    """How much each position (last axis but one) sees of each (last axis), by block and head;
    what one position sees sums to 1."""
    rows = check_prompts(ids, model.config)
    if len(set(map(len, rows))) > 1:
        lengths = [len(row) for row in rows]
        raise ValueError(f"The prompts have {lengths} tokens; give prompts of one length.")
    with evaluation(model), recorded_attention() as maps:
        model(as_ids(model, rows), last=1)
    return torch.stack(maps).cpu()


class VisibleTokens:
    """What the next token of each row can see, and the keys and values already computed for
    it."""

    def __init__(self, model: GPTModel, rows: Sequence[Sequence[int]], cache: KVCache | None):
        self.model = model
        self.rows = [list(row[-model.config.context_length :]) for row in rows]
        self.cache = cache
        self.padding: Int[Array, " B"] | None = None

    @no_grad()
    def next_logits(
        self, attention: bool
    ) -> tuple[Float[Array, "B V"], Float[Array, "n_layers B H S"] | None]:
        """The logits of each row's next token, from all it sees, or from its last token and the
        cache; if asked for, also the attention weights of that last token.

        Shorter rows begin with padding, so that all end together.
        """
        if self.cache is None or self.cache.length == 0:
            T = max(map(len, self.rows))
            padding = [T - len(row) for row in self.rows]
            self.padding = as_ids(self.model, [padding])[0] if any(padding) else None
            ids = as_ids(self.model, [[0] * n + row for n, row in zip(padding, self.rows)])
        else:
            ids = as_ids(self.model, [row[-1:] for row in self.rows])
        with recorded_attention() if attention else nullcontext() as maps:
            logits = read_in_pieces(self.model, ids, self.cache, self.padding, last=1)[:, -1]
        check_logits(float(logits.max()))
        if attention:  # the last piece's maps alone hold the last token
            maps = torch.stack([p[:, :, -1] for p in maps[-self.model.config.n_layers :]])
        return logits, maps

    def append(self, tokens: Sequence[int]) -> None:
        """Add each row's new token. Where a row has outgrown the context it is cut, and then
        all rows begin a fresh cache."""
        context_length = self.model.config.context_length
        for row, token in zip(self.rows, tokens):
            row.append(token)
            if len(row) > context_length:
                del row[: -max(context_length // 2, 1)]
                if self.cache is not None:
                    self.cache.reset()


@dataclass(frozen=True)
class SamplingSettings:
    """How tokens are chosen: the keywords that `generate` and `stream` share.

    temperature: 0 takes the likeliest token; above it tokens are drawn from softmax(logits /
    temperature), cut to the top_k likeliest and to the nucleus of top_p. repetition_penalty:
    see sampling.penalize_repetition. eos_id: the token that ends a row. rng draws (None: fresh
    numbers at each call). use_cache: False computes each step from the whole text.
    """

    temperature: float = 0.0
    top_k: int | None = None
    top_p: float | None = None
    repetition_penalty: float | None = None
    eos_id: int | None = None
    rng: np.random.Generator | None = None
    use_cache: bool = True


@dataclass(frozen=True)
class Step:
    """One step of generation.

    tokens: each row's new token, None once the row has ended. candidates: for each row the
    likeliest tokens with their probabilities, the largest first. attention: how much the
    position that chose the token saw of each position before it, (n_layers, B, H, S); the
    shorter rows of a batch begin with padding, which nobody sees.
    """

    tokens: list[int | None]
    candidates: list[list[tuple[int, float]]] = field(default_factory=list)
    attention: Array | None = None


def stream(
    model: GPTModel,
    ids: Prompts,
    max_new_tokens: int,
    *,
    candidates: int = 0,
    attention: bool = False,
    **settings: Any,
) -> Iterator[Step]:
    """What `generate` does, step by step, until every row has ended; meanwhile the model is in
    evaluation mode.

    candidates: how many of the likeliest tokens each step reports, with the probabilities that
    it drew from (with temperature 0, which draws nothing, those at temperature 1). attention:
    whether it reports attention weights. settings: keywords of SamplingSettings.
    """
    s = SamplingSettings(**settings)
    check_sampling(s, max_new_tokens, candidates, model.config)
    rows = check_prompts(ids, model.config)
    rng = np.random.default_rng() if s.rng is None else s.rng
    capacity = min(max(map(len, rows)) + max_new_tokens, model.config.context_length)
    visible = VisibleTokens(
        model, rows, KVCache(model.config, capacity) if s.use_cache else None
    )

    def steps() -> Iterator[Step]:
        ended = [False] * len(rows)
        with evaluation(model):
            for _ in range(max_new_tokens):
                logits, maps = visible.next_logits(attention)
                if s.repetition_penalty is not None:
                    logits = penalize_repetition(logits, rows, s.repetition_penalty)
                if s.temperature > 0:
                    p = probabilities(logits, s.temperature, s.top_k, s.top_p)
                    tokens = draw(p, rng.random(len(rows))).tolist()
                else:
                    p = probabilities(logits) if candidates else None
                    tokens = logits.argmax(dim=-1).tolist()
                new = [None if end else token for token, end in zip(tokens, ended)]
                yield Step(new, likeliest(p, candidates) if candidates else [], maps)
                ended = [end or token == s.eos_id for token, end in zip(tokens, ended)]
                if all(ended):
                    return
                visible.append(tokens)
                for row, token in zip(rows, tokens):
                    row.append(token)

    return steps()


def generate(
    model: GPTModel, ids: Prompts, max_new_tokens: int, **settings: Any
) -> list[list[int]]:
    """Each prompt with its continuation, as lists of ids; a row that meets eos_id ends with it.

    ids: an array (B, T), or a list of id lists of any lengths. settings: keywords of
    SamplingSettings. Raises ValueError for a setting or an id that means nothing, before any
    work.
    """
    rows = check_prompts(ids, model.config)
    for step in stream(model, rows, max_new_tokens, **settings):
        for row, token in zip(rows, step.tokens):
            if token is not None:
                row.append(token)
    return rows
