# %% [markdown]
# # 07 LoRA and labels
#
# **How little of a model has to change so that it learns a new task, and what does the change look like?**
#
# A model that has read a village's stories knows a good deal of English. We give it another head, with two scores
# instead of three thousand, and let it sort messages into spam and not spam. First we train this and that part of it
# and compare. Then comes LoRA: the weights stay as they are, and two thin matrices learn what to add.
#
# **50 minutes** · **Before it**: [05 Pre-training](05_pretraining.ipynb)

# %%
import importlib.util, subprocess, sys
from pathlib import Path

if importlib.util.find_spec("numpy_gpt") is None:  # in a hosted notebook service: install the project, once
    address = ".." if Path("../pyproject.toml").exists() else "git+" + input("Address of the project's repository: ")
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", f"numpy-gpt[notebooks] @ {address}"], check=True)

# %%
import tempfile

import numpy as np

import numpy_gpt as gpt
from notebooks import show
from shared_gpt.commands.loading import load_model
from shared_gpt.text import LabelDataset, balance, labels_and_last, load_labels, split_examples
from shared_gpt.training.label_tuning import accuracy, confusion_matrix

rng = np.random.default_rng(7)  # all that is random on this page comes from here

# %% [markdown]
# ## Messages, and a model that has never seen one
#
# The project ships nearly two thousand messages. Half of them stay after balancing, as many of each class; a fifth of
# these is kept back to examine with.

# %%
all_rows = load_labels("labels")
rows = balance(all_rows, rng)
train_rows, _, test_rows = split_examples(rows, val_fraction=0.0, test_fraction=0.2, rng=rng)
base, tokenizer = load_model(gpt, "marren")  # it ships with the project
longest = 48
train_set = LabelDataset(train_rows, tokenizer, longest)
test_set = LabelDataset(test_rows, tokenizer, longest, train_set.classes)
for row in train_rows[:4]:
    print(f"{row.label:5} {row.text}")
print(f"{len(train_set)} messages to train on, {len(test_set)} to be examined on; classes {train_set.classes}")
assert len(all_rows) == 1920
assert (len(train_set), len(test_set)) == (768, 192)

# %% [markdown]
# ## Two scores instead of three thousand
#
# The head that scored each token of the vocabulary goes; a `Linear` with two outputs takes its place. It stands at
# *every* position, so we have to choose one at which the answer counts.

# %%
show.twins("classifier.add_class_head")

# %%
inputs, targets = train_set.collate([train_set[i] for i in range(3)])
labels, last = labels_and_last(targets)
for row in range(3):
    shown = [tokenizer.decode([i]) for i in inputs[row].tolist()]
    end = int(last[row])
    print(f"class {labels[row]} is asked for at position {end}, behind …{''.join(shown[max(end - 3, 0) : end + 1])!r}")
assert ((targets != -100).sum(axis=1) == 1).all()

# %% [markdown]
# One target in each row; all others are ignored. **What do you expect?** We could ask at the first token instead of
# the last real one. BERT, a model of the same family, does just that. What would GPT's answer be worth there?


# %%
class AskedAtTheFirst(LabelDataset):
    """The same messages, with the class asked for at the first token."""

    def collate(self, items):
        inputs, targets = super().collate(items)
        labels, _ = labels_and_last(targets)
        targets[:], targets[:, 0] = -100, labels
        return inputs, targets


def trained(what, dataset=train_set, rank=8, targets=("c_attn", "c_proj", "c_fc"), lr=1e-3, steps=60):
    """The shipped model with a fresh head, after some steps in which the named part trains."""
    model, _ = load_model(gpt, "marren")
    gpt.add_class_head(model, 2, np.random.default_rng(1))  # the same first head in every run
    if what == "LoRA":
        gpt.apply_lora(model, rank, 2 * rank, targets, rng=np.random.default_rng(2))
    elif what == "the last block":
        gpt.freeze_below_last_block(model)
    elif what == "the head alone":
        for parameter in model.parameters():
            parameter.requires_grad = False
    for parameter in model.lm_head.parameters():
        parameter.requires_grad = True
    optimizer = gpt.AdamW(model.parameters(), weight_decay=0.01)
    batches = dataset.batches(8, np.random.default_rng(3)).endless()  # the same order in every run
    for _ in gpt.train(model, optimizer, batches, steps, lambda step: lr * min(1, (step + 1) / 10)):
        pass
    return model.eval(), sum(parameter.data.size for parameter in optimizer.params)


def share_right(model, dataset=test_set):
    return accuracy(confusion_matrix(gpt, model, dataset, 32))


untrained, _ = trained("the head alone", steps=0)
before = share_right(untrained)
at_last, n_lora = trained("LoRA")
first_test = AskedAtTheFirst(test_rows, tokenizer, longest, train_set.classes)
at_first, _ = trained("LoRA", AskedAtTheFirst(train_rows, tokenizer, longest))
scores = {"last": share_right(at_last), "first": share_right(at_first, first_test)}
assert 0.3 < before < 0.7
assert scores["last"] > scores["first"] + 0.1
assert scores["last"] > 0.75

# %% tags=["optional"]
print(f"before: {before:.0%}   asked at the first token: {scores['first']:.0%}   at the last: {scores['last']:.0%}")

# %% [markdown]
# Before training it guesses. At the first token it does a little better, whatever it learns: under the causal mask
# that position sees itself and nothing else, so it can only say which first words are suspicious. The last position
# has seen the whole message. (BERT has no causal mask; there the first sees all.)
#
# ## What to train
#
# **What do you expect?** The head alone, the last block, everything, or LoRA's branches: which needs how many
# numbers, and which is best after sixty steps?

# %%
models = {"LoRA": (at_last, n_lora)}
for what, lr in (("the head alone", 1e-2), ("the last block", 1e-3), ("everything", 5e-4)):
    models[what] = trained(what, lr=lr)
order = ("the head alone", "the last block", "LoRA", "everything")
results = {what: share_right(models[what][0]) for what in order}
total = base.num_parameters()
assert models["LoRA"][1] < 0.1 * models["everything"][1]
assert results["LoRA"] > 0.75
assert results["everything"] > 0.75
assert results["the head alone"] < results["LoRA"]

# %% tags=["optional"]
show.table(
    [(what, models[what][1], f"{results[what]:.0%}") for what in order],
    ("what trains", "numbers", f"right, of {len(test_set)}"),
)

# %% [markdown]
# LoRA trains less than a tenth of what "everything" trains, and comes close to it. The head alone is a ruler laid
# through what the base happens to see; the base has never been asked about spam, so that is not much.
#
# ## LoRA, line by line
#
# Beside a frozen weight W stand A (rank × in) and B (out × rank). The layer computes y = x Wᵀ + s (x Aᵀ) Bᵀ: as if ΔW
# = s B A had been added to W, without ever making that matrix.

# %%
show.twins("lora.LoRALinear.forward")

# %%
show.code(gpt.LoRALinear.backward)

# %% [markdown]
# A is random at first, B is zero. **What do you expect?** Then ΔW = 0. Which of the two gets a gradient in the first
# step?

# %%
fresh, _ = load_model(gpt, "marren")
layers = gpt.apply_lora(fresh, rank=8, alpha=16, rng=rng)
criterion = gpt.CrossEntropy()
ids = np.array([tokenizer.encode("The lighthouse stands on Gull Rock, a white tower with one red stripe.")])
criterion(fresh(ids[:, :-1]), ids[:, 1:])
fresh.backward(criterion.backward())
path, layer = next(iter(layers.items()))
print(
    f"{path}: largest of ΔW {np.abs(layer.delta()).max():.0f}, of dA {np.abs(layer.lora_A.grad).max():.0f}, of "
    f"dB {np.abs(layer.lora_B.grad).max():.0e}"
)
assert not layer.delta().any()
assert not layer.lora_A.grad.any()
assert layer.lora_B.grad.any()
assert layer.weight.grad is None

# %% [markdown]
# B alone. The gradient of A passes through B, which is zero. One step later B has moved, and both learn. Had both
# begun at zero, neither would ever move.
#
# ## What does the change look like?
#
# We have the same model trained in full and with LoRA, so we can look at both changes. A matrix can be taken apart
# into its *singular values*: how much it stretches in its strongest direction, in the next, and so on. A matrix of
# rank 8 has eight that are not zero.
#
# **What do you expect?** LoRA's ΔW has eight by construction. The full ΔW could have a hundred and more. How many
# does it use?

# %%
full = {
    key: array - base.state_dict()[key]
    for key, array in models["everything"][0].state_dict().items()
    if key in base.state_dict() and "lm_head" not in key
}
branches = {f"{path}.weight": layer.delta() for path, layer in gpt.lora.adapted(at_last).items()}
spectra = {
    key: [np.linalg.svd(change[key].astype(np.float64), compute_uv=False) for change in (full, branches)]
    for key in branches
}
kept = {key: float((s[:8] ** 2).sum() / (s**2).sum()) for key, (s, _) in spectra.items()}
for s, b in spectra.values():
    assert b[8:].max() < 1e-5 * b[0]  # rank 8, to rounding
    assert s[40] > 1e-3 * s[0]  # many more, small as they may be
print(f"{len(spectra)} matrices; in each, LoRA's change has 8 singular values, the full one has many more")
print(
    "of the full change's squares, the first 8 hold more than a half, on average:", np.mean(list(kept.values())) > 0.5
)
assert len(spectra) == 4 * base.config.n_layers

# %%
chosen = [
    f"h.{i}.{part}.weight" for i in (0, base.config.n_layers - 1) for part in ("attn.c_attn", "attn.c_proj", "mlp.c_fc")
]
drawn, panels = show.new_figure(2, 5.2, columns=3, width=10, sharex=True)
for axis, key in zip(panels.flat, chosen):
    s, b = spectra[key]
    n = 40
    axis.bar(np.arange(1, n + 1) - 0.2, s[:n] / s[0], width=0.4, color=show.COLOURS[5], label="everything trained: ΔW")
    axis.bar(np.arange(1, 9) + 0.2, b[:8] / b[0], width=0.4, color=show.COLOURS[1], label="LoRA: s B A")
    axis.axvline(8.5, color=show.INK, linestyle="--", linewidth=0.8)
    axis.set_title(key.removesuffix(".weight"), fontsize=9)
for axis in panels[1]:
    axis.set_xlabel("singular value, by its size")
for axis in panels[:, 0]:
    axis.set_ylabel("as a share of the largest")
panels[0][0].legend(fontsize=7.5, frameon=False)
show.figure(
    drawn,
    "The change of six matrices, taken apart; the first 40 values of each. Blue: when everything trains, the first directions "
    "are the strongest, and a long tail follows. Orange: LoRA's eight, and then nothing.",
    "Six bar charts of singular values. In each, the blue bars of the full change fall over the first "
    "few and then run out in a long tail; LoRA's orange bars end at the "
    "eighth.",
)

# %% [markdown]
# Nobody told the full training to be thrifty, and still more than half of what it did, counted in squares and on average over
# the matrices, lies in the first eight directions. The tail behind them is long, though, and not nothing. This is the observation on which LoRA is
# built (Hu et al. 2021 put it as a hypothesis): what a task needs to change is of low rank. LoRA leaves the tail out.
#
# ## Which rank, and where?

# %%
tried = {}
for label, rank, targets in (
    ("rank 1", 1, ("c_attn", "c_proj", "c_fc")),
    ("rank 32", 32, ("c_attn", "c_proj", "c_fc")),
    ("rank 8, attention alone", 8, ("attn.c_attn", "attn.c_proj")),
    ("rank 8, feed-forward alone", 8, ("mlp.c_fc", "mlp.c_proj")),
):
    model, numbers = trained("LoRA", rank=rank, targets=targets)
    tried[label] = numbers, share_right(model)
assert min(right for _, right in tried.values()) > 0.65
assert tried["rank 32"][0] > 10 * tried["rank 1"][0]
assert 8_000 < tried["rank 1"][0] < 12_000

# %% tags=["optional"]
show.table(
    [
        (label, numbers, f"{right:.0%}")
        for label, (numbers, right) in (*tried.items(), ("rank 8, all four", (n_lora, results["LoRA"])))
    ],
    ("branches", "numbers", f"right, of {len(test_set)}"),
)

# %% [markdown]
# For two classes, even rank 1 learns most of it, with some ten thousand numbers. More rank buys little here;
# instructions, where the model learns to *say* things, ask for more.
#
# ## Merge it, and take it out again
#
# While it trains, a branch costs two thin products more. Afterwards it can vanish into the weight.

# %%
inputs, targets = test_set.collate([test_set[i] for i in range(8)])
with gpt.no_grad():
    apart = at_last(inputs)
    gpt.merge_lora(at_last)
    merged = at_last(inputs)
    gpt.unmerge_lora(at_last)
    again = at_last(inputs)
print(f"merged: logits moved by {np.abs(merged - apart).max():.0e}; taken out again: {np.abs(again - apart).max():.0e}")
assert np.abs(merged - apart).max() < 1e-3
assert np.abs(again - apart).max() < 1e-3

# %% [markdown]
# Only rounding. So a base and ten adapters, each a small file, are ten models.
#
# ## To PEFT and back
#
# Hugging Face's PEFT is the library that most adapters come from. Ours are written in its layout, and load there; its
# own load here. We adapt the base, as a language model, save, and load again.

# %%
for layer in layers.values():  # something to tell apart from nothing
    layer.lora_B.data[...] = 0.02 * rng.standard_normal(layer.lora_B.shape, np.float32)
folder = Path(tempfile.mkdtemp())
gpt.save_lora(fresh, folder / "adapter")
gpt.save_gpt2(base, folder / "base")
print(sorted(path.name for path in (folder / "adapter").iterdir()))
size, whole = (
    (folder / name).stat().st_size for name in ("adapter/adapter_model.safetensors", "base/model.safetensors")
)
reloaded, _ = load_model(gpt, "marren")
gpt.load_lora(reloaded, folder / "adapter")
with gpt.no_grad():
    same = bool((reloaded(ids) == fresh(ids)).all())
print(
    f"the adapter is {size / whole:.0%} of the base's file; loaded onto a fresh base, the logits are the same: {same}"
)
assert same
assert size < 0.1 * whole

# %% tags=["optional"]
if importlib.util.find_spec("peft") is not None:
    import warnings

    warnings.filterwarnings("ignore", category=FutureWarning)  # of what transformers will rename
    warnings.filterwarnings("ignore", message="IProgress")  # of the bars that are switched off below
    import torch
    import transformers
    from peft import PeftModel

    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    theirs = PeftModel.from_pretrained(
        transformers.GPT2LMHeadModel.from_pretrained(folder / "base"), folder / "adapter"
    ).eval()
    with torch.no_grad(), gpt.no_grad():
        distance = np.abs(theirs(torch.from_numpy(ids)).logits.numpy() - fresh(ids)).max()
    print(f"PEFT's logits are {distance:.0e} away, in float32")
    assert distance < 1e-3
else:
    print("PEFT is not installed; `pip install peft transformers` and run this cell again.")

# %% [markdown]
# ## Exercises
#
# 1. How many numbers does a branch train? On paper: `gpt-exercise start lora-size` (10 minutes).
# 2. Forward, then backward by hand: `gpt-exercise start lora-forward`, `gpt-exercise start lora-backward` (55
#    minutes).
# 3. Merge and unmerge, and the place where a second merge would do harm: `gpt-exercise start lora-merge`.
# 4. The last *real* token, where rows are padded: `gpt-exercise start last-token` (15 minutes).
# 5. Cut the full ΔW to its eight largest singular values (`u[:, :8] * s[:8] @ v[:8]`), put it into the base, and
#    examine it. Is it as good as the whole?
#
# ## Recap
#
# - A classifier is the same model with another head, asked at the last real token, the only one that has seen
#   all that the model reads of the text.
# - Fewer trained numbers can do nearly as much: LoRA trains less than a tenth and comes close to training everything.
# - B begins at zero, so the model begins unchanged; A must not, or nothing would ever learn.
# - When everything trains, more than half of the change still lies in a few directions; LoRA keeps these and leaves the tail
#   out.
# - A branch can be added to its weight, taken out again, and carried to PEFT and back.
#
# Next: [08 Instructions](08_instructions.ipynb). Measured at GPT-2's size: [fine-tuning](../docs/finetuning.md).
# Beside its twin in the reader (`python3 run.py read`): [LoRALinear](../build/site/lora.html#LoRALinear.backward), [the
# head](../build/site/classifier.html#add_class_head).
