# %% [markdown]
# # 04 Backprop by hand
#
# **What does a layer owe to the layer before it?**
#
# `loss.backward()` is one line, and behind it stands the whole of learning. Here we write that line out. For
# each part we go through the same three steps: derive the gradient, write it in NumPy, compare it with
# PyTorch's autograd. No part takes more than five lines. At the end we plant a mistake in a model and watch
# where the error goes.
#
# **60 minutes** · **Before it**: [02 Attention](02_attention.ipynb), [03 Architecture](03_architecture.ipynb);
# derivatives, the chain rule, sums with indices.

# %%
import importlib.util, subprocess, sys
from pathlib import Path

if importlib.util.find_spec("numpy_gpt") is None:  # in a hosted notebook service: install the project, once
    address = ".." if Path("../pyproject.toml").exists() else "git+" + input("Address of the project's repository: ")
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", f"numpy-gpt[notebooks] @ {address}"], check=True)

# %%
import inspect
import math
import textwrap
import types

import numpy as np
import torch

import numpy_gpt
from matplotlib.patches import Rectangle

from notebooks import show
from numpy_gpt import GPTConfig, attention, functional, layers
from numpy_gpt.functional import softmax
from parity_tests.mistakes.judge import plant
from parity_tests.mistakes.planted import MISTAKES
from parity_tests.report.measure import gradients, losses, relative_error, twins

rng = np.random.default_rng(4)  # all that is random on this page comes from here


def autograd(forward, dy, *inputs):
    """What PyTorch finds: the gradient with respect to each input, when dy arrives at the output."""
    tensors = [torch.tensor(a, requires_grad=True) for a in inputs]
    forward(*tensors).backward(torch.tensor(dy))
    return [tensor.grad for tensor in tensors]


def compare(names, ours, theirs):
    """Print how far each gradient is from PyTorch's, and insist on rounding."""
    for name, a, b in zip(names.split(), ours, theirs):
        error = relative_error(a, b)
        print(f"{name:4} {a.shape!s:8} relative error {error:.0e}")
        assert error < 1e-13


# %% [markdown]
# ## The contract
#
# Let L be the loss, one number. Write `dy` for ∂L/∂y: how much the loss grows for a little more of each number
# in y. It has the shape of y. Every layer signs the same contract:
#
# ```
# forward:   x  →  y
# backward: dx  ←  dy
# ```
#
# It is handed `dy`, and owes `dx`. Nobody needs to know what comes before or after; that is why a deep net is
# no harder than a shallow one.
#
# ## One product
#
# y = a · b. A little more of a makes y grow by b. So da = dy · b, and db = dy · a. Each factor gets the *other*
# factor.

# %%
a, b, dy = rng.standard_normal((3, 5))
da, db = dy * b, dy * a
compare("da db", (da, db), autograd(lambda a, b: a * b, dy, a, b))

# %% [markdown]
# ## One sum
#
# y_nc = x_nc + b_c: the same bias is added to each of N rows.
#
# **What do you expect?** `dy` has five rows, `b` has none. What becomes of the five?

# %%
x, b, dy = rng.standard_normal((5, 3)), rng.standard_normal(3), rng.standard_normal((5, 3))
dx, db = dy, dy.sum(axis=0)
compare("dx db", (dx, db), autograd(lambda x, b: x + b, dy, x, b))

# %% [markdown]
# They are added up: b moved the loss in five places at once. **What is copied on the way forward is summed on
# the way back.** That rule comes back four times on this page. And dx = dy: a sum hands the gradient on
# unchanged. (So the shortcuts of notebook 03 carry the gradient down whole.)
#
# ## One matrix product
#
# y_no = Σ_i x_ni W_oi, or y = x Wᵀ. Which y does x_ni reach? Those of its own row n, each with weight W_oi:
#
# ```
# dx_ni = Σ_o dy_no W_oi         dx = dy W
# dW_oi = Σ_n dy_no x_ni         dW = dyᵀ x
# ```
#
# Shapes help to remember it. From dy (N, out) and W (out, in) there is one product of shape (N, in).

# %%
x, W, dy = rng.standard_normal((5, 3)), rng.standard_normal((4, 3)), rng.standard_normal((5, 4))
dx, dW = dy @ W, dy.T @ x
compare("dx dW", (dx, dW), autograd(lambda x, W: x @ W.T, dy, x, W))

# %% [markdown]
# This is nearly all that a GPT computes. One forward product, two backward: that is why a training step costs
# three times a forward pass. In the package it is ten lines; each backward line names the forward line that it
# answers.

# %%
show.side_by_side({name: getattr(layers.Linear, name) for name in ("forward", "backward")})

# %% [markdown]
# ## Softmax
#
# p_j = exp(x_j) / Σ_k exp(x_k). Here each output depends on *every* input, through the sum:
#
# ```
# ∂p_j/∂x_s = p_j (δ_js - p_s)
# dx_s = Σ_j dp_j p_j (δ_js - p_s) = p_s (dp_s - Σ_j dp_j p_j)
# ```
#
# **What do you expect?** Add up the dx of one row. What must come out, whatever dp is? (What happens to p if
# every x grows by 1?)

# %%
x, dp = rng.standard_normal((2, 5, 4))
p = softmax(x)
dx = p * (dp - (dp * p).sum(axis=-1, keepdims=True))
compare("dx", (dx,), autograd(lambda x: x.softmax(-1), dp, x))
print("sums of the rows:", " ".join(f"{abs(s):.0e}" for s in dx.sum(axis=1)))
assert np.abs(dx.sum(axis=1)).max() < 1e-14

# %% [markdown]
# Zero, up to rounding. If all x grow by the same amount, p stays as it is, so the loss cannot change, so the
# gradient has no share in that direction. **What a layer does not feel gets no gradient.** Keep this; twice
# more it will save you a page of algebra.
#
# ## LayerNorm, in three moves
#
# y = x̂ · weight + bias, where x̂ is x minus its mean, divided by its deviation σ. The full derivation fills a
# page. But look at what LayerNorm does not feel. A *shift* of all x: the mean takes it out. A *stretch* of x:
# the division takes it out. So dx can have no share along 1 = (1, …, 1), and none along x̂. Start from what
# reaches x̂, then take both shares out:
#
# 1. g = dy · weight, what arrives at x̂;
# 2. take the mean out: g - mean(g);
# 3. take the share along x̂ out: … - x̂ · mean(g x̂); and divide by σ, since a wide x moves x̂ less.

# %%
x, weight, bias, dy = 3 * rng.standard_normal((5, 6)) + 1, *rng.standard_normal((2, 6)), rng.standard_normal((5, 6))
eps = 1e-5
centred = x - x.mean(axis=-1, keepdims=True)
r = 1 / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + eps)  # 1 / σ
x_hat = centred * r

g = dy * weight
without_mean = g - g.mean(axis=-1, keepdims=True)
without_both = without_mean - x_hat * (g * x_hat).mean(axis=-1, keepdims=True)
dx, dweight, dbias = r * without_both, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


def reference(x, weight, bias):
    return torch.nn.functional.layer_norm(x, (6,), weight, bias, eps)


compare("dx dw db", (dx, dweight, dbias), autograd(reference, dy, x, weight, bias))

# %%
rows = []
for move, vector in (("1: g", g), ("2: minus its mean", without_mean), ("3: minus its share along x̂", without_both)):
    along_one, along_x_hat = np.abs(vector.mean(axis=-1)).max(), np.abs((vector * x_hat).mean(axis=-1)).max()
    rows.append((move, f"{along_one:.0e}", f"{along_x_hat:.0e}"))
show.table(rows, ["after move", "share along 1", "share along x̂"], "What is left of what LayerNorm does not feel")
assert along_one < 1e-15 and along_x_hat < 1e-5

# %% [markdown]
# After the third move both shares are gone. (The one along x̂ is left with a trace of size eps: LayerNorm does
# feel a stretch a little, because of the eps under the root.) The package's version, with the same moves:

# %%
show.code(functional.layer_norm_backward)

# %% [markdown]
# ## Cross-entropy
#
# L = 1/n Σ_i (log Σ_v exp(z_iv) - z_i,target). The first term's derivative is the softmax, the second's is 1 at
# the target. So
#
# ```
# dz = (softmax(z) - onehot(target)) / n
# ```
#
# Probability minus truth. Nothing in this field is simpler, and the whole backward pass begins with it.

# %%
z, targets = rng.standard_normal((3, 5)), np.array([4, 0, 2])
dz = softmax(z)
dz[np.arange(3), targets] -= 1
dz /= 3
compare("dz", (dz,), autograd(lambda z: torch.nn.functional.cross_entropy(z, torch.tensor(targets)), np.array(1.0), z))

# %% jupyter={"source_hidden": true}
figure, (left, right) = show.new_figure(columns=2, height=2.6, sharex=True)
left.bar(range(5), softmax(z)[0], color=show.COLOURS[5])
right.bar(range(5), dz[0] * 3, color=[show.COLOURS[1] if v < 0 else show.COLOURS[5] for v in dz[0]])
right.axhline(0, color=show.INK, lw=0.8)
left.set(title="what the model thinks", xlabel="token", ylabel="probability")
right.set(title="the gradient: minus 1 at what came", xlabel="token", ylabel="dz · n")
show.figure(
    figure,
    "One row of logits. The token that came, 4, is pulled up by all the probability that it lacks; the others are pushed down, "
    "each by what it had.",
    "Two bar charts over five tokens. Left: probabilities, all positive. Right: the same bars, except that token 4 "
    "points down: its probability minus 1.",
)
assert dz[0].argmin() == 4
assert (np.delete(dz[0], 4) > 0).all()

# %% [markdown]
# ## Attention
#
# No new rule is needed. Two matrix products, a softmax between them, a scale. Walk back through the four lines
# of one head:

# %%
T, D = 6, 4
q, k, v, dcontext = rng.standard_normal((4, T, D))
future = np.triu(np.ones((T, T), bool), 1)


def head(q, k, v):  # in PyTorch, for autograd
    scores = (q @ k.T / math.sqrt(D)).masked_fill(torch.tensor(future), -torch.inf)
    return scores.softmax(-1) @ v


scores = q @ k.T / math.sqrt(D)
scores[future] = -np.inf
p = softmax(scores)
context = p @ v

dp = dcontext @ v.T  # forward: context = p @ v
dv = p.T @ dcontext  # forward: context = p @ v
dscores = p * (dp - (dp * p).sum(axis=-1, keepdims=True)) / math.sqrt(D)  # forward: softmax, ÷ √D
dq = dscores @ k  # forward: scores = q @ kᵀ
dk = dscores.T @ q  # forward: scores = q @ kᵀ

compare("dq dk dv", (dq, dk, dv), autograd(head, dcontext, q, k, v))
assert (dscores[future] == 0).all()

# %% [markdown]
# The mask needs no line of its own. Where p is 0, dscores is p · (…) = 0: no gradient flows into the future,
# since nothing came from there.
#
# The class adds heads, dropout and the two projections. Read the right column from the top beside the left one
# from the bottom.

# %%
show.side_by_side({name: getattr(attention.MultiHeadAttention, name) for name in ("forward", "backward")})

# %% [markdown]
# ## Why the key bias learns nothing
#
# GPT-2 has a bias on queries, keys and values. Put a bias b on every key: score t,s becomes q_t · (k_s + b), so
# *every* score of row t grows by the same q_t · b.
#
# **What do you expect?** Which of the three biases gets no gradient?

# %%
config = GPTConfig(vocab_size=50, context_length=8, emb_dim=24, n_heads=3, n_layers=4, drop_rate=0.0)
ids, targets = rng.integers(0, 50, (2, 2, 8))
rows = []
for dtype in ("float64", "float32"):
    model, twin = twins(config, seed=1, dtype=dtype)
    losses((model, twin), ids, targets)
    three = np.abs(model.h[0].attn.c_attn.bias.grad).reshape(3, 24).max(axis=1)
    rows.append((dtype, *(f"{size:.0e}" for size in three)))
    assert three[1] < 1e-4 * min(three[0], three[2])
show.table(rows, ["", "queries", "keys", "values"], "The largest gradient in each third of `c_attn.bias`")

# %% [markdown]
# The one on keys: softmax does not feel it. In exact arithmetic its gradient is 0; what the table shows is
# rounding. That is why twins are compared *absolutely* there. And it is a trap: AdamW divides a gradient by its
# own size, and makes steps out of this noise.
#
# ## The tied head
#
# GPT-2 uses one array twice: `wte.weight` turns ids into vectors at the bottom and, transposed, vectors into
# logits at the top. Copied on the way forward, so summed on the way back. Let us see it: untie the two, give
# both the same numbers, and add their gradients.

# %%
tied, _ = twins(config, seed=1)
untied = numpy_gpt.GPTModel(config.replace(tie_embeddings=False), dtype=np.float64, initialize=False).eval()
untied.load_state_dict(tied.state_dict() | {"lm_head.weight": tied.wte.weight.data})

criterion = numpy_gpt.CrossEntropy()
for model in (tied, untied):
    criterion(model(ids), targets)
    model.backward(criterion.backward())

together = untied.wte.weight.grad + untied.lm_head.weight.grad
compare("wte", (tied.wte.weight.grad,), (together,))

# %% [markdown]
# ## A mistake, and where it goes
#
# Now the whole model: four blocks, every gradient of every parameter, against PyTorch. We take three of the
# [planted mistakes](../parity_tests/mistakes/planted) with which this project tests its own tests, each in one
# module of one block, and all else left right:

# %%
mistakes = {m.name: m for m in MISTAKES}
chosen = {
    "A": ("dk not transposed", "h.2.attn"),
    "B": ("LayerNorm backward without mean(g)", "h.1.ln_2"),
    "C": ("LayerNorm's gain from x", "h.3.ln_1"),
}
show.table(
    [(letter, name, place, mistakes[name].why) for letter, (name, place) in chosen.items()],
    ["", "mistake", "where", "why one makes it"],
)

# %% [markdown]
# **What do you expect?** The gradient runs from the head down to block 0. For each of the three: which
# parameters get a wrong gradient? One of the three is not like the others.


# %%
def with_mistake(function, name):
    """The function's source with the mistake in it, as a new function in the same room."""
    room = vars(inspect.getmodule(function)).copy()
    exec(textwrap.dedent(plant(mistakes[name], inspect.getsource(function))), room)
    return room[function.__name__]


def module_at(model, path):
    return dict(model.named_modules())[path]


def backward_with_mistake(module, name):
    """The module's own backward method, with the mistake in it or in the function that it calls."""
    if isinstance(module, attention.MultiHeadAttention):
        return types.MethodType(with_mistake(attention.MultiHeadAttention.backward, name), module)
    room = vars(layers).copy()
    room["layer_norm_backward"] = with_mistake(functional.layer_norm_backward, name)
    exec(textwrap.dedent(inspect.getsource(layers.LayerNorm.backward)), room)
    return types.MethodType(room["backward"], module)


def errors(name=None, path=None):
    """The relative error of every parameter's gradient, one twin against the other."""
    model, twin = twins(config, seed=1)
    if name is not None:
        module = module_at(model, path)
        module.backward = backward_with_mistake(module, name)
    losses((model, twin), ids, targets)
    ours, theirs = gradients(model), gradients(twin)
    return {key: relative_error(ours[key], theirs[key]) for key in ours}


found = {"no mistake": errors()} | {letter: errors(*choice) for letter, choice in chosen.items()}
print({letter: sum(error > 1e-10 for error in one.values()) for letter, one in found.items()}, "of", len(found["A"]))
assert max(found["no mistake"].values()) < 1e-12

# %% jupyter={"source_hidden": true}
PARTS = ("ln_1.weight", "ln_1.bias", "attn.c_attn.weight", "attn.c_attn.bias", "attn.c_proj.weight", "attn.c_proj.bias")
PARTS += ("ln_2.weight", "ln_2.bias", "mlp.c_fc.weight", "mlp.c_fc.bias", "mlp.c_proj.weight", "mlp.c_proj.bias")
columns = ["wte, wpe", "h.0", "h.1", "h.2", "h.3", "ln_f"]
figure, panels = show.new_figure(columns=3, height=4.6, width=10, sharey=True)
for axis, (letter, (name, place)) in zip(panels, chosen.items()):
    one = found[letter]
    grid = np.full((len(PARTS), len(columns)), np.nan)
    for j in range(4):
        grid[:, j + 1] = [one[f"h.{j}.{part}"] for part in PARTS]
    grid[0, 0], grid[1, 0] = one["wte.weight"], one["wpe.weight"]
    grid[0, 5], grid[1, 5] = one["ln_f.weight"], one["ln_f.bias"]
    image = show.heat(axis, np.log10(np.maximum(grid, 1e-17)), PARTS, columns, vmin=-17, vmax=1)
    axis.set_title(f"{letter}: {name}\nin {place}", fontsize=8.5)
    axis.add_patch(
        Rectangle(
            (int(place[2]) + 0.5, PARTS.index(next(p for p in PARTS if p.startswith(place[4:]))) - 0.5),
            1, 4 if "attn" in place else 2, fill=False, lw=2, edgecolor=show.COLOURS[2],
        )
    )  # fmt: skip
    axis.set_xlabel("← the gradient runs this way", fontsize=8)
figure.colorbar(image, ax=panels, label="relative error, log10", shrink=0.7)
show.figure(
    figure,
    "The error of every parameter's gradient against PyTorch, with one mistake in the framed module. Pale: rounding. "
    "Dark: wrong. To the right of the mistake all is well; A and B poison all that comes after, C stays where it is. "
    "(Outer columns: wte above wpe; ln_f's weight above its bias.)",
    "Three grids, a column for each block, a row for each parameter. In A, everything from block 2's c_attn down to the "
    "embeddings is wrong; block 2's other half, block 3 and ln_f are right. In B, block 0 is wrong throughout, and in block 1 "
    "ln_1 and attention; what lies above is right. In C a single cell is wrong: block 3's ln_1.weight.",
)

# %%
wrong = {letter: {key for key, error in one.items() if error > 1e-10} for letter, one in found.items()}
assert all(f"h.0.{part}" in wrong["A"] & wrong["B"] for part in PARTS)
assert not any(key.startswith(("h.3", "ln_f", "h.2.mlp", "h.2.ln_2")) for key in wrong["A"])
assert wrong["C"] == {"h.3.ln_1.weight"}
assert len(wrong["A"]) == 30
{letter: len(keys) for letter, keys in wrong.items()}

# %% [markdown]
# That is what a gradient check looks like from inside. A mistake in what a layer **returns** (dx) spreads to
# everything below it, and looks like thirty mistakes. A mistake in what a layer **keeps** (dW) stays where it
# is. So read a report from the loss downwards, and believe the *first* wrong place only. The project's report
# does just that:
#
# ```
# python -m parity_tests --replace attention.MultiHeadAttention=my_attention.py
# ```
#
# ## Exercises
#
# 1. `gpt-exercise start softmax-backward` (25 minutes).
# 2. `gpt-exercise start layer-norm-backward`: the three moves (40 minutes).
# 3. `gpt-exercise start attention-backward`: the whole method (45 minutes).
# 4. `gpt-exercise start find-attention`: a working file with one mistake in it; name the line (15 minutes).
# 5. Plant `dq and dk swapped` in h.2 as above, after predicting its grid. Which thirds of `c_attn.bias` get a wrong
#    gradient now, and which did in A?
#
# ## Recap
#
# - Every layer signs one contract: it is handed dy and owes dx; what it keeps on the way is its parameters'
#   gradients.
# - A product gives each factor the other one; what is copied forward is summed backward.
# - What a layer does not feel gets no gradient: shifts in softmax, shifts and stretches in LayerNorm, the key
#   bias.
# - The backward pass starts with probability minus truth, and a training step costs three forward passes.
# - A mistake in dx spreads downwards, one in dW stays: believe the first wrong place only.
#
# Next: [05 Pre-training](05_pretraining.ipynb). Every derivation in small steps, beside the code: in
# the reader ([softmax](../build/site/functional.html#softmax_backward),
# [LayerNorm](../build/site/functional.html#layer_norm_backward), [the loss](../build/site/loss.html#CrossEntropy.backward),
# [attention](../build/site/attention.html#MultiHeadAttention.backward); `python3 run.py read` makes it), or in the docstrings
# of [functional.py](../numpy_gpt/functional.py).
