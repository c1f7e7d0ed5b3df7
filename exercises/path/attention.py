"""Part 2, forward: attention, step by step, and the block around it."""

from exercises.exercise import Exercise, Question
from exercises.probes import attention as probes
from numpy_gpt import GPTConfig, GPTModel

A, B = "numpy_gpt.attention", "numpy_gpt.block"
SIZES = GPTConfig(vocab_size=50, context_length=16, emb_dim=12, n_heads=3, n_layers=2)

EXERCISES = (
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
            Question("qkv", "What c_attn gives (queries, keys and values side by side):", lambda: (2, 5, 36),
                     "three times C features"),
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
)  # fmt: skip
