# %% [markdown]
# # 00 A tour
#
# **What happens between a text and the next word?**
#
# A text goes in, a guess comes out, and a gradient goes back. We walk that way once, in ten minutes, with two
# programs that do the same: `numpy_gpt`, where every gradient is written by hand, and `torch_gpt`, its twin in
# PyTorch. Nothing is explained to the end here. Each stop has a notebook of its own.
#
# **10 minutes** · **Before it**: nothing but a little Python.

# %%
import importlib.util, subprocess, sys
from pathlib import Path

if importlib.util.find_spec("numpy_gpt") is None:  # in a hosted notebook service: install the project, once
    address = ".." if Path("../pyproject.toml").exists() else "git+" + input("Address of the project's repository: ")
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", f"numpy-gpt[notebooks] @ {address}"], check=True)

# %%
import math

import numpy as np
import torch

import numpy_gpt
import torch_gpt
from notebooks import show
from parity_tests.report.measure import gradients, relative_error
from parity_tests.report.trace import trace_numpy, trace_torch
from shared_gpt.text import BytePairTokenizer, TokenWindows, load_text

# %% [markdown]
# ## A text goes in
#
# The text becomes tokens, pieces of words, and each token has a number. This tokenizer has just read the
# stories of a village and learnt 1024 pieces from them.

# %%
stories = load_text("stories")
tokenizer = BytePairTokenizer.train(stories, vocab_size=1024)
text = "Ada Brook keeps the lighthouse on Gull"
ids = tokenizer.encode(text)
pieces = [tokenizer.decode([i]).replace(" ", "␣") for i in ids]
show.table([("id", *map(str, ids))], ["token", *pieces])
assert tokenizer.decode(ids) == text
assert tokenizer.n_vocab == 1024

# %% [markdown]
# ## A guess comes out
#
# A GPT of classroom size, its weights drawn at random: it has read nothing yet. The same weights go into the
# twin.

# %%
config = numpy_gpt.GPTConfig.preset("classroom", drop_rate=0.0)
ours = numpy_gpt.GPTModel(config, np.random.default_rng(0))
theirs = torch_gpt.GPTModel(config, np.random.default_rng(0))

logits = ours(np.array([ids]))
logits_of_twin = theirs(torch.tensor([ids]))
error = relative_error(logits, logits_of_twin)
print(f"logits: {logits.shape}, relative error against the twin: {error:.0e}")
assert logits.shape == (1, len(ids), 1024)
assert error < 1e-5

# %% [markdown]
# For every token one row: a score for each of the 1024 tokens that could come next.
#
# **What do you expect?** The model knows nothing. What probability does it give the right next token, on
# average? And the loss, which is minus the logarithm of that?

# %%
inputs, targets = (np.array([row]) for row in (ids[:-1], ids[1:]))
criterion = numpy_gpt.CrossEntropy()
loss = criterion(ours(inputs), targets)
print(f"loss {loss:.2f}; log 1024 is {math.log(1024):.2f}")
assert abs(loss - math.log(1024)) < 0.3
assert round(math.log(1024), 2) == 6.93

# %% [markdown]
# One in 1024, the same for all: a loss of log 1024, near 6.93. Every training begins there. A loss far above it
# at the first step is a mistake in the program.
#
# ## A gradient goes back
#
# How should each of the weights change, so that the loss falls? PyTorch answers with one line. In `numpy_gpt`
# each layer has a method `backward` instead, written by hand:

# %%
show.side_by_side(
    {
        "numpy_gpt": "criterion = numpy_gpt.CrossEntropy()\nloss = criterion(model(inputs), targets)\nmodel.backward(criterion.backward())",
        "torch_gpt": "criterion = torch_gpt.CrossEntropy()\nloss = criterion(model(inputs), targets)\nloss.backward()",
    }
)

# %%
ours.backward(criterion.backward())
torch_gpt.CrossEntropy()(theirs(torch.tensor(inputs)), torch.tensor(targets)).backward()
mine, autograd = gradients(ours), gradients(theirs)
assert list(mine) == list(autograd)
errors = {key: relative_error(mine[key], autograd[key]) for key in mine if not key.endswith("c_attn.bias")}
show.table(
    [
        (f"`{key}`", str(mine[key].shape), f"{np.abs(mine[key]).mean():.0e}", f"{errors[key]:.0e}")
        for key in ("wte.weight", "h.0.attn.c_proj.weight", "h.2.mlp.c_fc.weight", "h.3.ln_2.bias", "ln_f.weight")
    ],
    ["weight", "shape", "mean size of its gradient", "by hand against autograd"],
    f"Five of the {len(mine)} weights",
)  # fmt: skip
assert max(errors.values()) < 1e-4

# %% [markdown]
# They agree to about seven digits, which is all that float32 has. With float64 they agree to fifteen. (One of
# the weights has no gradient at all, in theory. [04 Backprop by hand](04_backprop.ipynb) says which, and why.)
#
# ## The whole model as a strip
#
# Here is everything that we just did, in one picture, in float64 this time. Upper row: the numbers on their way
# up. Lower row: the gradients on their way back. Each panel shows one array, a row for each token.

# %%
pair = []
for package, trace in ((numpy_gpt, trace_numpy), (torch_gpt, trace_torch)):
    model = package.GPTModel(config, np.random.default_rng(0), package.float64)
    pair.append(trace(model, package.CrossEntropy(), inputs, targets))

stops = [("output", name) for name in ("wte", "h.0", "h.1", "h.2", "h.3", "ln_f", "lm_head")]
back = [*(("dx", name) for name in ("h.0", "h.1", "h.2", "h.3", "ln_f", "lm_head")), ("dy", "lm_head")]
strip_errors = {key: relative_error(*(trace[key] for trace in pair)) for key in (*stops, *back)}
assert max(strip_errors.values()) < 1e-11

# %% jupyter={"source_hidden": true}
titles = ["embeddings", "block 0", "block 1", "block 2", "block 3", "last norm", "logits"]
figure, panels = show.new_figure(2, columns=7, height=4.7, width=10.5)
for row, keys, word in ((0, stops, "→ forward"), (1, back, "← backward")):
    for axis, key, title in zip(panels[row], keys, titles):
        array = pair[0][key][0]
        deviation = array.std()
        columns = (
            np.r_[targets[0], :64][:64] if title == "logits" else np.arange(64)
        )  # first the tokens that really came
        axis.grid(False)
        axis.imshow(
            array[:, columns],
            cmap="PuOr",
            vmin=-2.5 * deviation,
            vmax=2.5 * deviation,
            aspect="auto",
            interpolation="nearest",
        )
        axis.set_xticks([])
        axis.set_yticks([])
        shape = "×".join(map(str, pair[0][key].shape))
        axis.set_title(f"{title}\n{shape}" if row == 0 else shape, fontsize=8)
        axis.set_xlabel(f"deviation {deviation:.1e}\ntwins {strip_errors[key]:.0e} apart", fontsize=7)
    panels[row][0].set_ylabel(word, fontsize=10)
show.figure(
    figure,
    "The strip. Each panel is an array (64 of its columns): orange is negative, violet positive. Below it how wide its numbers "
    "spread, and how far the two programs differ. The last panels begin with the tokens that really came: the diagonal at the "
    "lower right is the mistake that the model made, and all gradients to its left come from there.",
    "Two rows of seven coloured panels. Upper row, from embeddings through four blocks and the last norm to the logits: "
    "shapes 1 by tokens by 128, then 1024. Lower row: the gradients with respect to the same places. Under each panel the "
    "deviation and the twins' difference, everywhere near 1e-15.",
)

# %% [markdown]
# Fourteen stops, and at each the two programs differ in the last digit at most. That is the idea of this
# project: read the line in one program, and trust it because of the other.
#
# ## And it learns
#
# A step of training changes every weight a little against its gradient. Twenty steps on a few lines of the
# stories:

# %%
windows = TokenWindows(np.array(tokenizer.encode(stories[:4000])), context_length=32)
batch = windows.collate([windows[i] for i in range(4)])
curves = []
for package, convert in ((numpy_gpt, np.asarray), (torch_gpt, torch.from_numpy)):
    model = package.GPTModel(config, np.random.default_rng(0))
    optimizer = package.AdamW(list(model.parameters()), lr=2e-3)
    pieces_of_batch = [tuple(map(convert, batch))]
    curves.append([package.train_step(model, optimizer, pieces_of_batch)[0] for _ in range(20)])
apart = np.abs(np.subtract(*curves)).max()
print(f"loss at first {curves[0][0]:.2f}, after 20 steps {curves[0][-1]:.2f}; the twins differ by {apart:.0e}")
assert curves[0][-1] < 0.7 * curves[0][0]
assert apart < 0.02

# %% jupyter={"source_hidden": true}
figure, axis = show.new_figure(height=2.8, width=7)
axis.plot(curves[0], color=show.COLOURS[0], lw=4, alpha=0.5, label="numpy_gpt")
axis.plot(curves[1], color=show.COLOURS[1], lw=1.5, ls="--", label="torch_gpt")
axis.axhline(math.log(1024), color=show.INK, lw=0.8, ls=":")
axis.set(xlabel="step", ylabel="loss")
axis.legend(frameon=False)
show.figure(
    figure,
    "Twenty steps in both programs: one curve. The dotted line is log 1024, where all begins.",
    "Two loss curves on top of each other, which begin at the dotted line near 6.9 and fall.",
)

# %% [markdown]
# ## A model that has read more
#
# The project ships a model that read the stories and the textbook of the village and then learnt to answer questions.
# Ask it something in your own words, if you like. It knows one village and little else.

# %%
from shared_gpt.commands.loading import load_model, task_folder
from shared_gpt.text import format_prompt

model, words = load_model(numpy_gpt, "marren-chat")
style = task_folder("marren-chat").read_task("instructions", "style", str)


def ask(question):
    prompt = words.encode(format_prompt({"instruction": question, "input": ""}, style))
    answer = numpy_gpt.generate(model, [prompt], 20, eos_id=words.eot)[0][len(prompt) :]
    return words.decode(i for i in answer if i != words.eot).strip()


for question in ("What is the opposite of 'hot'?", "Who keeps the lighthouse on Gull Rock?"):
    print(f"> {question}\n{ask(question)}")
assert ask("What is the opposite of 'hot'?") == "cold"

# %% [markdown]
# ## Where to go
#
# | | question |
# |---|---|
# | [01 Tokenizer](01_tokenizer.ipynb) | How does a text become numbers, and what is lost on the way? |
# | [02 Attention](02_attention.ipynb) | How does a token find out which of the others it needs? |
# | [03 Architecture](03_architecture.ipynb) | What is in a GPT besides attention, and why? |
# | [04 Backprop by hand](04_backprop.ipynb) | What does a layer owe to the layer before it? |
# | [05 Pre-training](05_pretraining.ipynb) | How does a model learn to write? |
# | [06 GPT-2's weights](06_gpt2_weights.ipynb) | How do other people's weights get into our model? |
# | [07 LoRA and labels](07_lora.ipynb) | How little of a model has to change? |
# | [08 Instructions](08_instructions.ipynb) | How does a model learn to answer? |
# | [09 TensorFlow](09_tensorflow.ipynb) | Is it still the same network in a third framework? |
# | [10 Anatomy of speed](10_speed.ipynb) | Where does the time go? |
#
# ## Exercises
#
# 1. Change `text` at the top and run all again. Which words of yours fall into single letters?
# 2. Begin with other weights: `np.random.default_rng(1)` instead of 0. What stays the same?
# 3. `gpt-exercise list` shows the path; `gpt-exercise start softmax` is a good first one (15 minutes).
#
# ## Recap
#
# - A text becomes token ids, ids become vectors, and blocks let the vectors look at each other.
# - Out comes a score for each token that could be next; before any learning the loss is log V.
# - The loss's gradient goes back the same way, layer by layer, and each weight takes a small step.
# - `numpy_gpt` does by hand what PyTorch's autograd does, and the two agree to rounding at every stop.
# - A few thousand such steps make a model that answers.
#
# The two sources: [numpy_gpt](../numpy_gpt/model.py) and [torch_gpt](../torch_gpt/model.py). Beside each other they are in the
# reader, which `python3 run.py read` makes on your machine: [the model](../build/site/model.html#GPTModel.forward), [every
# room](../build/site/index.html).
