"""Part 2, forward: from softmax to a model that writes."""

from exercises.exercise import Exercise, Question
from exercises.probes import forward as probes
from numpy_gpt import GPTConfig, GPTModel

F, L, A, B, S = (f"numpy_gpt.{room}" for room in ("functional", "layers", "attention", "block", "sampling"))
SIZES = GPTConfig(vocab_size=50, context_length=16, emb_dim=12, n_heads=3, n_layers=2)


EXERCISES = (
    Exercise(
        "softmax", "forward", "implement", 15, 1,
        task="""Scores to probabilities, along the last axis.

x: any number of axes. p_s = exp(x_s) / Σ_j exp(x_j), each row for itself. It must hold for
numbers near 10,000 too, and a row that is -inf throughout (a query that may see no key) gives
zeros, not NaN.""",
        hints=(
            "exp(10000) is infinite. The quotient does not change if you take the same number off every x of a row.",
            "Take off the maximum of each row: x.max(axis=-1, keepdims=True). Then no exponent is positive.",
            "In a row of -inf alone that would be -inf - (-inf) = NaN; max(..., initial=np.finfo(x.dtype).min) keeps the "
            "maximum finite, and np.maximum(sum, 1) keeps you from dividing by 0: an unmasked row's sum is at least 1.",
        ),
        targets=(f"{F}.softmax",), probe=probes.softmax, checks=("one pass", "left padding"),
    ),
    Exercise(
        "log-sum-exp", "forward", "implement", 10, 1,
        task="""The logarithm of a sum of exponentials, without overflow.

x: (N, V), finite. For each of the N rows log Σ_v exp(x_v). The loss is computed through it.""",
        hints=(
            "log Σ exp(x) = m + log Σ exp(x - m) for any number m.",
            "With m = the row's maximum, the largest term of the sum is exp(0) = 1: nothing overflows, and the sum is not 0.",
            "The result has N numbers: m has shape (N, 1) if you kept its axis, so add m[:, 0].",
        ),
        targets=(f"{F}.logsumexp",), probe=probes.logsumexp, checks=("one pass",),
    ),
    Exercise(
        "gelu", "forward", "implement", 10, 1,
        task="""GPT-2's activation function, in its tanh form.

x: any shape. y = x (1 + tanh u) / 2 with u = √(2/π) (x + 0.044715 x³).""",
        hints=(
            "Every operation is elementwise; nothing depends on the shape.",
            "math.sqrt(2 / math.pi), not np.sqrt: NumPy's gives a float64 number, which would turn float32 arrays into float64.",
            "0.5 * x * (1 + np.tanh(u)). The form with erf is another function; it differs in the fourth digit.",
        ),
        targets=(f"{F}.gelu",), withheld=(f"{F}._gelu_argument",), probe=probes.gelu, checks=("one pass",),
    ),
    Exercise(
        "layer-norm", "forward", "implement", 15, 1,
        task="""Bring each row to mean 0 and variance 1, then scale and shift.

x: (..., C); weight and bias: (C,). y = (x - μ) / √(σ² + eps) · weight + bias, with the mean μ and
the variance σ² of each row: the mean of the squares, divided by C and not by C - 1.""",
        hints=(
            "Both statistics go over the last axis and keep it: keepdims=True, so that they fit x again.",
            "The variance is the mean of (x - μ)². The shortcut E[x²] - E[x]² loses its digits where the mean is large.",
            "eps stands under the root: np.sqrt(variance + eps). x.var(axis=-1) divides by C, as it should.",
        ),
        targets=(f"{F}.layer_norm",), withheld=(f"{F}._normalize",), probe=probes.layer_norm, checks=("one pass",),
    ),
    Exercise(
        "linear", "forward", "implement", 15, 1,
        task="""y = x Wᵀ + b.

self.weight.data: (out, in). self.bias: None, or a Parameter whose data has shape (out,). x:
(..., in), with any number of leading axes. Before you return, keep x for the backward pass:
self.save_for_backward(x).""",
        hints=(
            "x @ self.weight.data.T multiplies the last axis of x, whatever stands before it.",
            "self.bias may be None: ask before you add self.bias.data.",
            "Work on one matrix of rows, x.reshape(-1, in), and bring y back to x.shape[:-1] + (out,); or leave it to @.",
        ),
        targets=(f"{L}.Linear.forward",), probe=probes.linear, checks=("one pass",),
    ),
    Exercise(
        "embedding", "forward", "implement", 5, 1,
        task="""A table's rows, by their numbers.

self.weight.data: (rows, C). ids: whole numbers of any shape. The result has one more axis than
ids, C long. Keep ids for the backward pass: self.save_for_backward(ids).""",
        hints=(
            "A Linear on one-hot vectors would do it, with almost all products by zero. Indexing does the same.",
            "NumPy takes an array of whole numbers as an index: table[ids] has shape ids.shape + (C,).",
            "Save first, then return self.weight.data[ids].",
        ),
        targets=(f"{L}.Embedding.forward",), probe=probes.embedding, checks=("one pass",),
    ),
    Exercise(
        "attention-without-weights", "forward", "implement", 15, 1,
        task="""The first step to attention: every row becomes a mixture of all rows.

x: (T, C), a sequence of T vectors. The score of position s for query t is the dot product of
their vectors; softmax makes weights of each row of scores, and the result is the weighted sum of
all vectors.""",
        hints=(
            "All dot products of a sequence with itself are one matrix product of shape (T, T).",
            "scores = x @ x.T; row t holds the scores of query t. softmax goes along the last axis.",
            "The weighted sums are a matrix product too: weights (T, T) times x (T, C).",
        ),
        targets=("exercises.ladder.attention_without_weights",), probe=probes.attention_without_weights,
    ),
    Exercise(
        "attention-one-head", "forward", "implement", 15, 1,
        task="""The second step: what is asked, what answers and what is passed on are learnt.

x: (T, C). W_query, W_key, W_value: (D, C), as in a Linear. q, k and v are x through each of
them, (T, D). The scores are q kᵀ, divided by √D so that they do not grow with D.""",
        hints=(
            "A weight of shape (out, in) is transposed in the product: x @ W_query.T.",
            "The scale is 1/√D, with D the width of q and k, not of x; and a root, not D itself.",
            "softmax(q @ k.T / math.sqrt(D)) @ v, with D = q.shape[-1].",
        ),
        targets=("exercises.ladder.attention_with_one_head",), probe=probes.attention_with_one_head,
    ),
    Exercise(
        "attention-causal", "forward", "implement", 15, 2,
        task="""The third step: no position may look ahead.

As with one head, but query t gives weight to the positions 0 ... t alone. Otherwise the model
could copy the token that it is to predict.""",
        hints=(
            "Mask the scores before softmax, not the weights after it: the rest must still sum to 1.",
            "A score of -inf becomes a weight of exp(-inf) = 0.",
            "np.arange(T) > np.arange(T)[:, None] is True where the key (column) lies after the query (row).",
        ),
        targets=("exercises.ladder.causal_attention",), probe=probes.causal_attention,
    ),
    Exercise(
        "causal-mask", "forward", "implement", 20, 2,
        task="""Which keys must each query not see?

T: queries, S: keys, S ≥ T. The last query belongs to the last key: with a cache the queries are
the newest positions only, so count from the lower right. padding: None, or for each row of a
batch how many keys at its start are filler, which no query sees. Gives True where the key is
hidden: (T, S), and with padding (B, 1, T, S).""",
        hints=(
            "Without a cache S = T, and query t must not see the keys after t.",
            "Query t stands at position t + (S - T). Compare np.arange(S) with these positions, set up as a column.",
            "Filler: np.arange(S) < padding[:, None, None, None] has shape (B, 1, 1, S); join the two with |.",
        ),
        targets=(f"{A}.hidden_keys",), probe=probes.hidden_keys,
        checks=("one pass", "pieces through the cache", "left padding"),
    ),
    Exercise(
        "find-mask", "forward", "find", 10, 1,
        task="""One line of this causal mask is wrong.

It is right in training, and wrong as soon as keys come from a cache. Name the line, by the number
it had when you got the file, and mend it.""",
        hints=(
            "Try T = 1, S = 5 in your head: the newest position asks, and five keys are there. Which may it see?",
            "np.triu makes such a mask from the upper left. Where should query 0 of T stand among S keys?",
            "Query t stands at position t + (S - T).",
        ),
        targets=(f"{A}.hidden_keys",), probe=probes.hidden_keys, mistake="the mask from the upper left",
        checks=("pieces through the cache",),
    ),
    Exercise(
        "attention-shapes", "forward", "derive", 10, 1,
        task="""The shapes in multi-head attention.

B = 2 sequences of T = 5 tokens, C = 12 features, H = 3 heads.""",
        hints=(
            "Each head gets C / H features.",
            "Heads stand beside the batch, so that each has its own matrix of scores: (B, H, T, D).",
            "Every query has a score for every key: (B, H, T, T).",
        ),
        questions=(
            Question("qkv", "What c_attn gives (queries, keys and values side by side):", lambda: (2, 5, 36), "three times C features"),
            Question("head_size", "D, the width of one head:", lambda: SIZES.head_dim, "C / H"),
            Question("q", "The queries of all heads:", lambda: (2, 3, 5, SIZES.head_dim), "(B, H, T, D)"),
            Question("scores", "The scores:", lambda: (2, 3, 5, 5), "one for each query and key, for each head"),
            Question("largest_parameter", "The shape of c_attn.weight:",
                     lambda: GPTModel(SIZES).h[0].attn.c_attn.weight.shape, "(out, in), with out = 3 C"),
        ),
    ),
    Exercise(
        "heads", "forward", "implement", 20, 2,
        task="""Split the features into heads, and merge them again.

split_heads: x (B, T, C) to (B, H, T, D), head h with features h D ... (h + 1) D. merge_heads is
its inverse. Both only move numbers.""",
        hints=(
            "The features of a token lie side by side: reshape the last axis alone, (B, T, C) to (B, T, H, D).",
            "Then H and T have to change places: swapaxes(1, 2). A reshape to (B, H, T, D) has the right shape and mixes tokens.",
            "Backwards in the opposite order: first swapaxes(1, 2), then reshape to (B, T, H * D).",
        ),
        targets=(f"{A}.split_heads", f"{A}.merge_heads"), probe=probes.heads, checks=("one pass",),
    ),
    Exercise(
        "attention", "forward", "implement", 45, 3,
        task="""Multi-head attention, the forward pass.

x: (B, T, C). self.c_attn makes queries, keys and values side by side, (B, T, 3C); self.n_heads
heads, each D = C / H wide. cache: None, or an object whose append(k, v) adds these keys and
values to the earlier ones and gives all of them. padding: goes to hidden_keys(T, S, padding).
After softmax comes self.attn_dropout, after self.c_proj comes self.resid_dropout. Keep for
backward, in this order: q, k, v, p, dropped (the weights after dropout).""",
        hints=(
            "split_heads(qkv, 3 * H) splits all at once: the first H heads are queries, the next H keys, the last H values.",
            "scores = q @ k.swapaxes(-1, -2) over √D; hidden keys get -inf; p = softmax(scores).",
            "context = dropped @ v, then merge_heads, self.c_proj, self.resid_dropout. T = q.shape[2], S = k.shape[2].",
        ),
        targets=(f"{A}.MultiHeadAttention.forward",), probe=probes.multi_head_attention, keep_docstring=False,
        checks=("one pass", "dropout on", "pieces through the cache", "left padding"),
    ),
    Exercise(
        "predict-scale", "forward", "predict", 10, 2,
        task="""What will the report say?

In MultiHeadAttention.forward someone divides the scores by √C, the width of the model, where √D,
the width of a head, belongs. The report compares every module, in the order of time.""",
        hints=(
            "The report names the first value that differs. What is computed from the scores before anything leaves attention?",
            "Nothing is wrong before the first block's attention, and softmax is no module with a name of its own.",
            "The weights go from attention to its dropout: the value is `what it hands to attn_dropout`.",
        ),
        mistake="scores over √C", targets=(f"{A}.MultiHeadAttention.forward",), probe=probes.multi_head_attention,
        checks=("one pass",),
    ),
    Exercise(
        "feed-forward", "forward", "implement", 10, 1,
        task="""Each position by itself: wider, through GELU, and back.

x: (B, T, C). The parts are self.c_fc (C to 4C), self.gelu, self.c_proj (4C to C) and
self.dropout. A part is called like a function.""",
        hints=(
            "Four calls, one after the other.",
            "The activation stands between the two Linears; without it they would be one.",
            "self.dropout(self.c_proj(self.gelu(self.c_fc(x)))).",
        ),
        targets=(f"{B}.FeedForward.forward",), probe=probes.feed_forward, checks=("one pass", "dropout on"),
    ),
    Exercise(
        "block", "forward", "implement", 10, 1,
        task="""A transformer block: attention, then feed-forward, each beside a road that passes it by.

x: (B, T, C). x + attn(ln_1(x)), then the same with ln_2 and mlp. cache and padding go on to
self.attn as they come.""",
        hints=(
            "The norm stands before each part, not after it, and not on the road that passes by.",
            "The second half starts from what the first gave, not from the x that came in.",
            "x = x + self.attn(self.ln_1(x), cache, padding), then one more line. Not +=: x belongs to the caller.",
        ),
        targets=(f"{B}.TransformerBlock.forward",), probe=probes.transformer_block, keep_docstring=False,
        checks=("one pass", "pieces through the cache", "left padding"),
    ),
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
