# %% [markdown]
# # 10 Anatomy of speed
#
# **Which part of a training step is arithmetic that nobody can avoid, which part is memory, which part is Python, and
# what is left to gain?**
#
# A step of GPT-2's smallest model takes this project's NumPy code a few seconds on one core. Is that slow? The word
# means nothing before we know how fast it could be. So we count first, then build the floor on which every
# implementation stands, and only then hold a clock to the real thing.
#
# **40 minutes** · **Before it**: [03 Architecture](03_architecture.ipynb), [05 Pre-training](05_pretraining.ipynb)
#
# Counts on this page hold on every machine, and each is checked. Times hold on the machine that drew the pictures;
# run the cells, and they become yours.

# %%
import importlib.util, subprocess, sys
from pathlib import Path

if importlib.util.find_spec("numpy_gpt") is None:  # in a hosted notebook service: install the project, once
    address = ".." if Path("../pyproject.toml").exists() else "git+" + input("Address of the project's repository: ")
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", f"numpy-gpt[notebooks] @ {address}"], check=True)

# %%
import os
import time

import numpy as np
from threadpoolctl import threadpool_limits

import numpy_gpt as gpt
from notebooks import show
from numpy_gpt import chunks, functional
from shared_gpt import threads as own_threads
from shared_gpt.anatomy import anatomy, totals
from shared_gpt.training.memory import keep_freed_memory

rng = np.random.default_rng(10)  # all chance in this notebook comes from here
keep_freed_memory()  # as AdamW asks for: what one step frees, the next one takes again
own_threads.THREADS = 1  # one core, so that what is measured here is the work, not how many share it


def seconds(function, rounds=5):
    """The shortest of some runs: the one that was disturbed least."""
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - start)
    return best


# %% [markdown]
# ## Count before you measure
#
# A `Linear` that takes N rows from `in` to `out` features needs N · in · out multiplications and as many additions: 2
# · N · in · out operations. Backward needs two more products of that size, one for the input's gradient and one for
# the weight's. Everything else in a GPT (LayerNorm, GELU, softmax, adding) touches each number a few times, and is
# next to nothing on this scale.
#
# So the cost of a step can be written down without running it. `shared_gpt/anatomy.py` does that; here is one
# sequence of 256 tokens through the model that has 124 million parameters.

# %%
T = 256
config = gpt.GPTConfig.preset("gpt2-small", drop_rate=0.0)
parts = anatomy(config, batch_size=1, T=T)
sums = totals(parts, logits=T * config.vocab_size)
show.table(
    [
        (
            f"`{p.name}`",
            p.copies,
            p.parameters * p.copies,
            f"{p.operations * p.copies / 1e9:.1f}",
            f"{p.kept * p.copies / 1e6:.1f}",
        )
        for p in parts
        if p.operations or p.parameters > 1e5 or p.kept > 1e6
    ],
    ("module", "copies", "parameters", "forward, GFLOP", "kept for backward, MB"),
    "GPT-2 small, batch 1 × 256 tokens, float32. A GFLOP is 10⁹ operations.",
)
print(f"{sums.parameters:,} parameters, {sums.operations / 1e9:.0f} GFLOP for a step: forward one third, backward two")
assert sums.parameters == 124_439_808
assert round(sums.operations / 1e9) == 197

# %% [markdown]
# That is 197 GFLOP for 256 tokens. The rule of thumb says six operations for each parameter and token, two forward
# and four backward, and it is right to a few percent:

# %%
rule = 6 * sums.parameters * T
print(f"6 · parameters · tokens = {rule / 1e9:.0f} GFLOP, {rule / sums.operations:.0%} of the count")
assert 0.96 < rule / sums.operations < 0.98

# %% [markdown]
# **What do you expect?** Attention is what the famous paper is called after. Which share of the operations is
# attention itself, the two products q kᵀ and p v? And which single module is the largest?

# %%
kinds = {
    "the head": ("lm_head",),
    "feed-forward": ("mlp.c_fc", "mlp.c_proj"),
    "projections of attention": ("attn.c_attn", "attn.c_proj"),
    "q kᵀ and p v": ("h.*.attn",),
}
operations = {
    kind: sum(p.operations * p.copies for p in parts if p.name.endswith(ends)) for kind, ends in kinds.items()
}
shares = {kind: count / sum(operations.values()) for kind, count in operations.items()}

drawn, axis = show.new_figure(1, 2.3, width=8)
lengths = (256, 1024)
for y, length in enumerate(lengths):
    here = anatomy(config, 1, length)
    counts = [sum(p.operations * p.copies for p in here if p.name.endswith(ends)) for ends in kinds.values()]
    left = 0
    for (kind, count), colour in zip(
        zip(kinds, counts), (show.COLOURS[0], show.COLOURS[4], show.COLOURS[5], show.COLOURS[1])
    ):
        width = count / sum(counts)
        axis.barh(y, width, left=left, color=colour, edgecolor="white", label=kind if y == 0 else None)
        axis.text(
            left + width / 2,
            y,
            f"{width:.0%}",
            ha="center",
            va="center",
            fontsize=9,
            color="white" if colour == show.COLOURS[0] else "black",
        )
        left += width
axis.set_yticks(range(2), [f"{length} tokens" for length in lengths])
axis.xaxis.set_major_formatter(lambda value, position: f"{value:.0%}")
axis.legend(ncols=4, fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False)
show.figure(
    drawn,
    "Who needs the operations of a step, at two lengths of text.",
    "Two stacked bars. At 256 tokens the head takes 30 %, feed-forward 44 %, attention's projections 22 %, the "
    "products of queries with keys and of "
    "weights with values 4 %; at 1024 tokens these last take 13 %.",
)
print({kind: f"{share:.0%}" for kind, share in shares.items()})
assert [round(100 * share) for share in shares.values()] == [30, 44, 22, 4]

# %% [markdown]
# Attention proper is 4 % at this length. The head, one single matrix, is 30 %: it makes a score for each token of the
# vocabulary, at every position. In large models, where width and depth have grown and the vocabulary has not, it
# hardly counts; in yours it does.
#
# ## The first floor: matrix products
#
# Nothing that computes these products can be faster than the products. NumPy hands them to a BLAS, a library in which
# decades of work have gone into this one operation. How many operations a second does it do here?

# %% tags=["optional"]
sizes = (8, 16, 32, 64, 128, 256, 512, 1024, 2048)
with threadpool_limits(1):
    rates = []
    for n in sizes:
        a, b = rng.standard_normal((2, n, n), np.float32)
        rounds = 20 if n <= 256 else 3
        rates.append(2 * n**3 / seconds(lambda a=a, b=b: a @ b, rounds))
rate = max(rates)

drawn, axis = show.new_figure(1, 3.2, width=7)
axis.loglog(sizes, np.array(rates) / 1e9, "o-", color=show.COLOURS[0])
axis.set_xticks(sizes, [str(n) for n in sizes])
axis.minorticks_off()
axis.set(xlabel="n, of a product of two n × n matrices", ylabel="GFLOP per second")
show.figure(
    drawn,
    f"One core of this machine does {rate / 1e9:.0f} GFLOP/s where matrices are large, and far less where they "
    f"are small.",
    "A rising line: operations per second against the size of the matrices, flat from about 256 on and falling "
    "steeply below 64.",
)

# %% [markdown]
# A small product has too little work in it to pay for being asked. This is why our attention stacks its heads in one
# call, why all rows of a batch go through `Linear` together, and why a model for the classroom never comes near the
# speed of a large one.
#
# ## The second floor: memory
#
# GELU does a dozen operations on each number. A product does thousands on each. So for GELU the arithmetic is not
# what counts: each NumPy operation reads its whole array and writes it back, and between the processor and its memory
# there is a narrow road.
#
# The way out is old: take a piece that fits into the processor's cache, do all dozen operations on it, go on to the
# next.

# %%
show.code(chunks.in_chunks)
show.code(functional.gelu)

# %% [markdown]
# The formula stays a formula, and the decorator above it does the cutting. `gelu.__wrapped__` is the same function
# without it.
#
# **What do you expect?** The same operations on the same numbers, only in another order. Is anything gained, and from
# which size on?

# %%
x = rng.standard_normal((256, 4 * 768), np.float32)
assert np.abs(functional.gelu(x) - functional.gelu.__wrapped__(x)).max() < 1e-6
print(f"{x.size:,} numbers, {x.nbytes / 1e6:.0f} MB, in {-(-x.size // chunks.CHUNK)} chunks: the same values")
assert -(-x.size // chunks.CHUNK) == 6

# %% jupyter={"source_hidden": true} tags=["optional"]
counts = 2 ** np.arange(12, 23)
whole, chunked = [], []
for n in counts.tolist():
    x = rng.standard_normal(n, np.float32)
    whole.append(seconds(lambda x=x: functional.gelu.__wrapped__(x), 3) / n * 1e9)
    chunked.append(seconds(lambda x=x: functional.gelu(x), 3) / n * 1e9)

drawn, axis = show.new_figure(1, 3.2, width=7)
axis.semilogx(counts, whole, "o-", color=show.COLOURS[1], label="array by array: gelu.__wrapped__")
axis.semilogx(counts, chunked, "s-", color=show.COLOURS[0], label="in chunks: gelu")
axis.axvline(chunks.CHUNK, color=show.INK, linewidth=0.8, linestyle="--")
axis.text(chunks.CHUNK, axis.get_ylim()[1], " one chunk", fontsize=8, va="top")
axis.set(xlabel="numbers in the array", ylabel="nanoseconds per number")
axis.set_ylim(0)
axis.legend(fontsize=8)
show.figure(
    drawn,
    f"GELU of four million numbers: {whole[-1]:.1f} ns each array by array, {chunked[-1]:.1f} ns each in chunks.",
    "Two lines, nanoseconds per number against the size of the array; they run together up to the size of one "
    "chunk, beyond it the undivided "
    "one is the slower.",
)

# %% [markdown]
# And as no chunk needs to know of another, each core can take one: NumPy lets go of Python's lock while it computes. So
# `gelu`, `softmax`, LayerNorm and the loss run on all cores (`shared_gpt/threads.py`). The chunks stay the same and
# sums over them are added in their order, so the numbers are the same on one core and on sixteen. Here one core does
# everything, to keep the figures comparable.
#
# ## The third floor: Python
#
# Every operation is asked for by Python: a name is looked up, a function called, an array made. That costs about a
# microsecond each time, whether the array holds eight numbers or eight million. How often does one step ask?

# %%
small = gpt.GPTModel(gpt.GPTConfig.preset("classroom", drop_rate=0.0), rng)
criterion = gpt.CrossEntropy()


def step(model, ids):
    model.zero_grad()
    loss = criterion(model(ids[:, :-1]), ids[:, 1:])
    model.backward(criterion.backward())
    return loss


calls = 0


def count(frame, event, argument):
    global calls
    calls += event in ("call", "c_call")


ids = rng.integers(0, small.config.vocab_size, (16, 65))
sys.setprofile(count)
step(small, ids)
sys.setprofile(None)
modules = sum(1 for _ in small.modules())
print(f"{modules} modules, thousands of calls in one step of the classroom model: {calls // 1000}")
assert 500 < calls < 20_000
assert modules > 50

# %% jupyter={"source_hidden": true} tags=["optional"]
batch_sizes = (1, 2, 4, 8, 16, 32)
per_token = []
for B in batch_sizes:
    some = rng.integers(0, small.config.vocab_size, (B, 17))
    per_token.append(seconds(lambda some=some: step(small, some), 5) / (B * 16) * 1e6)

drawn, axis = show.new_figure(1, 3.0, width=7)
axis.plot([16 * B for B in batch_sizes], per_token, "o-", color=show.COLOURS[0])
axis.set_xscale("log", base=2)
axis.set_xticks([16 * B for B in batch_sizes], [str(16 * B) for B in batch_sizes])
axis.set_ylim(0)
axis.set(xlabel="tokens in the batch", ylabel="microseconds per token")
show.figure(
    drawn,
    f"The classroom model: {per_token[0]:.0f} µs for a token where 16 share a step, {per_token[-1]:.0f} µs where "
    f"{16 * batch_sizes[-1]} do.",
    "A line that falls steeply and then flattens: microseconds per token against the number of tokens in the batch.",
)

# %% [markdown]
# A batch shares the price of asking. Past a few hundred tokens Python has all but vanished from the bill, even for
# this small model. For the large one it never was on it.
#
# ## Threads
#
# A BLAS can split one product among several cores.
#
# **What do you expect?** For which of the two models will a second core help more?

# %% tags=["optional"]
a, b = rng.standard_normal((256, 768), np.float32), rng.standard_normal((768, 3072), np.float32)
rows = []
for threads in sorted({1, 2, os.cpu_count() or 1}):
    with threadpool_limits(threads):
        rows.append(
            (threads, f"{seconds(lambda: a @ b, 8) * 1e3:.1f}", f"{seconds(lambda: step(small, ids), 5) * 1e3:.0f}")
        )
show.table(
    rows,
    ("threads", "one product of the 124M shape, ms", "one step of the classroom model, ms"),
    f"{os.cpu_count()} cores",
)

# %% [markdown]
# Small matrices are split into crumbs, and waiting for each other costs more than the work. For models of the
# classroom's size, `--threads 1` is often the fastest; the documentation says so because we measured it.
#
# ## A step, module by module
#
# Now the real thing. We wrap each module's `forward` and `backward` in a clock. They nest: the time of a block holds
# that of its attention, which holds that of its projections. Drawn one row for each level, this is a flame.
#
# The 124M shape needs two gigabytes and some seconds. Where there are not so many, take `"classroom"` in the next
# cell; the picture looks different then, and that is worth seeing, too.

# %%
preset = "gpt2-small"
config = gpt.GPTConfig.preset(preset, drop_rate=0.0)
T = min(256, config.context_length)
model = gpt.GPTModel(config, rng)
criterion = gpt.CrossEntropy()
ids = rng.integers(0, config.vocab_size, (1, T + 1))
spans, open_spans = [], []


def clocked(function, name, direction):
    def run(*args, **kwargs):
        depth, start = len(open_spans), time.perf_counter()
        open_spans.append(name)
        result = function(*args, **kwargs)
        open_spans.pop()
        spans.append((depth, name, direction, start, time.perf_counter()))
        return result

    return run


for name, module in [*model.named_modules(), ("loss", criterion)]:
    for direction in ("forward", "backward"):
        if hasattr(module, direction):
            setattr(module, direction, clocked(getattr(module, direction), name or "model", direction))

with threadpool_limits(1):
    step(model, ids)  # the first touches fresh memory
    spans.clear()
    loss = step(model, ids)
print(f"{len(spans)} spans; loss {loss:.1f}, that of a guess is {np.log(config.vocab_size):.1f}")
assert abs(loss - np.log(config.vocab_size)) < 0.5

# %% [markdown]
# Beside the step, its floor: all its matrix products and nothing else, with the shapes from the table above. Each
# product of the forward pass is followed by its two of the backward pass.

# %%
N, C, F, V, D = T, config.emb_dim, 4 * config.emb_dim, config.vocab_size, config.head_dim
layers, heads = config.n_layers, config.n_heads
products = {  # kind -> (how often, rows, inner, columns)
    "the head": [(1, N, C, V)],
    "feed-forward": [(layers, N, C, F), (layers, N, F, C)],
    "projections of attention": [(layers, N, C, 3 * C), (layers, N, C, C)],
    "q kᵀ and p v": [(layers * heads, T, D, T), (layers * heads, T, T, D)],
}
counted = 3 * sum(2 * times * n * k * m for shapes in products.values() for times, n, k, m in shapes)
assert counted == 3 * sum(p.operations * p.copies for p in anatomy(config, 1, T))
floor = {kind: [0.0, 0.0] for kind in products}  # seconds forward, backward
with threadpool_limits(1):
    for kind, shapes in products.items():
        for times, n, k, m in shapes:
            x, w, dy = (rng.standard_normal(shape, np.float32) for shape in ((n, k), (k, m), (n, m)))
            rounds = 3 if times > 1 else 2
            floor[kind][0] += times * seconds(lambda x=x, w=w: x @ w, rounds)
            floor[kind][1] += times * seconds(lambda x=x, w=w, dy=dy: (dy @ w.T, x.T @ dy), rounds)
print("the products of one step, counted twice in two ways:", f"{counted / 1e9:.0f} GFLOP")


# %% jupyter={"source_hidden": true} tags=["optional"]
def kind_of(name):
    if name in ("lm_head", "loss"):
        return "the head and the loss"
    if ".mlp" in name:
        return "feed-forward"
    if ".attn" in name:
        return "attention"
    return "LayerNorm" if "ln_" in name else "embedding, adding up"


shades = dict(
    zip(
        ("the head and the loss", "feed-forward", "attention", "LayerNorm", "embedding, adding up"),
        (show.COLOURS[0], show.COLOURS[4], show.COLOURS[5], show.COLOURS[2], show.GRID),
    )
)
begin = min(start for *_, start, _ in spans)
end = max(stop for *_, stop in spans)
drawn, axis = show.new_figure(1, 4.4, width=10)
axis.grid(False)
for depth, name, _direction, start, stop in spans:
    kind = kind_of(name)
    axis.barh(
        -depth, stop - start, left=start - begin, height=0.94, color=shades[kind], edgecolor="white", linewidth=0.4
    )
    label = "model" if name == "model" else name.split(".")[-1] if depth > 1 else name
    if stop - start > 0.007 * len(label) * (end - begin):
        text_colour = "white" if shades[kind] in (show.COLOURS[0], show.COLOURS[2]) else "black"
        axis.text((start + stop) / 2 - begin, -depth, label, ha="center", va="center", fontsize=6.5, color=text_colour)
turn = next(start for _, name, direction, start, _ in spans if name == "loss" and direction == "backward") - begin
left = 0.0
for direction in (0, 1):
    for kind, times in floor.items():
        colour = {"the head": show.COLOURS[0], "feed-forward": show.COLOURS[4]}.get(kind, show.COLOURS[5])
        axis.barh(-5.2, times[direction], left=left, height=0.94, color=colour, edgecolor="white", linewidth=0.4)
        left += times[direction]
axis.text(left, -5.2, f"  {left:.2f} s, {left / (end - begin):.0%} of the step", va="center", fontsize=8)
axis.axvline(turn, color=show.INK, linewidth=0.8, linestyle="--")
axis.text(turn, 0.75, "forward ◂  ▸ backward", ha="center", fontsize=8)
axis.set_yticks(
    [0, -1, -2, -3, -5.2], ["model, loss", "blocks, head", "parts", "layers", "its products\nalone"], fontsize=8
)
axis.set(xlabel="seconds", xlim=(0, end - begin), ylim=(-5.8, 1.1))
for kind, colour in shades.items():
    axis.bar(0, 0, color=colour, label=kind)
axis.legend(ncols=5, fontsize=7.5, frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0))
show.figure(
    drawn,
    f"One step of the {preset} shape, 1 × {T} tokens, one core: {end - begin:.2f} s. Above, the modules as they "
    f"ran; below, on the same scale, the "
    "matrix products that no implementation can do without.",
    "A flame of modules over time: the forward pass through twelve blocks and the head, then the backward pass, "
    "about twice as long, in the other "
    "order; below it a bar with the time of the matrix products alone, which is most of the step's length.",
)


# %% tags=["optional"]
def own_seconds():
    """For each kind: the time of its spans less that of the spans inside them."""
    found = dict.fromkeys(shades, 0.0)
    for depth, name, _, start, stop in spans:
        inside = sum(e - s for d, _, _, s, e in spans if d == depth + 1 and start <= s and e <= stop)
        found[kind_of(name)] += stop - start - inside
    return found


own = own_seconds()
beneath = {
    "the head and the loss": sum(floor["the head"]),
    "feed-forward": sum(floor["feed-forward"]),
    "attention": sum(floor["projections of attention"]) + sum(floor["q kᵀ and p v"]),
}
show.table(
    [
        (kind, f"{took:.2f}", f"{beneath[kind]:.2f}" if kind in beneath else "–", f"{took / (end - begin):.0%}")
        for kind, took in own.items()
    ],
    ("part", "seconds", "of which its products", "of the step"),
    f"{preset}, 1 × {T} tokens, one core of this machine",
)

# %% [markdown]
# Read it from below. Most of the step is products, and those are not ours to speed up. What is above them is GELU,
# softmax, LayerNorm, the loss, and the copies between them. The rest of this project's speed is in keeping that
# small: in-place operations, cache-sized chunks, no array of the logits' size that could be avoided. `python -m
# benchmarks training` sets the same floor beside PyTorch and transformers; [the
# measurements](../docs/measurements.md) hold what it found.
#
# ## One floor more: the optimizer
#
# AdamW is the opposite of a product. For each parameter it does about a dozen operations, and it must read the
# weight, the gradient and both moments and write three of them back: seven numbers over the narrow road. No trick
# makes that less, but for having fewer parameters to train:

# %%
full = 7 * 4 * sums.parameters
lora = 7 * 4 * sum(16 * (i + o) * 12 for i, o in ((768, 2304), (768, 768), (768, 3072), (3072, 768)))
print(f"AdamW moves {full / 1e9:.1f} GB in a step of all parameters, {lora / 1e6:.0f} MB with LoRA of rank 16")
assert round(full / 1e9, 1) == 3.5
assert round(lora / 1e6) == 66

# %% [markdown]
# 3.5 GB, in every step, whatever the batch: so large batches make the optimizer cheap, and LoRA ([07](07_lora.ipynb))
# makes it vanish.
#
# ## Exercises
#
# 1. *Five minutes.* Set `preset = "classroom"` and draw the flame again. Which floor is it standing on now?
# 2. *Ten minutes.* Change `chunks.CHUNK` to 2¹⁰ and to 2²². Explain both ends of the curve that you get, one by
#    Python, one by memory.
# 3. *Fifteen minutes.* Write GELU's backward with as few passes over memory as you can, and let the check see that it
#    is still right: `gpt-exercise start gelu-backward`.
# 4. *Twenty minutes.* With a cache a new token needs the products of one position alone. Count its operations and the
#    bytes of the weights that it must read: which floor is generation standing on? Then write the cache:
#    `gpt-exercise start kv-cache`.
#
# ## Recap
#
# - Count first: six operations for each parameter and token, forward one third, backward two.
# - Attention's own products are a small share at short lengths; feed-forward and the head are the bulk.
# - The floor of a step is its matrix products; large ones run near the processor's limit, small ones do not.
# - Elementwise work is limited by memory, and gains from chunks that stay in the cache, one for each core.
# - Python's price is paid per call: it vanishes in large batches and rules in small ones.
#
# This was the last notebook. [The design](../docs/design.md) is the map of the whole code; the
# chunks that fit the cache are a page of the reader ([chunks](../build/site/chunks.html#in_chunks), made by `python3 run.py
# read`).
