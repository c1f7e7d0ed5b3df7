# %% [markdown]
# # 06 GPT-2's weights
#
# **What has to be right so that numbers which another program saved speak in yours, and what can be wrong without any
# error message?**
#
# OpenAI trained GPT-2 on forty gigabytes of text and gave the weights away: one file of half a gigabyte, written by
# TensorFlow in 2019. To use it we need no TensorFlow and no trust: only a table of names, and for four matrices of
# each block a transposition. On this page we read such files byte by byte, load them with a loader of a dozen lines,
# and then make the most famous silent mistake of all on purpose.
#
# **45 minutes** · **Before it**: [03 Architecture](03_architecture.ipynb), [05 Pre-training](05_pretraining.ipynb)

# %%
import importlib.util, subprocess, sys
from pathlib import Path

if importlib.util.find_spec("numpy_gpt") is None:  # in a hosted notebook service: install the project, once
    address = ".." if Path("../pyproject.toml").exists() else "git+" + input("Address of the project's repository: ")
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", f"numpy-gpt[notebooks] @ {address}"], check=True)

# %%
import json
import math
import os
import re
import tempfile
import tracemalloc

import numpy as np

import numpy_gpt as gpt
from notebooks import show
from shared_gpt.checkpoints import CheckpointError, open_checkpoint
from shared_gpt.checkpoints.inspection import by_module
from shared_gpt.checkpoints.names import TABLE, weight_names
from shared_gpt.text import Batches, BytePairTokenizer, TokenWindows, load_text
from shared_gpt.training.settings import TrainSettings

rng = np.random.default_rng(6)  # all that is random on this page comes from here
folder = Path(tempfile.mkdtemp())  # everything that this page writes goes there
has_tensorflow = importlib.util.find_spec("tensorflow") is not None

# %% [markdown]
# ## A stand-in for GPT-2
#
# The real file is large, and this page has to run anywhere. So we train a model of the same anatomy on six pages,
# until it knows them, and save it in OpenAI's layout. All that follows works on the real one too: the last section
# loads it where it is on your disk.

# %%
text = load_text("stories")[:6000]
tokenizer = BytePairTokenizer.train(text, vocab_size=320)
tokens = np.array(tokenizer.encode(text))
config = gpt.GPTConfig(
    vocab_size=tokenizer.n_vocab, context_length=32, emb_dim=64, n_heads=4, n_layers=2, drop_rate=0.0
)
model = gpt.GPTModel(config, rng, np.float64)
batches = Batches(TokenWindows(tokens, 32, stride=8), 16, rng).endless()
settings = TrainSettings(steps=420, lr=6e-3, warmup=20)
optimizer = gpt.AdamW(model.parameters(), betas=(0.9, 0.99), weight_decay=0.1)
*_, last_step = gpt.train(model, optimizer, batches, settings.steps, settings.learning_rate)
model.eval()


def writes(model, prompt, n=20):
    """The prompt and the n likeliest tokens after it."""
    (ids,) = gpt.generate(model, [prompt], n)
    return tokenizer.decode(ids)


starts = range(0, 1600, 16)  # some place that it knows by heart, so that we can see whether it still does
quotes = gpt.generate(model, [tokens[i : i + 12].tolist() for i in starts], 20)
start = next(i for i, quote in zip(starts, quotes) if quote == tokens[i : i + 32].tolist())
prompt = tokens[start : start + 12].tolist()
learnt = writes(model, prompt)
print(f"loss {last_step.loss:.1f}")
print(repr(tokenizer.decode(prompt)), "→", repr(learnt))
assert last_step.loss < 0.6

# %% [markdown]
# Now the files. Where TensorFlow is installed it writes them, by the very operation that OpenAI's `tf.train.Saver`
# ran; else the project's own writer does, which makes the same layout. OpenAI's names look like paths, and its
# projections are convolutions one position wide: (1, in, out).

# %% tags=["optional"]
release = folder / "124M"
if has_tensorflow:
    import tensorflow_gpt  # first: it keeps TensorFlow from reporting on graphics cards  # noqa: F401  # isort: split
    import tensorflow as tf

    release.mkdir()
    named = {}
    for key, name in weight_names(config).items():
        if key in model.state_dict():
            array = model.state_dict()[key].astype(np.float32)
            named[name.openai] = (array.T if name.transposed else array).reshape(name.openai_shape)
    tf.raw_ops.SaveV2(
        prefix=str(release / "model.ckpt"),
        tensor_names=list(named),
        shape_and_slices=[""] * len(named),
        tensors=list(named.values()),
    )
    sizes = {"n_vocab": config.vocab_size, "n_ctx": 32, "n_embd": 64, "n_head": 4, "n_layer": 2}
    (release / "hparams.json").write_text(json.dumps(sizes))
    (release / "checkpoint").write_text('model_checkpoint_path: "model.ckpt"\n')
else:
    as_float32 = gpt.GPTModel(config, initialize=False)
    as_float32.load_state_dict(model.state_dict())
    gpt.save_gpt2(as_float32, release, "openai")
print("written by", "TensorFlow" if has_tensorflow else "numpy_gpt")

# %%
show.table(
    [(f"`{path.name}`", path.stat().st_size) for path in sorted(release.iterdir()) if path.name != "checkpoint"],
    ("file", "bytes"),
    "The folder: three of the files in OpenAI's download (`checkpoint` beside them only names the others)",
)
print((release / "hparams.json").read_text())
assert (release / "model.ckpt.index").exists()

# %% [markdown]
# ## Read one tensor with bare hands
#
# The data file is nothing but numbers, one tensor after another. The index says of each: its type, its shape, where
# it begins and how many bytes it has (and a checksum). That is all there is to it, so no TensorFlow is needed to read
# it. `open_checkpoint` reads the index, and no weight yet.

# %%
checkpoint = open_checkpoint(release)
stored = checkpoint.tensors["h.0.attn.c_proj.weight"]
print(f"{stored.name}: {stored.dtype} {stored.shape}, {stored.nbytes} bytes from byte {stored.offset} on")
raw = np.fromfile(stored.file, "<f4", count=stored.size, offset=stored.offset).reshape(stored.shape)
ours = model.state_dict()["h.0.attn.c_proj.weight"].astype(np.float32)
print("the same numbers as in the model, turned over:", np.array_equal(raw[0].T, ours))
assert stored.shape == (1, 64, 64)
assert np.array_equal(raw[0].T, ours)

# %% [markdown]
# With TensorFlow the same bytes come out, of course; it is worth a cell to see it:

# %% tags=["optional"]
if has_tensorflow:
    reader = tf.train.load_checkpoint(str(release))
    same = all(
        (
            reader.get_tensor(t.name).reshape(t.shape)
            == np.fromfile(t.file, "<f4", t.size, offset=t.offset).reshape(t.shape)
        ).all()
        for t in checkpoint.tensors.values()
    )
    print(f"{len(checkpoint.tensors)} tensors, TensorFlow reads the same bits: {same}")
    assert same
else:
    print("TensorFlow is not installed; the reader above does not need it.")

# %% [markdown]
# ## The table of names
#
# One weight has three names, ours, OpenAI's and Hugging Face's, and for four of them the table says *yes*: GPT-2's
# files hold them as (in, out), we (and PyTorch) as (out, in).

# %%
lines = [line.split() for line in TABLE.strip().splitlines()[1:]]
show.table(
    [
        (f"`{ours}`", f"`{openai}`", f"`{face}`", turned, " × ".join(shape))
        for ours, openai, face, turned, *shape in lines
    ],
    ("ours", "OpenAI's", "Hugging Face's", "transposed", "our shape"),
    "shared_gpt/checkpoints/names.py: V tokens, N positions, C the width",
)
assert sum(line[3] == "yes" for line in lines) == 4

# %% [markdown]
# With this table a loader is a dozen lines. (The real one does no more for the numbers; the rest of it is checks,
# and care for memory.)


# %%
def load_by_hand(path, forget=()):
    """A model from OpenAI's files; `forget` names the layers whose transposition is left out."""
    with open_checkpoint(path) as checkpoint:
        model = gpt.GPTModel(checkpoint.config, initialize=False)
        for key, parameter in model.named_parameters():
            tensor, name = checkpoint.tensors[key], checkpoint.names[key]
            array = np.fromfile(tensor.file, "<f4", tensor.size, offset=tensor.offset).reshape(tensor.shape)
            if name.transposed:
                array = array[0]  # the convolution's one position
                if not key.endswith(forget):
                    array = array.T
            parameter.data[...] = array
    return model.eval()


mine, theirs = load_by_hand(release), gpt.load_gpt2(release)
ids = tokens[None, :32]
print("equal to load_gpt2's, bit for bit:", bool((mine(ids) == theirs(ids)).all()))
print(writes(mine, prompt) == learnt, "- it says what it said before it was saved")
assert (mine(ids) == theirs(ids)).all()
assert writes(mine, prompt) == learnt

# %% [markdown]
# ## The mistake that no shape can see
#
# Forget the transposition of `c_attn`, and the shapes do not fit:

# %%
try:
    load_by_hand(release, forget=("c_attn.weight",))
except ValueError as error:
    print("ValueError:", error)
    refused = True
assert refused

# %% [markdown]
# Good: a mistake that shouts. But `attn.c_proj` leads from the width C back to the width C. It is square.
#
# **What do you expect?** We forget the transposition of `attn.c_proj` alone, in every block. One matrix of four, with
# the right numbers in it, only turned over. Does anything complain? And what will the model write: the story with
# mistakes, other words, nothing of sense?

# %%
wrong = load_by_hand(release, forget=("attn.c_proj.weight",))
print("right:", repr(writes(theirs, prompt)))
print("wrong:", repr(writes(wrong, prompt)))
good, bad = (gpt.perplexity(m, tokens[:400]) for m in (theirs, wrong))
print(f"among how many tokens does it guess? {good:.1f} and {bad:.0f}")
assert good < 2.5
assert bad > 10 * good
assert writes(wrong, prompt) != learnt

# %% jupyter={"source_hidden": true}
piece = tokens[start : start + 33]  # what fits the context, and the token after it
losses = [np.concatenate(list(gpt.token_losses(m, piece, stride=1))) for m in (theirs, wrong)]
words = [tokenizer.decode([i]) for i in piece[1:].tolist()]
right_weight = theirs.state_dict()["h.0.attn.c_proj.weight"]
drawn = show.new_figure(1, 5.2, columns=1, width=10)[0]
drawn.clear()
grid = drawn.add_gridspec(2, 3, height_ratios=[5, 4], width_ratios=[1, 1, 1])
limit = np.abs(right_weight).max()
for column, (matrix, title) in enumerate(((right_weight, "right"), (right_weight.T, "forgotten"))):
    axis = drawn.add_subplot(grid[0, column])
    show.heat(axis, matrix, cmap="RdBu_r", vmin=-limit, vmax=limit)
    axis.set_title(f"h.0.attn.c_proj.weight, {title}", fontsize=9)
axis = drawn.add_subplot(grid[0, 2])
for matrix, colour, style, label in (
    (right_weight, show.COLOURS[0], "-", "right"),
    (right_weight.T, show.COLOURS[1], "--", "forgotten"),
):
    axis.hist(matrix.ravel(), 40, histtype="step", color=colour, linestyle=style, linewidth=2, label=label)
axis.set_title("their numbers: the same, of course", fontsize=9)
axis.legend(fontsize=8, frameon=False)
axis = drawn.add_subplot(grid[1, :])
for values, colour, marker, label in zip(losses, (show.COLOURS[0], show.COLOURS[1]), "os", ("right", "forgotten")):
    axis.plot(values, marker + "-", color=colour, markersize=3.5, linewidth=1.2, label=label)
axis.axhline(math.log(config.vocab_size), color=show.INK, linewidth=0.8, linestyle=":")
axis.text(len(words) - 1, math.log(config.vocab_size), "guessing", ha="right", va="bottom", fontsize=8)
axis.set_xticks(range(len(words)), words, rotation=90, fontsize=7)
axis.set_ylabel("surprise, nats")
axis.legend(fontsize=8, frameon=False, loc="upper left")
show.figure(
    drawn,
    "Above, one matrix as it should be and turned over: nobody sees a difference, and a histogram sees none "
    "either. Below, how surprised both models are by each token of a "
    "text that the right one knows by heart.",
    "Two heat maps of a square matrix and its transpose look alike, and the histograms of their numbers "
    "coincide; below, the surprise at each token is near zero for the "
    "right model and mostly far above it, often worse than guessing, for the one with the forgotten transposition.",
)
assert losses[1].mean() > losses[0].mean() + 1.5

# %% [markdown]
# Nothing complains, and the text is rubbish. This is why the transposition stands in the table and nowhere else, and
# why the parity suite compares *logits* with those of other programs: shapes prove nothing. Whoever tests a loader by
# shapes alone has a good chance to meet this.
#
# ## How much memory does loading take?
#
# **What do you expect?** A file of 40 megabytes. The usual way reads all of it into a dictionary and then copies the
# arrays into the model. How many megabytes does that hold at its peak, and how few could it be?

# %%
wide = gpt.GPTConfig(vocab_size=1000, context_length=64, emb_dim=512, n_heads=8, n_layers=3, drop_rate=0.0)
heavy = gpt.GPTModel(wide, rng)
gpt.save_gpt2(heavy, folder / "wide", "openai")
size = heavy.num_parameters() * 4


def usual():
    with open_checkpoint(folder / "wide") as checkpoint:
        arrays = {key: checkpoint.read(key, np.float32) for key in checkpoint.tensors}
        model = gpt.GPTModel(checkpoint.config, initialize=False)
    model.load_state_dict(arrays)


peaks = {}
for name, load in (("read all, then copy", usual), ("load_gpt2", lambda: gpt.load_gpt2(folder / "wide"))):
    tracemalloc.start()
    load()
    peaks[name] = tracemalloc.get_traced_memory()[1] / size
    tracemalloc.stop()
    print(f"{name:20} {peaks[name]:.1f} × the size of the model")
assert 1.9 < peaks["read all, then copy"] < 2.2
assert 1.0 < peaks["load_gpt2"] < 1.3

# %% [markdown]
# Each tensor goes from the file straight to its place, transposed on the way, a megabyte at a time. For GPT-2's
# largest size this decides whether a laptop can load it at all.
#
# ## Hugging Face's file, and back
#
# The other widespread layout is safetensors: eight bytes that hold a length, JSON of that length, then the numbers.
# Saved from here, it loads in transformers.

# %%
gpt.save_gpt2(theirs, folder / "hf")
file = folder / "hf" / "model.safetensors"
with open(file, "rb") as opened:
    header = json.loads(opened.read(int.from_bytes(opened.read(8), "little")))
for name in list(header)[1:4]:
    print(name, header[name])
again = gpt.load_gpt2(folder / "hf")
same = all((a == theirs.state_dict()[key]).all() for key, a in again.state_dict().items())
print("loaded again, every bit the same:", same)
assert same

# %% tags=["optional"]
if importlib.util.find_spec("transformers") is not None:
    import warnings

    warnings.filterwarnings("ignore", message="IProgress")  # of the bars that are switched off below
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    hf = transformers.GPT2LMHeadModel.from_pretrained(folder / "hf").eval()
    with torch.no_grad():
        distance = np.abs(hf(torch.from_numpy(ids)).logits.numpy() - again(ids)).max()
    print(f"transformers' logits are {distance:.0e} away, in float32")
    assert distance < 1e-3
else:
    print("transformers is not installed; `pip install transformers` and run this cell again.")

# %% [markdown]
# A file that was damaged on its way must not become a model. We turn one bit:

# %%
data = release / "model.ckpt.data-00000-of-00001"
whole = bytearray(data.read_bytes())
whole[stored.offset + 1000] ^= 1
data.write_bytes(whole)
try:
    gpt.load_gpt2(release)
except CheckpointError as error:
    said = str(error)
    shown = said[said.index("tensor") :].split(":")[0]
    print(
        "CheckpointError:", re.sub(r"\b[0-9a-f]{8}\b", "········", shown), "…"
    )  # another machine's weights have others
assert "checksum" in said
whole[stored.offset + 1000] ^= 1
_ = data.write_bytes(whole)

# %% [markdown]
# The index holds a checksum of each tensor, and the reader compares them. The lowest bit of one number would hardly
# have changed a word, so nobody would have noticed.
#
# ## The real one
#
# Set `GPT2_DIR` to a folder with GPT-2's files (either layout), or have `gpt2` in the hub's cache, and this cell
# speaks with it. `numpy-gpt generate --weights gpt2` downloads it.

# %% tags=["optional"]
source = os.environ.get("GPT2_DIR", "gpt2")
try:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # this page downloads nothing by itself
    real = gpt.load_gpt2(source)
except (OSError, ValueError, ImportError):
    print("GPT-2's own weights are not on this machine. What the stand-in's file holds, module by module:")
    with open_checkpoint(release) as opened:
        shown = by_module(opened)
else:
    from shared_gpt.text import gpt2_tokenizer

    speaker = gpt2_tokenizer()
    (said,) = gpt.generate(real, [speaker.encode("The keeper of the lighthouse")], 30)
    print(speaker.decode(said))
    with open_checkpoint(source) as opened:
        shown = by_module(opened)
show.table(
    [(f"`{m.name}`", " × ".join(map(str, m.shape)), m.parameters) for m in shown], ("module", "shape", "parameters")
)

# %% [markdown]
# ## Exercises
#
# 1. From one of OpenAI's names to ours: `gpt-exercise start weight-names` (25 minutes).
# 2. The transposition that no shape can see, on paper: `gpt-exercise start transposed-weights` (15 minutes).
# 3. Forget the transposition in the last block only. Where in the picture's lower half do you see it, and is the text
#    still rubbish?
# 4. `python -m numpy_gpt inspect FOLDER` prints the last table for any file. Save the model in both layouts and
#    inspect both. Why are the two tables the same, though the files have other names and shapes?
# 5. `GPTConfig` says `tie_embeddings=True`: the head has no tensor of its own in the files. What would happen if a
#    loader filled the head with zeros?
#
# ## Recap
#
# - A checkpoint is numbers in a row and an index of names, types, shapes and places; no framework is needed to read
#   it.
# - One table translates the names, and says which four matrices of a block lie transposed.
# - A square matrix that is turned over fits everywhere and ruins the model; only numbers, compared with another
#   program's, prove a loader right.
# - Reading each tensor straight to its place takes the memory of one model, not of two.
# - Saved in Hugging Face's layout and loaded again, every bit is the same; a damaged file is refused by its checksum.
#
# Next: [07 LoRA and labels](07_lora.ipynb). The source: [names.py](../shared_gpt/checkpoints/names.py),
# [weights.py](../numpy_gpt/weights.py), and in the reader [load_gpt2](../build/site/weights.html#load_gpt2) (`python3 run.py
# read`).
