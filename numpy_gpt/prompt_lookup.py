"""Prompt look-up: greedy generation with fewer passes over the weights, and the same tokens.

Generating one token reads every weight once; scoring ten tokens reads them once as well, and
takes little longer. So where a text repeats what it has said before (a summary, an answer about
a text, code), the tokens that followed then are a good guess of those that follow now. One pass
scores the whole guess. Up to the first token that the model would not have chosen, it is right.

Source: Leviathan et al. 2023, algorithm 1, for the check of guessed tokens (here for the
likeliest token alone); Saxena 2023, "Prompt Lookup Decoding", for the guess.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from numpy_gpt.generate import SamplingSettings, as_ids
from numpy_gpt.kv_cache import KVCache, read_in_pieces
from numpy_gpt.model import GPTModel
from numpy_gpt.module import evaluation, no_grad
from shared_gpt.checks.generate import (
    check_logits,
    check_lookup,
    check_prompts,
    check_sampling,
)


@dataclass(frozen=True)
class Pass:
    """What one pass gave.

    tokens: the new tokens, all of them guessed but the last, which the model added. guessed:
    how many tokens had been guessed; the share that was right is (len(tokens) - 1) / guessed.
    """

    tokens: list[int]
    guessed: int


def guess(ids: Sequence[int], most: int, ngram: int) -> list[int]:
    """Up to `most` tokens that followed when the end of ids last occurred before: its last
    `ngram` tokens, else fewer of them, at least one."""
    for n in range(min(ngram, len(ids) - 1), 0, -1):
        end = ids[-n:]
        for start in range(len(ids) - n - 1, -1, -1):
            if ids[start : start + n] == end:
                return ids[start + n : start + n + most]
    return []


@no_grad()
def confirm(model: GPTModel, ids: list[int], guessed: list[int], cache: KVCache) -> list[int]:
    """The guessed tokens that greedy generation would have chosen as well, and the token that
    it chooses after them.

    cache holds the beginning of ids; afterwards it holds ids and the confirmed tokens, and has
    forgotten the others.
    """
    new = as_ids(model, [[*ids[cache.length :], *guessed]])
    logits = read_in_pieces(model, new, cache, None, len(guessed) + 1)[0]  # (guessed + 1, V)
    check_logits(float(logits.max()))
    likeliest = logits.argmax(axis=-1).tolist()
    right = 0
    while right < len(guessed) and guessed[right] == likeliest[right]:
        right += 1
    cache.truncate(len(ids) + right)
    return likeliest[: right + 1]


def lookup_passes(
    model: GPTModel,
    ids: Sequence[int],
    max_new_tokens: int,
    *,
    num_tokens: int = 10,
    ngram: int = 3,
    eos_id: int | None = None,
) -> Iterator[Pass]:
    """What `generate` writes with temperature 0, pass by pass; meanwhile the model is in
    evaluation mode.

    ids: one prompt. num_tokens: how many tokens to guess at most. ngram: how many tokens are
    looked up, at first. The text past the context length is cut as in `generate`. Two tokens
    whose logits are equal up to rounding may change places, since a product of more rows rounds
    differently.
    """
    settings = SamplingSettings(eos_id=eos_id)
    check_sampling(settings, max_new_tokens, 0, model.config)
    check_lookup(num_tokens, ngram)
    (seen,) = check_prompts([ids], model.config)
    context_length = model.config.context_length
    seen = seen[-context_length:]
    cache = KVCache(model.config, min(len(seen) + max_new_tokens, context_length))

    def passes() -> Iterator[Pass]:
        left = max_new_tokens
        with evaluation(model):
            while left > 0:
                room = min(num_tokens, context_length - len(seen), left - 1)
                guessed = guess(seen, room, ngram)
                tokens = confirm(model, seen, guessed, cache)
                if eos_id in tokens:
                    tokens = tokens[: tokens.index(eos_id) + 1]
                yield Pass(tokens, len(guessed))
                if tokens[-1] == eos_id:
                    return
                left -= len(tokens)
                seen.extend(tokens)
                if len(seen) > context_length:
                    del seen[: -max(context_length // 2, 1)]
                    cache.reset()

    return passes()
