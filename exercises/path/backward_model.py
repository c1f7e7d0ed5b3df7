"""Part 3, backward: attention, the block, the loss and the whole model."""

import math

from exercises.exercise import Exercise, Question
from exercises.probes import backward as probes

A, B = "numpy_gpt.attention", "numpy_gpt.block"

EXERCISES = (
    Exercise(
        "attention-by-hand", "backward", "derive", 20, 2,
        task="""How gradients pass through attention.

One head with T = 3 queries, S = 3 keys and D = 4. context = p @ v; scores = q @ kᵀ / √D.""",
        hints=(
            "A gradient has the shape of what it belongs to.",
            "Of c = p v: dp = dc vᵀ and dv = pᵀ dc. Check that the shapes fit.",
            "dk = dscoresᵀ q / √D: each key collects from all queries that looked at it.",
        ),
        questions=(
            Question("dp_shape", "The shape of dp:", lambda: (3, 3), "the shape of p"),
            Question("scale", "By what number is dscores multiplied on its way to dq?", lambda: 1 / math.sqrt(4), "1/√D"),
            Question("masked", "A key was hidden from a query: p = 0 there. What is dscores there?", lambda: 0,
                     "softmax's backward multiplies by p"),
            Question("key_bias", "What is the gradient of a bias that is added to every key?", lambda: 0,
                     "it adds one number to a whole row of scores, which softmax does not feel"),
        ),
    ),
    Exercise(
        "attention-backward", "backward", "implement", 45, 3,
        task="""Back through multi-head attention.

q, k, v, p, dropped = self.pop_saved(), in the order in which forward saved them; dropped is p after
attn_dropout. dy: (B, T, C). Go the forward pass back line by line: every part has a backward of its
own, which also collects its parameters' gradients. Give what self.c_attn.backward gives.""",
        hints=(
            "Backwards: resid_dropout, c_proj, merge_heads (its backward is split_heads), the product with v, attn_dropout, "
            "softmax, the scale, the product of q and k, split_heads, c_attn.",
            "dv = droppedᵀ dcontext, with swapaxes(-1, -2) for the transpose; ddropped = dcontext vᵀ. All are (B, H, ., .).",
            "dq = dscores @ k, dk = dscoresᵀ @ q, both times 1/√D; "
            "np.concatenate([dq, dk, dv], axis=1), merge_heads, c_attn.backward.",
        ),
        targets=(f"{A}.MultiHeadAttention.backward",), probe=probes.attention_backward, keep_docstring=False,
        shown=(f"{A}.MultiHeadAttention.forward",), checks=("one pass", "dropout on", "two passes wait"),
    ),
    Exercise(
        "find-attention", "backward", "find", 15, 2,
        task="""One line of this attention backward is wrong.

Every shape fits, and dropout is handled well. Name the line, by the number it had when you got the
file, and mend it.""",
        hints=(
            "In training T = S, so a square matrix and its transpose have one shape. Where would you expect a transpose?",
            "context = dropped @ v and scores = q @ kᵀ: of each product one gradient takes the left factor transposed.",
            "A key collects from all queries: dk_s = Σ_t dscores_ts q_t. Which axis does the file sum over?",
        ),
        targets=(f"{A}.MultiHeadAttention.backward",), probe=probes.attention_backward, mistake="dk not transposed",
    ),
    Exercise(
        "feed-forward-backward", "backward", "implement", 10, 1,
        task="""Back through the feed-forward layer.

forward was dropout(c_proj(gelu(c_fc(x)))). dy: (B, T, C). Give dx.""",
        hints=(
            "Each part's backward takes the gradient of its output and gives that of its input.",
            "The last part of forward is the first of backward.",
            "dropout, c_proj, gelu, c_fc. GELU has no parameters, and all the same a backward.",
        ),
        targets=(f"{B}.FeedForward.backward",), probe=probes.feed_forward_backward, keep_docstring=False,
        checks=("one pass", "dropout on"), shown=(f"{B}.FeedForward.forward",),
    ),
    Exercise(
        "block-backward", "backward", "implement", 20, 2,
        task="""Back through a block and its residual connections.

forward was x = x + attn(ln_1(x)), then x = x + mlp(ln_2(x)). dy: (B, T, C). Give dx.""",
        hints=(
            "x + f(x) has two roads from x to the result; the gradient comes back along both and is added.",
            "For y = x + f(x): dx = dy + f_backward(dy). The second half of forward comes first.",
            "dx = dy + self.ln_2.backward(self.mlp.backward(dy)), then the same with dx, ln_1 and attn.",
        ),
        targets=(f"{B}.TransformerBlock.backward",), probe=probes.block_backward, keep_docstring=False,
        checks=("one pass",), shown=(f"{B}.TransformerBlock.forward",),
    ),
    Exercise(
        "cross-entropy-backward", "backward", "implement", 25, 2,
        task="""The gradient with which everything begins.

logits, targets, counted, lse, n = self.pop_saved(): the logits as they came, the targets as one row,
which of them count, each row's log-sum-exp, and how many count. dloss: the weight of this loss in a
larger one. Give the gradient with respect to the logits, of their shape; ignored rows get zeros.""",
        hints=(
            "The derivative of log Σ exp(z) with respect to z_v is softmax(z)_v; that of -z_target is -1 at the target.",
            "softmax is np.exp(rows - lse[:, None]). Take 1 off at each row's target: rows[np.arange(N), targets] -= 1.",
            "Times dloss / n for counted rows, 0 for the others; keep the logits' dtype: np.where(...).astype(...).",
        ),
        targets=("numpy_gpt.loss.CrossEntropy.backward",), probe=probes.cross_entropy_backward, keep_docstring=False,
        checks=("one pass",),
    ),
    Exercise(
        "model-backward", "backward", "implement", 25, 2,
        task="""Back through the whole model.

forward was drop(wte(ids) + wpe(positions)), every block of self.h in order, ln_f, lm_head. dlogits:
(B, T, V). A part of which nothing learns has records False, and so has all below it: it saved nothing
and has no backward. That can hold for self.wte, self.wpe, self.drop and each block.""",
        hints=(
            "The blocks go in the opposite order: reversed(self.h).",
            "A sum hands its gradient to both summands: wpe and wte get the same dx.",
            "Ask `if part.records:` before the backward of each block, of drop, and of either embedding.",
        ),
        targets=("numpy_gpt.model.GPTModel.backward",), probe=probes.model_backward, keep_docstring=False,
        checks=("one pass",),
    ),
)  # fmt: skip
