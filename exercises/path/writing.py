"""Part 2, forward: the whole model, its loss, and choosing the next token."""

from exercises.exercise import Exercise
from exercises.probes import writing as probes

S = "numpy_gpt.sampling"

EXERCISES = (
    Exercise(
        "model", "forward", "implement", 35, 3,
        task="""The whole GPT, forward.

ids: (B, T). self.wte embeds tokens, self.wpe positions (B, T); their sum goes through self.drop,
every block of self.h, self.ln_f and self.lm_head. cache: None, or keys and values of the
cache.length positions before these; block i gets cache[i]. padding: None, or how many tokens at
the start of each row are filler: positions do not count these (and are at least 0). last: None,
or how many last positions the logits are wanted for.""",
        hints=(
            "Positions go from past to past + T, with past = cache.length, or 0. np.broadcast_to makes them (B, T).",
            "With padding: np.maximum(positions - padding[:, None], 0). Blocks: block(x, cache[i] or None, padding).",
            "last: x = x[:, -last:] before ln_f, so that the head, the most expensive part, computes no more than is asked for.",
        ),
        targets=("numpy_gpt.model.GPTModel.forward",), probe=probes.gpt_model, keep_docstring=False,
        checks=("one pass", "pieces through the cache", "left padding"),
    ),
    Exercise(
        "initial-weights", "forward", "implement", 20, 2,
        task="""GPT-2's first weights.

rng: draws. For every parameter with two axes, in the order of self.named_parameters(), draw
rng.standard_normal(shape, np.float32) once and write it, times a deviation, into parameter.data:
0.02; 0.01 for wpe.weight; and 0.02 / √(2 n_layers) where the name ends with c_proj.weight, since
these write into the residual stream. Biases and gains stay as they are.""",
        hints=(
            "len(parameter.shape) == 2 tells matrices and tables from biases and gains.",
            "A block writes into the residual stream twice, hence 2 n_layers summands: the root of that keeps the variance.",
            "parameter.data[...] = draw keeps the array and its dtype; parameter.data = draw would part a tied head from wte.",
        ),
        targets=("numpy_gpt.model.GPTModel.initialize",), probe=probes.initial_weights, keep_docstring=False,
        checks=("initial weights",),
    ),
    Exercise(
        "cross-entropy", "forward", "implement", 25, 2,
        task="""How surprised was the model?

logits: (..., V). targets: whole numbers of the shape before V. The mean of log Σ_v exp(z_v) -
z_target over the n targets that are not self.ignore_index; 0 where none is left. A number, not an
array. Keep for backward, in this order: logits as they came, targets as one row (ignored ones
replaced by 0), counted (which were not ignored), lse (log-sum-exp of each row), n (at least 1).""",
        hints=(
            "rows = logits.reshape(-1, V); logsumexp(rows) gives one number for each.",
            "rows[np.arange(len(rows)), targets] picks each row's target. An ignored target, -100, is no index: put 0 there.",
            "np.where(counted, lse - picked, 0).sum() / n. The mean is over counted targets, not over all rows.",
        ),
        targets=("numpy_gpt.loss.CrossEntropy.forward",), probe=probes.cross_entropy, checks=("one pass",),
    ),
    Exercise(
        "generate-text", "forward", "implement", 15, 1,
        task="""Let the model write.

ids: (B, T), the prompts. Add max_new_tokens tokens to each row, one at a time: the likeliest one
after the last context_size tokens. The result holds the prompt too.""",
        hints=(
            "model(...) gives logits for every position; the next token hangs on those of the last one alone.",
            "ids[:, -context_size:] is what the model may see. argmax over the last axis chooses.",
            "np.concatenate([ids, next_ids[:, None]], axis=1) adds a column; that is next step's input.",
        ),
        targets=("numpy_gpt.generate.generate_text_simple",), probe=probes.generate_text_simple,
    ),
    Exercise(
        "kv-cache", "forward", "implement", 20, 2,
        task="""Keep the keys and values of tokens already seen.

k, v: (B, H, T, D), the newest T positions. When the first come, make self.keys and self.values:
zeros of shape (B, H, self.capacity, D) and k's dtype. Write the new ones behind the self.length
that are there, move self.length on, and give all keys and all values so far, (B, H, S, D) each. More
than self.capacity is a ValueError: check_cache(B, end, len(self.keys), self.capacity) raises it.""",
        hints=(
            "self.keys is None until the first call.",
            "start, end = self.length, self.length + T; write into self.keys[:, :, start:end].",
            "Return self.keys[:, :, :end]: only what is filled, old and new. Do not forget self.length = end.",
        ),
        targets=("numpy_gpt.kv_cache.LayerCache.append",), probe=probes.layer_cache, checks=("pieces through the cache",),
    ),
    Exercise(
        "temperature", "forward", "implement", 15, 2,
        task="""From logits to probabilities, bolder or more careful.

logits: (B, V). In float64: softmax(logits / temperature), then cut by keep_top_k(z, top_k) before
the softmax and by keep_top_p(p, top_p) after it, where these are given. It must hold for a
temperature of 1e-306 too.""",
        hints=(
            "A small temperature makes the quotients huge: take the maximum off each row before you divide.",
            "logits.astype(np.float64) copies, so you may work in place from there.",
            "top_k works on scores (z), top_p on probabilities (p); None means: leave it out.",
        ),
        targets=(f"{S}.probabilities",), probe=probes.probabilities, checks=("sampling",),
    ),
    Exercise(
        "top-k", "forward", "implement", 15, 1,
        task="""Keep the k likeliest tokens.

z: (B, V), scores. All but the top_k largest of each row become -inf; those equal to the k-th stay
too. top_k may be larger than V: then all stay.""",
        hints=(
            "You need the k-th largest of each row; then everything below it goes.",
            "np.sort(z, axis=-1)[:, -k], or np.partition, which need not sort all.",
            "np.where(z < least[:, None], -np.inf, z): strictly below, so that equals stay.",
        ),
        targets=(f"{S}.keep_top_k",), probe=probes.keep_top_k, checks=("sampling",),
    ),
    Exercise(
        "top-p", "forward", "implement", 25, 3,
        task="""Keep the nucleus.

p: (B, V), probabilities. Of each row the fewest likeliest tokens whose sum reaches top_p stay,
and those as likely as the last of them; the rest become 0, and each row is scaled to sum to 1.""",
        hints=(
            "Sort each row from the likeliest down, and add up: np.cumsum.",
            "A token stays if the sum of those before it is still below top_p; so the first always stays.",
            "The least probability that stays is a threshold: np.where(before < top_p, descending, 1).min(axis=-1).",
        ),
        targets=(f"{S}.keep_top_p",), probe=probes.keep_top_p, checks=("sampling",),
    ),
)  # fmt: skip
