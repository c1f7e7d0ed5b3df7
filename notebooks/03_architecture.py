# %% [markdown]
# # 03 Architecture
#
# **What is in a GPT besides attention, and why?**
#
# Attention lets tokens look at each other. Around it stand four plain parts: a normalisation, a small network
# for each token alone, a bypass around both, and a head. We try each part alone, take one away to see what it
# was for, put them together, and walk down the finished model with both twins.
#
# **50 minutes** · **Before it**: [02 Attention](02_attention.ipynb).

# %%
import importlib.util, subprocess, sys
from pathlib import Path

if importlib.util.find_spec("numpy_gpt") is None:  # in a hosted notebook service: install the project, once
    address = ".." if Path("../pyproject.toml").exists() else "git+" + input("Address of the project's repository: ")
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", f"numpy-gpt[notebooks] @ {address}"], check=True)

# %%
import math
from dataclasses import asdict

import numpy as np

import numpy_gpt
import torch_gpt
from notebooks import show
from notebooks.sliders import slider
from numpy_gpt import GPTConfig
from numpy_gpt.functional import gelu, gelu_backward
from numpy_gpt.sampling import probabilities
from parity_tests.report.measure import random_state, relative_error
from parity_tests.report.trace import trace_numpy, trace_torch
from shared_gpt.anatomy import anatomy

rng = np.random.default_rng(3)  # all that is random on this page comes from here

# %% [markdown]
# ## Eight numbers make a GPT
#
# GPT-2 came in four sizes. They are one program; only these numbers differ. The classroom size runs in a moment
# on any laptop.

# %%
sizes = {name: GPTConfig.preset(name) for name in ("gpt2-small", "gpt2-xl", "classroom")}
keys = list(asdict(sizes["classroom"]))
show.table([(f"`{key}`", *(str(getattr(c, key)) for c in sizes.values())) for key in keys], ["", *sizes])

# %% [markdown]
# ## LayerNorm: the same scale everywhere
#
# Each token's vector is shifted to mean 0 and stretched to deviation 1, on its own: (x - mean) / √(variance + eps),
# with a small eps. Then a learnt gain and bias follow. Whatever a layer did to the numbers, the next one meets the
# scale that it knows.

# %%
norm = numpy_gpt.LayerNorm(8)
x = (rng.standard_normal((3, 8)) * [[0.01], [1], [300]] + [[0], [5], [-40]]).astype(np.float32)
y = norm(x)
show.table(
    [(t, f"{x[t].mean():.2f}", f"{x[t].std():.2f}", f"{abs(y[t].mean()):.2f}", f"{y[t].std():.2f}") for t in range(3)],
    ["token", "mean before", "deviation before", "mean after", "deviation after"],
)
assert np.abs(y.mean(axis=1)).max() < 1e-5
assert np.allclose(y[1:].std(axis=1), 1, atol=1e-4)

# %% [markdown]
# One deviation is not quite 1. Look at token 0: its numbers are so small that the eps under the root, 1e-5,
# counts. That is what eps is for. It keeps a token that is nearly constant from being blown up to noise.
#
# ## GELU against ReLU
#
# Between two matrix products something has to bend, or the two would be one. ReLU cuts off what is negative.
# GELU bends softly.
#
# **What do you expect?** A neuron receives -1 for every token of a batch. What gradient comes through ReLU?
# Through GELU?

# %% jupyter={"source_hidden": true}
z = np.linspace(-4, 4, 401)
ones = np.ones_like(z)
figure, (left, right) = show.new_figure(columns=2, height=3)
for axis, relu, soft in ((left, np.maximum(z, 0), gelu(z)), (right, (z > 0) * 1.0, gelu_backward(ones, z))):
    axis.plot(z, relu, color=show.COLOURS[1], lw=2, ls="--", label="ReLU")
    axis.plot(z, soft, color=show.COLOURS[0], lw=2, label="GELU")
left.set(title="value", xlabel="x")
right.set(title="slope: what passes back", xlabel="x")
left.legend(frameon=False)
show.figure(
    figure,
    "Left the values, right the slopes. ReLU passes nothing back where x is negative; GELU still passes a little.",
    "Two plots from x = -4 to 4. Left: ReLU is zero and then a straight line; GELU follows it with a soft dip below zero. "
    "Right: ReLU's slope jumps from 0 to 1; GELU's runs smoothly from 0 below zero and past 1 to 1.",
)

# %%
slope_at_minus_one = gelu_backward(np.ones(1), np.array([-1.0]))[0]
largest_slope = gelu_backward(ones, z).max()
print(f"GELU's slope at -1 is {slope_at_minus_one:.3f}, its largest slope {largest_slope:.3f}")
assert abs(slope_at_minus_one - -0.083) < 0.001
assert abs(largest_slope - 1.129) < 0.001

# %% [markdown]
# ReLU passes nothing: as long as all batches are like this one, the neuron is dead. GELU passes -0.083 of the
# gradient, so the neuron can still move.
#
# ## Shortcuts
#
# A block does not replace x by f(x). It adds: x + f(x). Here are 24 layers, each a product and a GELU, once
# with that plus and once without. We send a gradient of length 1 in at the top and measure what arrives at each
# layer.
#
# **What do you expect?** How much of it reaches the bottom layer without shortcuts?


# %%
def arriving(shortcut, depth=24, C=64):
    """The gradient's length at each layer, the top one first, when length 1 enters at the top."""
    layers = [(numpy_gpt.Linear(C, C, dtype=np.float64), numpy_gpt.GELU()) for _ in range(depth)]
    x = rng.standard_normal((16, C))
    for linear, bend in layers:
        linear.weight.data[...] = rng.standard_normal((C, C)) / math.sqrt(C)
        f = bend(linear(x))
        x = x + f if shortcut else f
    dx = rng.standard_normal(x.shape)
    dx /= np.linalg.norm(dx)
    lengths = []
    for linear, bend in reversed(layers):
        df = linear.backward(bend.backward(dx))
        dx = dx + df if shortcut else df
        lengths.append(np.linalg.norm(dx))
    return np.array(lengths)


without, with_shortcut = arriving(False), arriving(True)
print(f"at the bottom: {without[-1]:.0e} without shortcuts, {with_shortcut[-1]:.0e} with them")
assert without[-1] < 1e-5 < 1 < with_shortcut[-1]

# %% jupyter={"source_hidden": true}
figure, axis = show.new_figure(height=3.2, width=7)
for lengths, colour, style, label in ((with_shortcut, 0, "-", "x + f(x)"), (without, 1, "--", "f(x)")):
    axis.plot(range(24, 0, -1), lengths, color=show.COLOURS[colour], ls=style, lw=2, marker="o", ms=4, label=label)
axis.set(yscale="log", xlabel="layer, 24 is the top", ylabel="length of the gradient")
axis.legend(frameon=False)
show.figure(
    figure,
    "The gradient on its way down through 24 layers. Without shortcuts it shrinks at every layer; with them it arrives.",
    "A plot on a log scale over the layers 1 to 24. The dashed line, without shortcuts, falls steadily towards layer 1 by many powers of "
    "ten; the solid line, with shortcuts, does not fall: it grows more than a thousandfold.",
)

# %% [markdown]
# Without the plus, hardly anything is left: the bottom layer's gradient is more than a hundred thousand times smaller
# than the top's. With it, the gradient has a way that passes through no layer at all. (It even grows here, since
# every layer adds its own share. GPT-2 therefore starts the layers that write into this stream with smaller
# weights, `0.02 / √(2 n_layers)`.)
#
# ## The block
#
# Now everything is there. In both packages a block is two lines, and you can read each from the inside out:
# normalise, work, add.

# %%
show.twins("block.TransformerBlock.forward")

# %% [markdown]
# Attention mixes *positions*; the feed-forward network works on each position *alone*, four times as wide
# inside.

# %%
show.twins("block.FeedForward.forward")

# %% [markdown]
# ## GPTModel
#
# Two tables, a stack of blocks, a last LayerNorm, a head.

# %%
show.twins("model.GPTModel.forward")

# %% [markdown]
# ## Counting
#
# **What do you expect?** GPT-2 small is called 124M. Which part holds most of it: the table of the vocabulary,
# attention, or the feed-forward networks?

# %%
parts = anatomy(sizes["gpt2-small"], batch_size=1)
kinds = {"tables": ("wte", "wpe"), "attention": ("attn",), "feed-forward": ("mlp",), "LayerNorm": ("ln_",)}
count = {
    kind: sum(p.parameters * p.copies for p in parts if any(w in p.name for w in words))
    for kind, words in kinds.items()
}
total = sum(p.parameters * p.copies for p in parts)
show.table(
    [(kind, number, f"{number / total:.1%}") for kind, number in [*count.items(), ("all", total)]],
    ["GPT-2 small", "parameters", "share"],
)
assert total == sum(count.values()) == 124439808
untied = total + 50257 * 768
assert untied == 163037184
megabytes = total * 4 / 1e6
print(f"{megabytes:.0f} MB in float32; in training four times that: {4 * megabytes:.0f} MB")
assert round(megabytes) == 498

# %% [markdown]
# 124,439,808, and nearly half of them in the feed-forward networks. The head counts nothing, because it *is*
# the table of the vocabulary, transposed. A model with a head of its own would have 163,037,184 parameters: the
# number that puzzles readers who build GPT-2 from a description and count.
#
# In float32 that is 498 MB. Training needs it four times: weights, gradients, and AdamW's two means. What the layers
# save for the way back comes on top.
#
# ## A walk down the model
#
# We send one batch through both twins, in float64 and in float32, and stop after every module. What shape comes
# out? How wide do the numbers spread? And how far are the twins apart?
#
# **What do you expect?** float64 keeps 16 digits, float32 keeps 7. Will the twins differ more and more on the
# way down?

# %%
config = sizes["classroom"].replace(drop_rate=0.0)
ids, targets = rng.integers(0, config.vocab_size, (2, 2, 32))


def walk(dtype):
    """Both twins' traces from the same random weights."""
    pair = []
    for package, trace in ((numpy_gpt, trace_numpy), (torch_gpt, trace_torch)):
        model = package.GPTModel(config, np.random.default_rng(0), getattr(package, dtype), initialize=False).eval()
        shapes = {key: np.zeros(tuple(array.shape), dtype) for key, array in model.state_dict().items()}
        model.load_state_dict(random_state(shapes, 0))
        pair.append(trace(model, package.CrossEntropy(), ids, targets))
    return pair


stops = []
traces = {dtype: walk(dtype) for dtype in ("float64", "float32")}
for (place, name), array in traces["float64"][0].items():
    if place == "output" and name not in ("", "loss") and not name.endswith(("drop", "dropout")):
        errors = [relative_error(ours[place, name], theirs[place, name]) for ours, theirs in traces.values()]
        stops.append((name, array.shape, array.std(), *errors))
assert max(stop[3] for stop in stops) < 1e-13
assert max(stop[4] for stop in stops) < 1e-5
show.table(
    [(f"`{n}`", str(s), f"{d:.2f}", f"{a:.0e}", f"{b:.0e}") for n, s, d, a, b in stops if n.count(".") < 2 or n.startswith("h.0")],
    ["module", "shape of its output", "deviation", "error, float64", "error, float32"],
)  # fmt: skip

# %% jupyter={"source_hidden": true}
names, spread, wide, narrow = ([stop[i] for stop in stops] for i in (0, 2, 3, 4))
figure, (left, right) = show.new_figure(
    columns=2, height=8.2, width=8.6, sharey=True, gridspec_kw={"width_ratios": [1, 1.6]}
)
rows = range(len(stops))
left.barh(rows, spread, color=[show.COLOURS[0] if name.count(".") == 1 else show.COLOURS[5] for name in names])
right.plot(np.maximum(wide, 1e-17), rows, "o-", color=show.COLOURS[0], ms=4, lw=1, label="float64")
right.plot(np.maximum(narrow, 1e-17), rows, "s--", color=show.COLOURS[1], ms=4, lw=1, label="float32")
left.set(title="deviation of the output", ylim=(len(stops) - 0.4, -0.6))
left.set_yticks(rows, names, fontsize=7)
right.set(title="error, one twin against the other", xscale="log", xlim=(1e-17, 1e-4))
right.legend(frameon=False, loc="center")
for j, name in enumerate(names):
    if name.count(".") == 1:
        for axis in (left, right):
            axis.axhline(j + 0.5, color=show.INK, lw=0.5, ls=":")
show.figure(
    figure,
    "The walk. Left: each module's output; dark bars are whole blocks, the stream that the shortcuts carry. Right: the twins' "
    "differences, near 1e-15 in float64 and below 1e-6 in float32, from the first LayerNorm to the head. The two look-ups "
    "are exactly equal.",
    "A column for each module from wte to the head. The deviation of whole blocks grows from block to block while LayerNorm "
    "outputs stay at the same width. After wte and wpe, which have no error, the errors form two nearly vertical lines, more "
    "than eight powers of ten apart.",
)

# %%
blocks = [stop[2] for stop in stops if stop[0] in ("h.0", "h.1", "h.2", "h.3")]
print("deviation after each block:", " ".join(f"{d:.2f}" for d in blocks))
assert blocks == sorted(blocks)

# %% [markdown]
# Three things to see. The stream grows from block to block, since everyone adds to it, and nobody minds, since
# each reader normalises first. The twins differ in the last digit only. And the difference hardly grows on the
# way: rounding is noise, and noise does not add up in one direction.
#
# ## Writing text
#
# The model gives scores for the next token. Take the best, put it at the end, ask again. That is the whole of
# generation:

# %%
show.twins("generate.generate_text_simple")

# %%
model = numpy_gpt.GPTModel(config, np.random.default_rng(0)).eval()
prompt = ids[:1, :4]
longer = numpy_gpt.generate_text_simple(model, prompt, max_new_tokens=6, context_size=config.context_length)
assert longer.shape == (1, 10)
assert (longer[:, :4] == prompt).all()
longer.shape

# %% [markdown]
# The model has learnt nothing yet, so what it writes is noise; it learns in [05 Pre-training](05_pretraining.ipynb).
# Suppose it had read our stories, and these were its scores after *The keeper climbs the …*:

# %%
words = ["stairs", "tower", "rock", "hill", "ladder", "gull", "soup", "the"]
logits = np.array([[4.2, 3.6, 2.9, 2.4, 1.8, 0.3, -0.8, -2.0]])
settings = {
    "temperature 1": {},
    "temperature 0.3": {"temperature": 0.3},
    "temperature 3": {"temperature": 3.0},
    "temperature 3, top-k 3": {"temperature": 3.0, "top_k": 3},
}
chances = {name: probabilities(logits, **options)[0] for name, options in settings.items()}

# %% [markdown]
# **What do you expect?** A low temperature, a high one, and a high one that may choose among the best three
# only: in which case could *soup* come next?

# %% jupyter={"source_hidden": true}
figure, panels = show.new_figure(columns=4, height=2.9, width=9, sharey=True)
for axis, (name, p), colour in zip(panels, chances.items(), (0, 5, 1, 2)):
    axis.bar(words, p, color=show.COLOURS[colour])
    axis.set_title(name, fontsize=9)
    axis.tick_params(axis="x", rotation=90, labelsize=8)
panels[0].set_ylabel("probability")
show.figure(
    figure,
    "One set of scores, four ways to draw from it. Temperature divides the scores before the softmax; top-k keeps the k best.",
    "Four bar charts over eight words. At temperature 1 `stairs` leads clearly; at 0.3 it has nearly everything; at 3 the bars "
    "fall slowly and even `soup` has a share; at 3 with top-k 3 only the first three words are left.",
)
assert chances["temperature 0.3"][0] > 0.85
assert chances["temperature 3"][6] > 0.04
assert (chances["temperature 3, top-k 3"] > 0).sum() == 3

# %% [markdown]
# Only where it is hot and nothing is cut off; at temperature 1 it is one draw in about 300. Try it yourself: the two
# sliders under the next cell move temperature and top-k. (They need JupyterLab and a running kernel; elsewhere the
# picture stands still.) From which temperature on is *tower* more than half as likely as *stairs*?


# %% jupyter={"source_hidden": true}
def drawn(temperature, top_k):
    p = probabilities(logits, temperature, top_k=top_k)[0]
    figure, axis = show.new_figure(height=2.8, width=6)
    axis.bar(words, p, color=show.COLOURS[0])
    axis.set(ylim=(0, 1), ylabel="probability")
    axis.set_title(f"temperature {temperature:.1f}, top-k {top_k}", fontsize=9)
    return figure


slider(
    drawn,
    "The same scores at any temperature, cut to the k best words.",
    "A bar chart over the eight words, whose bars follow two sliders. At temperature 0.8 with all eight words `stairs` has more "
    "than half, and `soup` next to nothing.",
    temperature=(0.1, 5.0, 0.1, 0.8),
    top_k=(1, 8, 1, 8),
)
assert probabilities(logits, 0.8)[0][0] > 0.5 > 0.01 > probabilities(logits, 0.8)[0][6]
ratio = {T: probabilities(logits, T)[0][1] / probabilities(logits, T)[0][0] for T in (0.8, 0.9)}
assert ratio[0.8] < 0.5 < ratio[0.9]
assert np.isclose(logits[0, 0] - logits[0, 1], 0.6)

# %% [markdown]
# From about 0.9 on: the scores differ by 0.6, and exp(-0.6 / T) is a half at T = 0.6 / ln 2. Only the difference of two
# scores counts, divided by the temperature.
#
# ## The KV cache
#
# For each new token the loop above runs the whole text through the model again. But the keys and values of
# earlier tokens have not changed: nobody sees the future. So keep them, and run the new token alone.

# %%
cache = numpy_gpt.KVCache(config)
with numpy_gpt.no_grad():
    whole = model(ids[:1])
    pieces = [model(ids[:1, :20], cache), *(model(ids[:1, t : t + 1], cache) for t in range(20, 32))]
error = relative_error(np.concatenate(pieces, axis=1), whole)
print(f"logits with and without the cache: relative error {error:.0e}")
assert error < 1e-5

new = 100
positions_without, positions_with = sum(range(32, 32 + new)), 32 + new - 1
print(f"positions computed for {new} tokens after 32: {positions_without:,} without, {positions_with} with the cache")
assert (positions_without, positions_with) == (8150, 131)

# %% [markdown]
# The same logits. For 100 tokens after a prompt of 32, the plain loop computes 8,150 positions; with the cache
# it is 131. (The context must hold all of them, as GPT-2's does; the classroom model's has 64 places.)
#
# ## Exercises
#
# 1. `gpt-exercise start layer-norm` (15 minutes) and `gpt-exercise start gelu` (10 minutes).
# 2. `gpt-exercise start block`: two lines, and the plus in each (10 minutes).
# 3. `gpt-exercise start model` (35 minutes).
# 4. `gpt-exercise start kv-cache` (20 minutes).
# 5. Count by hand: how many parameters has one block of width C? For which C are the tables as large as twelve
#    blocks?
#
# ## Recap
#
# - LayerNorm hands every part numbers of the same width; eps keeps it from blowing up what is nearly constant.
# - GELU bends softly, so that a neuron with a negative input still gets some gradient.
# - The plus around every part lets the gradient arrive at the bottom undiminished.
# - Nearly half of GPT-2's weights lie in the feed-forward networks; the head is the vocabulary's table, used
#   twice.
# - Generation asks for one token again and again; the cache spares it the work that it has done already.
#
# Next: [04 Backprop by hand](04_backprop.ipynb). The source: [block.py](../numpy_gpt/block.py),
# [model.py](../numpy_gpt/model.py); beside their twins in the reader ([the
# block](../build/site/block.html#TransformerBlock.forward), [sampling](../build/site/sampling.html#probabilities), made by
# `python3 run.py read`). More counting: `numpy-gpt anatomy gpt2-small`.
