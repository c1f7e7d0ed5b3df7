"""Part 3, backward: the formulas and layers, by hand."""

from exercises.exercise import Exercise, Question
from exercises.probes import backward as probes
from exercises.probes.forward import dropout

F, L = "numpy_gpt.functional", "numpy_gpt.layers"

EXERCISES = (
    Exercise(
        "softmax-by-hand", "backward", "derive", 15, 1,
        task="""One softmax and its gradient on paper.

x = (log 1, log 1, log 2), so that p comes out in quarters. Then dp = (4, 0, 0) arrives from above:
∂L/∂p. You may write sums and fractions: (1/4, ...).""",
        hints=(
            "exp(x) is (1, 1, 2); divide by the sum.",
            "∂p_j/∂x_s = p_j (δ_js - p_s): every output depends on every input.",
            "dx_s = p_s (dp_s - Σ_j dp_j p_j). The sum is one number, here 4 · p_0.",
        ),
        questions=(
            Question("p", "The three probabilities:", lambda: (0.25, 0.25, 0.5), "exp, then divide by the sum"),
            Question("total", "Σ_j dp_j p_j:", lambda: 1.0, "only the first dp is not 0"),
            Question("dx", "The gradient with respect to x:", lambda: (0.75, -0.25, -0.5), "p_s (dp_s - the sum)"),
            Question("sum_of_dx", "What do its three numbers add up to, and always do?", lambda: 0.0,
                     "adding the same number to every x changes nothing, so no gradient goes that way"),
        ),
    ),
    Exercise(
        "softmax-backward", "backward", "implement", 25, 2,
        task="""Back through softmax.

p: what softmax gave. dp: the gradient of the loss with respect to it, of the same shape. Give dx,
the gradient with respect to softmax's input, along the last axis.""",
        hints=(
            "Every x_s moves every p_j of its row, through the sum: ∂p_j/∂x_s = p_j (δ_js - p_s).",
            "Multiply out: dx_s = Σ_j dp_j p_j (δ_js - p_s). Which of the two summands is a single term?",
            "dx = p * (dp - (dp * p).sum(axis=-1, keepdims=True)).",
        ),
        targets=(f"{F}.softmax_backward",), probe=probes.softmax_backward, checks=("one pass",), keep_docstring=False,
        shown=(f"{F}.softmax",),
    ),
    Exercise(
        "gelu-backward", "backward", "implement", 25, 2,
        task="""Back through GELU.

y = x (1 + tanh u) / 2 with u = √(2/π) (x + 0.044715 x³). dy: the gradient with respect to y, x: what
came in. Give dx. GELU_SCALE is √(2/π), GELU_CUBIC 0.044715.""",
        hints=(
            "The product rule: one summand for the x in front, one for the x inside the tanh.",
            "∂tanh u/∂u = 1 - tanh² u, and u' = √(2/π) (1 + 3 · 0.044715 x²).",
            "dx = dy · [ (1 + t) / 2 + x (1 - t²) u' / 2 ] with t = tanh u.",
        ),
        targets=(f"{F}.gelu_backward",), withheld=(f"{F}._gelu_argument",), probe=probes.gelu_backward,
        checks=("one pass",), keep_docstring=False,
    ),
    Exercise(
        "layer-norm-backward", "backward", "implement", 40, 3,
        task="""Back through LayerNorm, three gradients at once.

y = x̂ · weight + bias with x̂ = (x - μ) / √(σ² + eps), over the last axis. dy: (..., C), the gradient
with respect to y. Give dx, dweight and dbias; the last two are sums over all rows, (C,) each.
_normalize(x, eps) gives x̂ and r = 1 / √(σ² + eps).""",
        hints=(
            "Start with the easy two: dbias is the sum of dy over all rows, dweight that of dy · x̂.",
            "With g = dy · weight: x reaches x̂ directly, through the mean, and through the deviation. Three terms.",
            "dx = r (g - mean(g) - x̂ · mean(g · x̂)), the means over the last axis, keepdims=True.",
        ),
        targets=(f"{F}.layer_norm_backward",), probe=probes.layer_norm_backward, checks=("one pass",), keep_docstring=False,
    ),
    Exercise(
        "find-layer-norm", "backward", "find", 15, 2,
        task="""One line of this LayerNorm backward is wrong.

dweight and dbias are right, and dx is nearly so. Name the line, by the number it had when you got
the file, and mend it.""",
        hints=(
            "If all gains are 1 the file is right. Which of the two means should know the gain, and does not?",
            "g = dy · weight stands in both means: mean(g) and mean(g · x̂).",
            "mean(g · x̂) is the mean of dy · x̂ · weight; (by_x_hat @ weight) would sum just that.",
        ),
        targets=(f"{F}.layer_norm_backward",), probe=probes.layer_norm_backward,
        mistake="LayerNorm backward without the gain in mean(g x̂)",
    ),
    Exercise(
        "linear-backward", "backward", "implement", 25, 2,
        task="""Back through y = x Wᵀ + b.

(x,) = self.pop_saved() gives what forward kept. dy: (..., out). Give dx, of x's shape. Add the two
other gradients with self.weight.accumulate(...) and self.bias.accumulate(...), which check the
shape; self.bias may be None, and a parameter whose requires_grad is False gets none.""",
        hints=(
            "Let all leading axes be rows: x is (N, in), dy is (N, out). Which products of two of x, dy, W have the right shape?",
            "dW (out, in) is a sum over the rows: dyᵀ x. db sums dy over the rows; it is not a mean.",
            "dx = dy @ W, then back to x's shape. Never reshape a gradient to make it fit: transpose the product.",
        ),
        targets=(f"{L}.Linear.backward",), probe=probes.linear_backward, checks=("one pass", "two passes wait"),
        shown=(f"{L}.Linear.forward",), keep_docstring=False,
    ),
    Exercise(
        "embedding-backward", "backward", "implement", 10, 1,
        task="""Back through y = W[ids].

(ids,) = self.pop_saved(). dy: the shape of ids, and C. Row r of the table gets the sum of dy over
all places where r was looked up. self.weight.accumulate(dy, rows=ids) adds row by row, repeated
ids too. Whole numbers have no gradient, so nothing is returned.""",
        hints=(
            "A token that occurs three times in a batch gets three gradients, added up.",
            "Only where self.weight.requires_grad.",
            "self.weight.accumulate(dy, rows=ids); or build the whole array yourself with np.add.at.",
        ),
        targets=(f"{L}.Embedding.backward",), probe=probes.embedding_backward, checks=("one pass",), keep_docstring=False,
    ),
    Exercise(
        "accumulate", "backward", "implement", 30, 3,
        task="""The only writer of a gradient.

self.grad is None at first, later an array like self.data. g: what to add. rows: None, and g has
self.data's shape; or whole numbers, and g[i] belongs to row rows[i]: one that is named twice gets
both. A g of the wrong shape or dtype is a ValueError. Write under `with accumulating:`, so that two
threads do not add at once. With a tied head a gradient may be there before rows come, or after.""",
        hints=(
            "Three cases: rows are given; no gradient is there yet; one is there. In none of them may an earlier one be lost.",
            "self.grad[rows] += g reads each row once, adds, and writes it once per mention: of repeated rows one survives.",
            "np.add.at(self.grad, rows, g) adds every one. Make zeros first if self.grad is None, and only then.",
        ),
        targets=("numpy_gpt.module.Parameter.accumulate",), probe=probes.accumulate, keep_docstring=False,
        checks=("one pass", "two passes wait"),
    ),
    Exercise(
        "tied-head", "backward", "predict", 10, 2,
        task="""What will the report say?

With a tied head, wte.weight collects two gradients: the head's, and the embedding's. Someone
lets Parameter.accumulate begin with zeros whenever rows come: `self.grad = np.zeros_like(self.data)`
without `if self.grad is None`.""",
        hints=(
            "In backward the head comes first and the embeddings last. Which of the two gradients is there when the other comes?",
            "The value that differs is a parameter's gradient; the module is the one whose backward wrote it last.",
            "The first to differ belongs to wte, in backward.",
        ),
        mistake="the tied head's gradient lost", targets=("numpy_gpt.module.Parameter.accumulate",), probe=probes.accumulate,
        checks=("one pass",),
    ),
    Exercise(
        "dropout", "backward", "implement", 20, 2,
        task="""Drop a share of the values, and go back through it.

forward: where self.training and self.drop_rate > 0, draw keep = self.rng.random(x.shape, np.float32)
>= self.drop_rate; the values that are not kept become 0, the rest is divided by 1 - drop_rate. Else
x passes as it is. backward: the same for dy, with the mask of that forward pass: keep it with
self.save_for_backward(keep), get it back with (keep,) = self.pop_saved(). keep is None without dropout.""",
        hints=(
            "In evaluation save None, so that every forward pass has its entry.",
            "backward must not draw: another mask would be another function.",
            "1 / (1 - self.drop_rate) is a Python number and leaves float32 what it is. x * keep makes a new array.",
        ),
        targets=(f"{L}.Dropout.forward", f"{L}.Dropout.backward"), withheld=(), probe=dropout,
        checks=("dropout on",), keep_docstring=False,
    ),
)  # fmt: skip
