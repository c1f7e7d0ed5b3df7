"""Mistakes that people make in the hand-written maths, planted one at a time: each must turn the suite red.

    python -m parity_tests.mistakes          # all of them: which test caught each
    python -m parity_tests.mistakes dk       # those with this in their name, and what the report says of each

To add one, append to MISTAKES: a name, why it is tempting, the file, the exact text to find there (once), what to put in
its place, and what the report's first line must say ("" if it concerns nothing that the report looks at). A mistake is
planted in a copy of the packages in a temporary folder, never here.
"""

import sys
from dataclasses import dataclass
from typing import Annotated

import tyro


@dataclass(frozen=True)
class Mistake:
    """`find`, which occurs once in numpy_gpt/`file`, is replaced by `put`. `near`: the test file to run first, if the one
    that belongs to the room has nothing to say to it."""

    name: str
    why: str
    file: str
    find: str
    put: str
    told: str
    near: str = ""


MISTAKES = [
    # functional.py
    Mistake(
        "softmax not shifted",
        "the formula has no maximum in it, and small numbers never overflow",
        "functional.py",
        "    e = x - m\n    np.exp(e, out=e)\n    e /= np.maximum(e.sum(axis=-1, keepdims=True), 1)",
        "    e = np.exp(x)\n    e /= np.maximum(e.sum(axis=-1, keepdims=True), np.finfo(x.dtype).tiny)",
        "",
        "test_properties",
    ),
    Mistake(
        "NaN from hidden rows",
        "-inf - (-inf) comes up only where all keys of a query are hidden",
        "functional.py",
        ", initial=np.finfo(x.dtype).min",
        "",
        "left padding: h.0.attn, forward (MultiHeadAttention in attention.py): what it hands to attn_dropout",
        "test_kv_cache",
    ),
    Mistake(
        "softmax backward without the sum",
        "p (1 - p) is what one remembers of the sigmoid: each output is taken to depend on its own input alone",
        "functional.py",
        "    dx -= p * dx.sum(axis=-1, keepdims=True)\n",
        "",
        "softmax's backward lacks a term",
    ),
    Mistake(
        "softmax backward sums dp",
        "the sum is over dp p, and reads like one over dp",
        "functional.py",
        "    dx -= p * dx.sum(axis=-1, keepdims=True)\n",
        "    dx -= p * dp.sum(axis=-1, keepdims=True)\n",
        "softmax's backward sums dp where dp p belongs",
    ),
    Mistake(
        "log-sum-exp not shifted",
        "right for small logits, infinite for large ones",
        "functional.py",
        "        e = block - m\n        np.exp(e, out=e)\n        result[start : start + rows] = m[:, 0] + np.log(e.sum(",
        "        result[start : start + rows] = np.log(np.exp(block).sum(",
        "",
        "test_loss",
    ),
    Mistake(
        "erf GELU",
        "the paper's first formula, and PyTorch's default; GPT-2 has the tanh form",
        "functional.py",
        "    y = np.tanh(_gelu_argument(x))\n    y += 1\n",
        "    y = np.array([math.erf(v / math.sqrt(2)) for v in x.flat], x.dtype).reshape(x.shape)\n    y += 1\n",
        "the erf form of GELU",
    ),
    Mistake(
        "a wrong digit in GELU",
        "0.044715 and 0.044751 look alike, and the values agree to four digits",
        "functional.py",
        "GELU_CUBIC = 0.044715",
        "GELU_CUBIC = 0.044751",
        "h.0.mlp.gelu, forward (GELU in layers.py)",
    ),
    Mistake(
        "GELU's slope without the cubic term",
        "u' is taken for √(2/π), as if u were linear",
        "functional.py",
        "    du *= 3 * GELU_CUBIC * GELU_SCALE\n",
        "    du *= 0\n",
        "the derivative of the cubic one",
    ),
    Mistake(
        "GELU's slope without the 3",
        "the exponent's factor in ∂x³/∂x = 3 x² is forgotten",
        "functional.py",
        "    du *= 3 * GELU_CUBIC * GELU_SCALE\n",
        "    du *= GELU_CUBIC * GELU_SCALE\n",
        "the factor 3 is missing",
    ),
    Mistake(
        "1 - tanh",
        "the derivative of tanh is 1 - tanh², and the square is easily lost",
        "functional.py",
        "    slope = 1 - t * t\n",
        "    slope = 1 - t\n",
        "the square is missing",
    ),
    Mistake(
        "LayerNorm backward without mean(g)",
        "the mean is taken for a constant, though every x moves it",
        "functional.py",
        "    dx -= dx.mean(axis=-1, keepdims=True)\n",
        "",
        "a missing term: mean(g)",
    ),
    Mistake(
        "LayerNorm backward without x̂ mean(g x̂)",
        "the deviation is taken for a constant, though every x moves it",
        "functional.py",
        "    dx -= x_hat * along_x_hat\n",
        "",
        "a missing term: x̂ mean(g x̂)",
    ),
    Mistake(
        "LayerNorm backward without the gain in mean(g x̂)",
        "dy and g = dy · weight are mixed up in one of three places",
        "functional.py",
        "(dy_x_hat @ weight)[..., None]",
        "dy_x_hat.sum(axis=-1, keepdims=True)",
        "the weight is missing in mean(g x̂)",
    ),
    Mistake(
        "LayerNorm backward without 1/σ",
        "the last factor of a long formula",
        "functional.py",
        "    dx *= r\n",
        "",
        "the factor 1/σ is missing",
    ),
    Mistake(
        "LayerNorm's gain from x",
        "the gain multiplies x̂, and x is what was saved",
        "functional.py",
        "    dweight = dy_x_hat.reshape",
        "    dweight = (dy * x).reshape",
        "x stands where the normalised x̂ belongs",
    ),
    Mistake(
        "eps outside the root",
        "as batch norm is sometimes written; the error is 1e-5 at most",
        "functional.py",
        "    r = 1 / np.sqrt(variance + eps)\n",
        "    r = 1 / (np.sqrt(variance) + eps)\n",
        "eps is added outside the root",
    ),
    Mistake(
        "unbiased variance",
        "statistics divides by C - 1, and so does torch.var by default",
        "functional.py",
        "    variance = (x_hat * x_hat).sum(axis=-1, keepdims=True) / C\n",
        "    variance = (x_hat * x_hat).sum(axis=-1, keepdims=True) / max(C - 1, 1)\n",
        "the unbiased variance",
    ),
    Mistake(
        "E[x²] - E[x]²",
        "one pass over x is faster than two; it loses all digits where the mean is large",
        "functional.py",
        "    variance = (x_hat * x_hat).sum(axis=-1, keepdims=True) / C\n",
        "    variance = (x * x).sum(axis=-1, keepdims=True) / C - (x.sum(axis=-1, keepdims=True) / C) ** 2\n",
        "",
        "test_properties",
    ),
    # layers.py
    Mistake(
        "dW reshaped",
        "xᵀ dy has the other shape, and a reshape makes the error message go away",
        "layers.py",
        "self.weight.accumulate(dy.T @ rows)",
        "self.weight.accumulate((rows.T @ dy).reshape(self.weight.shape))",
        "the same numbers in other places",
    ),
    Mistake(
        "db averaged",
        "the loss is a mean, but its 1/n is in dy already",
        "layers.py",
        "self.bias.accumulate(dy.sum(axis=0))",
        "self.bias.accumulate(dy.mean(axis=0))",
        "1/(B T)",
    ),
    Mistake(
        "db of one row",
        "the shape fits, and for a batch of one vector it is right",
        "layers.py",
        "self.bias.accumulate(dy.sum(axis=0))",
        "self.bias.accumulate(dy[0].copy())",
        "a missing sum over the rows",
    ),
    Mistake(
        "dropout's scale missing in backward",
        "the mask is remembered, its factor is not",
        "layers.py",
        "        return dy if keep is None else self._drop(dy, keep)\n",
        "        return dy if keep is None else dy * keep\n",
        "1 - drop_rate",
    ),
    Mistake(
        "a fresh mask in backward",
        "calling the same helper again draws again",
        "layers.py",
        "        return dy if keep is None else self._drop(dy, keep)\n",
        "        return dy if keep is None else self._drop(dy, self.rng.random(dy.shape, np.float32) >= self.drop_rate)\n",
        "another mask",
    ),
    Mistake(
        "dropout by 1 - p",
        "at test time the original dropout multiplies by 1 - p; inverted dropout divides, in training",
        "layers.py",
        "        y *= 1 / (1 - self.drop_rate)\n",
        "        y *= 1 - self.drop_rate\n",
        "(1 - drop_rate)²",
    ),
    Mistake(
        "dropout keeps the share p",
        "drop_rate is taken for the share that is kept",
        "layers.py",
        "np.float32) >= self.drop_rate",
        "np.float32) < self.drop_rate",
        "another mask",
    ),
    Mistake(
        "dropout in evaluation",
        "training and evaluation give the same numbers on average",
        "layers.py",
        "        if self.training and self.drop_rate > 0:\n",
        "        if self.drop_rate > 0:\n",
        "dropout that should be off",
    ),
    # attention.py
    Mistake(
        "the mask off by one, seeing ahead",
        "positions count from 0 here and from 1 there",
        "attention.py",
        "+ (S - T)\n",
        "+ (S - T) + 1\n",
        "each position sees the next",
    ),
    Mistake(
        "the mask off by one, blind to oneself",
        ">= for >: the first query then sees nothing",
        "attention.py",
        "    hidden = np.arange(S) > np.arange(T)",
        "    hidden = np.arange(S) >= np.arange(T)",
        "no position sees itself",
    ),
    Mistake(
        "the mask from the upper left",
        "as np.triu makes it: right for training, wrong as soon as keys come from a cache",
        "attention.py",
        "[:, None] + (S - T)\n",
        "[:, None]\n",
        "the cache: h.0.attn, forward (MultiHeadAttention in attention.py): what it hands to attn_dropout",
    ),
    Mistake(
        "filler off by one",
        "<= for <: the first real token is hidden with the filler",
        "attention.py",
        "(np.arange(S) < padding",
        "(np.arange(S) <= padding",
        "left padding: h.0.attn, forward (MultiHeadAttention in attention.py): what it hands to attn_dropout",
    ),
    Mistake(
        "heads split by reshape alone",
        "the shape (B, H, T, D) is what is wanted, and reshape gives it",
        "attention.py",
        "x.reshape(B, T, n_heads, C // n_heads).swapaxes(1, 2)",
        "x.reshape(B, n_heads, T, C // n_heads)",
        "the heads are split by a reshape",
    ),
    Mistake(
        "heads merged by reshape alone",
        "(B, H, T, D) to (B, T, C) is the same count of numbers",
        "attention.py",
        "    return x.swapaxes(1, 2).reshape(B, T, H * D)\n",
        "    return x.reshape(B, T, H * D)\n",
        "the same numbers in other places",
    ),
    Mistake(
        "scores over √C",
        "the paper's d_k is the width of one head, not of the model",
        "attention.py",
        "        scores *= 1 / math.sqrt(q.shape[-1])\n",
        "        scores *= 1 / math.sqrt(x.shape[-1])\n",
        "the scores are divided by √C where √D belongs",
    ),
    Mistake(
        "1/√D missing in backward",
        "the scale stands between two products and is passed over",
        "attention.py",
        "        dscores *= 1 / math.sqrt(q.shape[-1])  # scores *= 1 / √D\n",
        "",
        "1/√D is missing: off by a factor of √D",
    ),
    Mistake(
        "np.sqrt of an integer",
        "np.sqrt(64) is a float64 that turns float32 arrays into float64",
        "attention.py",
        "        scores *= 1 / math.sqrt(q.shape[-1])\n",
        "        scores = scores / np.sqrt(q.shape[-1])\n",
        "dtype: float64 where float32 belongs",
    ),
    Mistake(
        "dk not transposed",
        "da is square in training, so da q has the right shape",
        "attention.py",
        "        dk = dscores.swapaxes(-1, -2) @ q",
        "        dk = dscores @ q",
        "dk takes the transposed",
    ),
    Mistake(
        "dv not transposed",
        "p is square in training, so p dc has the right shape",
        "attention.py",
        "        dv = dropped.swapaxes(-1, -2) @ dcontext",
        "        dv = dropped @ dcontext",
        "dv takes the transposed",
    ),
    Mistake(
        "dq and dk swapped",
        "both have one shape, and both come from da",
        "attention.py",
        "[merge_heads(dq), merge_heads(dk), merge_heads(dv)]",
        "[merge_heads(dk), merge_heads(dq), merge_heads(dv)]",
        "dq and dk are swapped",
    ),
    Mistake(
        "dv before dropout",
        "p and its dropped copy are one array as long as dropout is off",
        "attention.py",
        "        dv = dropped.swapaxes(-1, -2) @ dcontext",
        "        dv = p.swapaxes(-1, -2) @ dcontext",
        "dv takes the weights after dropout",
    ),
    Mistake(
        "attention's dropout skipped in backward",
        "dropout does nothing in the checks that one runs first",
        "attention.py",
        "        dp = self.attn_dropout.backward(dcontext @ v.swapaxes(-1, -2))",
        "        dp = dcontext @ v.swapaxes(-1, -2)",
        "the backward of attn_dropout is skipped",
    ),
    # block.py
    Mistake(
        "residual gradient dropped",
        "dy goes two ways at x + f(x), and one of them does nothing",
        "block.py",
        "        dy = dy + self.ln_1.backward(",
        "        dy = self.ln_1.backward(",
        "a missing term: the gradient that h.1.attn is handed",
    ),
    Mistake(
        "gelu skipped in backward",
        "it has no parameters, so no gradient is missing",
        "block.py",
        "self.c_fc.backward(self.gelu.backward(self.c_proj.backward(self.dropout.backward(dy))))",
        "self.c_fc.backward(self.c_proj.backward(self.dropout.backward(dy)))",
        "the backward of gelu is skipped",
    ),
    # model.py
    Mistake(
        "residual projections drawn too wide",
        "√n_layers for √(2 n_layers): a block writes into the stream twice",
        "model.py",
        "std /= math.sqrt(2 * self.config.n_layers)",
        "std /= math.sqrt(self.config.n_layers)",
        "",
    ),
    Mistake(
        "positions restart with a cache",
        "arange(T) is right until a cache holds what came before",
        "model.py",
        "np.arange(past, past + T)",
        "np.arange(T)",
        "the cache: the model, forward (GPTModel in model.py): what it hands to wpe",
    ),
    Mistake(
        "filler counts as positions",
        "the mask hides the filler, but positions after it are shifted",
        "model.py",
        "            positions = np.maximum(positions - padding[:, None], 0)\n",
        "            pass\n",
        "left padding: the model, forward (GPTModel in model.py): what it hands to wpe",
    ),
    Mistake(
        "position gradients forgotten",
        "two tables are added, and one is thought of",
        "model.py",
        "        self.wpe.backward(dx)",
        "        self.wpe.saved()",
        "never computed, or never passed on",
    ),
    Mistake(
        "blocks backward in forward order",
        "the loop is copied from forward",
        "model.py",
        "        for block in reversed([*self.h][frozen:]):\n            dx = block.backward(dx)\n",
        "        for block in [*self.h][frozen:]:\n            dx = block.backward(dx)\n",
        "misplaced: it is the gradient that ln_f returns",
    ),
    # loss.py
    Mistake(
        "ignored targets counted in the mean",
        "the mean over all rows is one call",
        "loss.py",
        "        n = max(int(counted.sum()), 1)\n",
        "        n = len(counted)\n",
        "ignored targets are counted",
    ),
    Mistake(
        "loss gradient not divided by n",
        "the mean's 1/n is forgotten",
        "loss.py",
        "np.where(counted, dloss / n, 0)",
        "np.where(counted, dloss, 0)",
        "n, the number of counted targets",
    ),
    Mistake(
        "ignored targets get a gradient",
        "the loss leaves them out, the gradient does not",
        "loss.py",
        "np.where(counted, dloss / n, 0)",
        "np.full(len(counted), dloss / n)",
        "ignored targets get a gradient",
    ),
    Mistake(
        "the one-hot forgotten",
        "softmax alone pushes all logits down, the right one too",
        "loss.py",
        "        dlogits[np.arange(len(dlogits)), targets] -= 1  # - onehot(targets)\n",
        "",
        "a missing term: the one-hot",
    ),
    Mistake(
        "log(p + eps)",
        "keeps log away from 0, and bends the loss",
        "loss.py",
        "np.where(counted, lse - picked, 0)",
        "np.where(counted, -np.log(np.exp(picked - lse) + 1e-8), 0)",
        "loss, forward (CrossEntropy in loss.py)",
    ),
    # optim.py
    Mistake(
        "biases decay",
        "one rule for all parameters is simpler",
        "optim.py",
        "self.weight_decay if len(p.shape) >= 2 else 0.0",
        "self.weight_decay",
        "biases and gains decay too",
    ),
    Mistake(
        "no first bias correction",
        "1 - β₁ᵗ is near 1 after a few dozen steps",
        "optim.py",
        "        correction1 = 1 - beta1**self.steps\n",
        "        correction1 = 1\n",
        "1 - β₁ᵗ, is missing",
    ),
    Mistake(
        "no second bias correction",
        "1 - β₂ᵗ only makes the first steps smaller",
        "optim.py",
        "        correction2 = math.sqrt(1 - beta2**self.steps)\n",
        "        correction2 = 1\n",
        "1 - β₂ᵗ, is missing",
    ),
    Mistake(
        "decay in the gradient",
        "L2 regularisation and decay are one thing in SGD, and two in Adam",
        "optim.py",
        "                w *= 1 - self.lr * decay\n",
        "                g = g + decay * w\n",
        "the decay is added to the gradient (L2)",
    ),
    Mistake(
        "decay after the step",
        "the difference is of the order lr², but it is there",
        "optim.py",
        "                w -= (self.lr / correction1) * m / (np.sqrt(v) / correction2 + self.eps)\n",
        "                w /= 1 - self.lr * decay\n"
        "                w -= (self.lr / correction1) * m / (np.sqrt(v) / correction2 + self.eps)\n"
        "                w *= 1 - self.lr * decay\n",
        "the decay comes after the step",
    ),
    Mistake(
        "eps inside the root",
        "keeps the root away from 0 as well",
        "optim.py",
        "(np.sqrt(v) / correction2 + self.eps)",
        "(np.sqrt(v + self.eps) / correction2)",
        "eps is added inside the root",
    ),
    Mistake(
        "clipping without the minimum",
        "scales small gradients up to the limit",
        "optim.py",
        "    if scale < 1:\n",
        "    if scale:\n",
        "min(1, …) is missing",
    ),
    Mistake(
        "clipping each parameter by itself",
        "bends the direction of the step",
        "optim.py",
        "    if scale < 1:\n        for g in grads:\n            g *= scale\n",
        "    for g in grads:\n        g *= min(1.0, max_norm / (float(np.linalg.norm(g)) + 1e-6))\n",
        "one norm over all of them belongs",
    ),
    Mistake(
        "the norm as a sum of norms",
        "the root of a sum is not the sum of roots",
        "optim.py",
        "math.sqrt(sum(float(np.vdot(g, g)) for g in grads))",
        "sum(math.sqrt(float(np.vdot(g, g))) for g in grads)",
        "clip_grad_norm (optim.py): the norm",
    ),
    # module.py
    Mistake(
        "+= with repeated ids",
        "grad[rows] += g reads like a sum, and keeps one of several equal rows",
        "module.py",
        "            np.add.at(self.grad, rows, g)",
        "            self.grad[rows] += g",
        "only repeated ids differ",
    ),
    Mistake(
        "gradients overwritten",
        "right until a parameter is used twice or gradients are accumulated",
        "module.py",
        "            self.grad += g\n",
        "            self.grad = g\n",
        "a gradient is overwritten",
    ),
    Mistake(
        "the tied head's gradient lost",
        "an embedding's gradient starts at zero, unless the head was there before",
        "module.py",
        "            if self.grad is None:\n                self.grad = np.zeros_like(self.data)\n",
        "            self.grad = np.zeros_like(self.data)\n",
        "of the tied weight's two, the head's is lost",
    ),
    Mistake(
        "first in, first out",
        "a queue: right as long as one pass waits",
        "module.py",
        "        return self._saved.pop()\n",
        "        return self._saved.pop(0)\n",
        "what the two passes saved is mixed up",
    ),
    Mistake(
        "saved values stay",
        "backward can then be run twice, and memory never shrinks",
        "module.py",
        "        return self._saved.pop()\n",
        "        return self._saved[-1]\n",
        "what the two passes saved is mixed up",
    ),
    Mistake(
        "no_grad ignored",
        "everything works, and keeps every array",
        "module.py",
        "        if not _recording.get():\n            return\n",
        "",
        "",
    ),
    Mistake(
        "eval for the outer module alone",
        "the flag is set where it is asked for, and read further down",
        "module.py",
        "        for module in self.modules():\n            module.training = mode\n",
        "        self.training = mode\n",
        "dropout that should be off",
    ),
    # kv_cache.py
    Mistake(
        "the cache never grows",
        "keys and values are stored, and how many there are is not",
        "kv_cache.py",
        "        self.length = end\n",
        "",
        "the cache: ",
    ),
    # lora.py
    Mistake(
        "LoRA scaled by alpha",
        "alpha is the number that one sets, and at rank 1 it is right",
        "lora.py",
        "        return self.alpha / self.rank\n",
        "        return self.alpha\n",
        "LoRALinear in lora.py): its output is the first to differ",
    ),
    Mistake(
        "LoRA's A and B swapped",
        "one starts at zero and one at random; with A at zero, B learns nothing at first",
        "lora.py",
        "        self.lora_A = Parameter(draw.astype(base.weight.data.dtype))\n"
        "        self.lora_B = Parameter(np.zeros((out_features, rank), base.weight.data.dtype))\n",
        "        self.lora_A = Parameter(np.zeros((rank, in_features), base.weight.data.dtype))\n"
        "        self.lora_B = Parameter(np.resize(draw, (out_features, rank)).astype(base.weight.data.dtype))\n",
        "",
    ),
    Mistake(
        "gradients leak into the base",
        "an optimizer that is given A and B alone hides it",
        "lora.py",
        "        parameter.requires_grad = False\n",
        "        pass\n",
        "a term too many: it should be zero throughout",
    ),
    Mistake(
        "LoRA's dropout on the base",
        "one dropped x for both branches is simpler",
        "lora.py",
        "        y = super().forward(x)\n        if self.merged:\n            return y\n        dropped = self.dropout(x)\n",
        "        if self.merged:\n            return super().forward(x)\n"
        "        dropped = self.dropout(x)\n        y = super().forward(dropped)\n",
        "With LoRA: h.0.attn.c_attn, forward (LoRALinear in lora.py): its output",
    ),
    Mistake(
        "LoRA's u without the scale",
        "s stands in z, which serves dB; u needs one of its own",
        "lora.py",
        "        u = self.scale * (dy @ self.lora_B.data)",
        "        u = dy @ self.lora_B.data",
        "= R/alpha",
    ),
    Mistake(
        "LoRA's branch returns no gradient",
        "the base's dx has the right shape, and is most of it",
        "lora.py",
        "        return super().backward(dy) + self.dropout.backward(ddropped)\n",
        "        self.dropout.backward(ddropped)\n        return super().backward(dy)\n",
        "a missing term: the gradient that h.1.mlp.c_proj.dropout returns",
    ),
    Mistake(
        "merged without the scale",
        "B A is called ΔW in the drawing",
        "lora.py",
        "        return self.scale * (self.lora_B.data @ self.lora_A.data)\n",
        "        return self.lora_B.data @ self.lora_A.data\n",
        "merge_lora (lora.py): the merged model's output",
    ),
]


def main(part: Annotated[str, tyro.conf.Positional] = "") -> int:
    """Plant mistakes one at a time in a copy of numpy_gpt, and print which test of the suite catches each.

    Args:
        part: only the mistakes with this in their name, with the reason for each and what the report says
    """
    from rich.console import Console
    from rich.text import Text

    from parity_tests.judge import judge, judges

    chosen = [mistake for mistake in MISTAKES if part.lower() in mistake.name.lower()]
    if not chosen:
        print(f"No mistake has {part!r} in its name; leave the name out to see them all.", file=sys.stderr)
        return 2
    console, missed, file = Console(highlight=False), 0, ""
    with judges(2) as pool:
        verdicts = pool.map(judge, chosen)
        for mistake in chosen:
            with console.status(f"{mistake.file}: {mistake.name} ..."):
                verdict = next(verdicts)
            if mistake.file != file:
                file = mistake.file
                console.print(Text(f"\n{file}", "bold"))
            test = verdict.caught.removeprefix("parity_tests/")
            missed += not test
            console.print(Text.assemble(("✓ " if test else "✗ "), mistake.name, style="" if test else "bold red"))
            console.print(Text(f"    {test or 'NOT CAUGHT'}", "dim" if test else "bold red"), soft_wrap=True)
            if part:
                console.print(f"    why: {mistake.why}", soft_wrap=True)
                console.print(f"    report: {verdict.told or 'the twins agree'}", markup=False, soft_wrap=True)
    console.print(
        f"\n{len(chosen) - missed} of {len(chosen)} mistakes caught.", style="bold red" if missed else "bold green"
    )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(tyro.cli(main, prog="python -m parity_tests.mistakes"))
