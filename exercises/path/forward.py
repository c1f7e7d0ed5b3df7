"""Part 2, forward: the formulas and layers that a model is made of."""

from exercises.exercise import Exercise
from exercises.probes import forward as probes

F, L = "numpy_gpt.functional", "numpy_gpt.layers"

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
)  # fmt: skip
