"""Generation: a text goes on one token at a time, each chosen from the logits of all before it.

There is no cache: each step computes all that a row sees. Rows of unequal length are filled on the right, which no earlier
token sees. Past the context length a row sees the end of its text, cut as in the twins.
"""

from collections import namedtuple

import keras
import numpy as np
import tensorflow as tf

from shared_gpt.checks.generate import check_logits, check_prompts, check_sampling

# How tokens are chosen: the twins' keywords and defaults, but that there is no cache. temperature 0 takes the likeliest token.
# Above it rng (None: fresh numbers) draws one uniform number for each row and step, as in the twins, so that the same seed
# gives the same tokens.
SamplingSettings = namedtuple(
    "SamplingSettings",
    "temperature top_k top_p repetition_penalty eos_id rng use_cache",
    defaults=(0.0, None, None, None, None, None, False),
)
# tokens: each row's new token, None once the row has ended; candidates: for each row the likeliest tokens with their chances.
Step = namedtuple("Step", "tokens candidates")


def generate(model, ids, max_new_tokens, **settings):
    """Each prompt with its continuation, as lists of ids; a row that meets eos_id ends with it.

    ids: an array (B, T), or a list of id lists of any lengths. settings: keywords of SamplingSettings.
    """
    rows = check_prompts(ids, model.config)
    for step in stream(model, rows, max_new_tokens, **settings):
        for row, token in zip(rows, step.tokens):
            if token is not None:
                row.append(token)
    return rows


def stream(model, ids, max_new_tokens, *, candidates=0, **settings):
    """What `generate` does, step by step, until every row has ended.

    candidates: how many of the likeliest tokens each step reports. settings: keywords of SamplingSettings.
    """
    s = SamplingSettings(**settings)
    check_sampling(s, max_new_tokens, candidates, model.config)
    if s.use_cache:
        raise ValueError("tensorflow_gpt has no cache; leave use_cache out, or generate with numpy_gpt or torch_gpt.")
    rows = check_prompts(ids, model.config)
    rng = np.random.default_rng() if s.rng is None else s.rng
    shown = s if s.temperature else SamplingSettings(temperature=1.0)

    def steps():
        seen = [row[-model.config.context_length :] for row in rows]
        ended = [False] * len(rows)
        for _ in range(max_new_tokens):
            logits = next_logits(model, seen)
            if s.repetition_penalty is not None:
                logits = penalize(logits, rows, s.repetition_penalty)
            p = probabilities(logits, shown)
            tokens = draw(p, rng.random(len(rows))) if s.temperature else tf.argmax(logits, -1).numpy().tolist()
            yield Step([None if end else t for t, end in zip(tokens, ended)], likeliest(p, candidates))
            ended = [end or token == s.eos_id for token, end in zip(tokens, ended)]
            if all(ended):
                return
            for row, view, token in zip(rows, seen, tokens):
                row.append(token)
                view.append(token)
                if len(view) > model.config.context_length:
                    del view[: -max(model.config.context_length // 2, 1)]

    return steps()


def next_logits(model, rows):
    """The logits (B, V) behind the last token of each row, in float64."""
    ids = keras.utils.pad_sequences(rows, padding="post")
    logits = tf.gather(model.logits(ids), [len(row) - 1 for row in rows], batch_dims=1)
    check_logits(float(tf.reduce_max(logits)))
    return tf.cast(logits, tf.float64)


def penalize(logits, rows, penalty):
    """The logits of tokens that a row holds already, divided by the penalty where positive, else multiplied by it."""
    seen = tf.stack([tf.reduce_any(tf.one_hot(row, logits.shape[-1], True, False, dtype=tf.bool), 0) for row in rows])
    return tf.where(seen, tf.where(logits > 0, logits / penalty, logits * penalty), logits)


def probabilities(logits, s):
    """softmax(logits / temperature), cut to the top_k likeliest tokens, then to the nucleus of top_p; ties stay."""
    z = (logits - tf.reduce_max(logits, axis=-1, keepdims=True)) / s.temperature
    if s.top_k is not None:
        least = tf.math.top_k(z, min(s.top_k, z.shape[-1])).values[:, -1:]
        z = tf.where(z < least, -np.inf, z)
    p = tf.nn.softmax(z)
    if s.top_p is not None and s.top_p < 1:
        descending = tf.sort(p, direction="DESCENDING")
        inside = tf.cumsum(descending, axis=-1, exclusive=True) < s.top_p
        p = tf.where(p < tf.reduce_min(tf.where(inside, descending, 1), axis=-1, keepdims=True), 0, p)
        p /= tf.reduce_sum(p, axis=-1, keepdims=True)
    return p


def draw(p, u):
    """For each row the first token whose cumulative probability exceeds u, uniform in [0, 1)."""
    cumulative = tf.cumsum(p, axis=-1)
    return tf.searchsorted(cumulative, u[:, None] * cumulative[:, -1:], side="right")[:, 0].numpy().tolist()


def likeliest(p, n):
    """For each row the n likeliest tokens with their probabilities, none of probability 0."""
    top = tf.math.top_k(p, min(n, p.shape[-1]))
    rows = zip(top.indices.numpy().tolist(), top.values.numpy().tolist())
    return [[(token, chance) for token, chance in zip(*row) if chance > 0] for row in rows]
