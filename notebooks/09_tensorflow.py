# %% [markdown]
# # 09 TensorFlow
#
# **When three programs compute one gradient in three ways, and a fourth only looks at the loss, on how many digits do
# they agree?**
#
# The two twins could be wrong together: one author wrote both, file by file. So the project has a judge,
# `tensorflow_gpt`, the same GPT as a Keras user writes it, from Keras' layers, Keras' loss and Keras' optimizer. It
# shares no line with the twins. We let the three compute the same things, and look for the place where a second
# framework quietly computes something else.
#
# **40 minutes** · **Before it**: [04 Backprop by hand](04_backprop.ipynb). TensorFlow has to be installed (`pip
# install "numpy-gpt[tensorflow]"`); Keras is not assumed.

# %%
import importlib.util, subprocess, sys
from pathlib import Path

if importlib.util.find_spec("numpy_gpt") is None:  # in a hosted notebook service: install the project, once
    address = ".." if Path("../pyproject.toml").exists() else "git+" + input("Address of the project's repository: ")
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", f"numpy-gpt[notebooks] @ {address}"], check=True)

# %%
import tempfile

import tensorflow_gpt  # first: it keeps TensorFlow from reporting on graphics cards  # isort: split

import keras
import numpy as np
import tensorflow as tf
import torch

import numpy_gpt
import torch_gpt
from notebooks import show
from shared_gpt.text import Batches, BytePairTokenizer, TokenWindows, load_text

rng = np.random.default_rng(9)  # all chance in this notebook comes from here

# %% [markdown]
# ## One state dict, three networks
#
# A small GPT in float64, on a few lines of the stories. We draw the weights once, in NumPy, and copy them into the
# other two. Whatever differs from here on comes from the programs.

# %%
text = load_text("stories")
tokenizer = BytePairTokenizer.train(text[:20_000], vocab_size=400)
tokens = np.array(tokenizer.encode(text[:20_000]))
config = numpy_gpt.GPTConfig(
    vocab_size=tokenizer.n_vocab, context_length=16, emb_dim=32, n_heads=4, n_layers=2, drop_rate=0.0
)
ours = numpy_gpt.GPTModel(config, rng, np.float64)
for parameter in ours.parameters():
    parameter.data += 0.1 * rng.standard_normal(parameter.shape)  # so that no bias is 0 and no gain is 1
state = ours.state_dict()

by_torch = torch_gpt.GPTModel(config, dtype=torch.float64)
by_torch.load_state_dict({key: torch.from_numpy(array.copy()) for key, array in state.items()})
by_keras = tensorflow_gpt.GPTModel(config, dtype="float64")
by_keras.load_state_dict(state)

batches = Batches(TokenWindows(tokens, config.context_length, stride=8), batch_size=4, rng=rng)
inputs, targets = next(iter(batches))
print(f"{ours.num_parameters():,} parameters under {len(state)} keys; a batch is {inputs.shape}")
print(repr(tokenizer.decode(inputs[0].tolist())))
assert len(state) == 28
assert inputs.shape == (4, 16)

# %% [markdown]
# This is how a Keras user writes the feed-forward part, and how our NumPy twin does. Keras' `Dense` is our `Linear`,
# but it holds its kernel the other way round, (in, out).

# %%
show.side_by_side(
    {
        "tensorflow_gpt.layers.FeedForward": tensorflow_gpt.layers.FeedForward,
        "numpy_gpt.block.FeedForward": numpy_gpt.FeedForward,
    }
)

# %% [markdown]
# So every name and every shape has to be translated. `tensorflow_gpt/parameters.py` is that dictionary; here is one
# block of it, looked up in the living model:

# %%
rows = []
for key, parameter in by_keras.named_parameters():
    if key.startswith("h.0.") or key.startswith("w"):
        shape = str(tuple(parameter.variable.shape))
        rows.append(
            (
                f"`{key}`",
                str(state[key].shape),
                f"`{parameter.variable.path.removeprefix('gpt/')}`",
                shape,
                "yes" if parameter.transposed else "",
            )
        )
show.table(rows, ("the twins' key", "shape", "Keras' variable", "shape", "transposed"))
assert sum(row[-1] == "yes" for row in rows) == 4

# %% [markdown]
# Four kernels of a block lie transposed. One of them, `attn.c_proj`, is square, so no shape would tell if we forgot
# it. ([06 GPT-2's weights](06_gpt2_weights.ipynb) shows what comes of that.)
#
# **What do you expect?** The three now get the same batch. A float64 has 16 decimal digits. On how many do the logits
# agree: 4, 8, 12, all 16?

# %%
logits = {
    "NumPy": ours(inputs),
    "PyTorch": by_torch(torch.from_numpy(inputs)).detach().numpy(),
    "TensorFlow": by_keras(inputs).numpy(),
}
largest = np.abs(logits["NumPy"]).max()
for name in ("PyTorch", "TensorFlow"):
    apart = np.abs(logits[name] - logits["NumPy"]).max() / largest
    print(f"{name:10} and NumPy: {apart:.0e} of the largest logit")
    assert apart < 1e-13

# %% [markdown]
# About 15 digits. The last one or two are rounding: each library adds up a product's terms in its own order.
#
# ## Three ways to a gradient
#
# **By hand.** Our layers save what they need, and `backward` walks the model from its end to its beginning, line by
# line (notebook 04).
#
# **autograd.** PyTorch hangs a small record of each operation on its result. `loss.backward()` follows the records
# back.
#
# **GradientTape.** TensorFlow records only while a tape is running. Afterwards you ask the tape for the derivative of
# one thing with respect to another. The smallest example there is:

# %%
x = tf.Variable(3.0, dtype=tf.float64)
with tf.GradientTape() as tape:
    y = x * x
slope = float(tape.gradient(y, x))
print("d(x²)/dx at 3 is", slope)
assert slope == 6

# %% [markdown]
# For the whole network it is hardly longer. This is the function that training and the project's tests call, and below it
# the lines of a twin that do the same work by hand:

# %%
by_hand = """criterion = CrossEntropy()
loss = criterion(model(inputs), targets)
model.backward(criterion.backward())
# and each parameter has its .grad"""
show.code(tensorflow_gpt.gradients)
show.side_by_side({"numpy_gpt": by_hand})

# %%
criterion = numpy_gpt.CrossEntropy()
ours.zero_grad()
loss = criterion(ours(inputs), targets)
ours.backward(criterion.backward())
hand = {key: parameter.grad for key, parameter in ours.named_parameters()}

torch_loss = torch_gpt.CrossEntropy()(by_torch(torch.from_numpy(inputs)), torch.from_numpy(targets))
torch_loss.backward()
autograd = {key: parameter.grad.numpy() for key, parameter in by_torch.named_parameters()}

named = dict(by_keras.named_parameters())
keras_loss, found = tensorflow_gpt.gradients(by_keras, by_keras.weights, inputs, targets)
taped = {key: named[key].turned(gradient) for key, gradient in zip(named, found)}
print(f"the loss three times: {loss:.12f}  {torch_loss.item():.12f}  {float(keras_loss):.12f}")
assert abs(loss - float(keras_loss)) < 1e-12
assert abs(loss - torch_loss.item()) < 1e-12

# %% [markdown]
# ## A fourth opinion that knows no calculus
#
# Central differences know nothing of layers. They move one weight a little up and a little down, and look at the
# loss:
#
# ```
# ∂L/∂w ≈ (L(w + h) - L(w - h)) / 2h
# ```
#
# It costs two forward passes for each weight, so nobody trains with it. But it cannot share a mistake with a
# derivation.

# %%
key, place = "h.0.attn.c_attn.weight", (5, 3)  # a weight that makes queries, in the first block
weight = state[key]  # the model's own array: what we write there, the model computes with


def central_difference(h):
    start, losses = weight[place], []
    for value in (start + h, start - h):
        weight[place] = value
        with numpy_gpt.no_grad():
            losses.append(numpy_gpt.CrossEntropy()(ours(inputs), targets))
    weight[place] = start
    return (losses[0] - losses[1]) / (2 * h)


estimate = central_difference(1e-5)
four = {
    "by hand": hand[key][place],
    "autograd": autograd[key][place],
    "GradientTape": taped[key][place],
    "central differences": estimate,
}
for name, value in four.items():
    print(f"{name:20} {value:+.18f}")
for name in ("autograd", "GradientTape"):
    assert abs(four[name] - four["by hand"]) < 1e-12 * np.abs(hand[key]).max()
assert abs(estimate / four["by hand"] - 1) < 1e-6

# %% [markdown]
# The first three agree on all but the last two digits that float64 can hold. The fourth agrees on fewer digits.
#
# **What do you expect?** It used h = 1e-5. The smaller h, the better the formula. So what happens for h ten million
# times smaller?

# %%
steps = 10.0 ** np.arange(-12, 0.5, 0.5)
errors = np.array([abs(central_difference(h) / four["by hand"] - 1) for h in steps])
best = steps[errors.argmin()]
print(f"best with h = {best:.0e}, where {errors.min():.0e} of the value is wrong; with h = 1e-12 it is {errors[0]:.0e}")
assert 1e-7 < best < 1e-3
assert errors.min() < 1e-7
assert errors[0] > 100 * errors.min()
assert errors[-1] > 100 * errors.min()

# %% jupyter={"source_hidden": true}
worst = {}  # for each parameter, the largest difference as a share of its largest gradient
for name in hand:
    scale = np.abs(hand[name]).max()
    worst[name] = [np.abs(found[name] - hand[name]).max() / scale for found in (autograd, taped)]
key_bias = hand["h.0.attn.c_attn.bias"][32:64]

drawn, (left, right) = show.new_figure(1, 4.6, columns=2, width=9, gridspec_kw={"width_ratios": [5, 4]})
left.loglog(steps, np.maximum(errors, 1e-17), "o-", color=show.COLOURS[1], markersize=4, label="central differences")
for name, colour, style in (("autograd", show.COLOURS[0], "-"), ("GradientTape", show.COLOURS[2], "--")):
    apart = max(abs(four[name] / four["by hand"] - 1), 1e-17)
    left.axhline(apart, color=colour, linestyle=style, linewidth=2, label=name)
left.text(2e-2, 1e-8, "too coarse:\nthe curve bends", fontsize=8)
left.text(2e-12, 3e-7, "too fine:\ndigits cancel", fontsize=8)
left.set(
    xlabel="h", ylabel="relative distance from the gradient by hand", title="one weight, four times", ylim=(3e-18, 10)
)
left.legend(fontsize=8, loc="center left", bbox_to_anchor=(0.02, 0.36))
names = list(worst)[::-1]
for i, (label, colour, marker) in enumerate(
    (("autograd", show.COLOURS[0], "o"), ("GradientTape", show.COLOURS[2], "x"))
):
    right.plot(
        [max(worst[name][i], 1e-17) for name in names],
        range(len(names)),
        marker,
        color=colour,
        label=label,
        markersize=5,
    )
right.set_xscale("log")
right.set_xlim(1e-17, 1e-12)
right.set_yticks(range(len(names)), names, fontsize=6)
right.set(title="every parameter", xlabel="largest distance from the gradient by hand")
right.legend(fontsize=8)
show.figure(
    drawn,
    "Left: one weight's gradient. Central differences are best in the middle and never reach what calculus "
    "gives. Right: the same comparison "
    "for every number of every parameter, as a share of the parameter's largest gradient.",
    "Left, a V-shaped curve of the error of central differences against h, lowest near h = 1e-5, with autograd "
    "and GradientTape as flat lines "
    "more than five powers of ten below it; right, dots for all 28 parameters, all below 1e-13.",
)
assert max(map(max, worst.values())) < 1e-12

# %% [markdown]
# Two errors pull in opposite directions. The formula takes the slope of a chord for that of the curve, and that error
# falls as h². But the two losses agree in more and more leading digits as h shrinks; subtracting them cancels these,
# and what is left is divided by a tiny h. Halfway between, about nine digits are right. When your own gradient check
# shows 1e-9, that is success.
#
# Nobody who writes a gradient check should ask for more, and nobody should compare a bias of the keys by its relative
# error:

# %%
print(
    f"largest gradient of the key bias: {np.abs(key_bias).max():.0e}, of the query bias: "
    f"{np.abs(hand['h.0.attn.c_attn.bias'][:32]).max():.0e}"
)
assert np.abs(key_bias).max() < 1e-14 * 100

# %% [markdown]
# It is zero in exact arithmetic (notebook 04 shows why), so all that a program can show there is noise.
#
# ## Training: where frameworks part
#
# One gradient agrees. Do whole trainings? We take thirty steps on the same batches: the twins with their own loop,
# Keras with `compile` and `fit`, which is all a Keras user writes. Keras reports a loss for each epoch, in its default type; so
# an epoch is one step here, and the type is float64.

# %%
keras.config.set_floatx("float64")
lr, betas, decay, max_norm, n_steps = 3e-3, (0.9, 0.99), 0.1, 1.0, 30
start = {key: array.copy() for key, array in state.items()}  # training changes the arrays themselves
stream = batches.endless()
data = [next(stream) for _ in range(n_steps)]


def losses_of(twin, dtype):
    model = twin.GPTModel(config, dtype=dtype)
    model.load_state_dict({key: torch.from_numpy(a.copy()) for key, a in start.items()} if twin is torch_gpt else start)
    optimizer = twin.AdamW(model.parameters(), lr, betas, weight_decay=decay)
    return [
        step.loss for step in twin.train(model, optimizer, iter(data), n_steps, lambda step: lr, max_norm=max_norm)
    ], model


def losses_of_fit(optimizer_of):
    model = tensorflow_gpt.GPTModel(config, dtype="float64")
    model.load_state_dict(start)
    model.compile(optimizer_of(model), tensorflow_gpt.cross_entropy("float64"), run_eagerly=True)
    told = model.fit(tensorflow_gpt.tf_dataset(data), epochs=n_steps, steps_per_epoch=1, shuffle=False, verbose=0)
    return np.array(told.history["loss"]), model


curve, trained = losses_of(numpy_gpt, np.float64)
torch_curve, _ = losses_of(torch_gpt, torch.float64)
fit_curve, keras_trained = losses_of_fit(
    lambda model: tensorflow_gpt.AdamW(model.parameters(), lr, betas, weight_decay=decay, max_norm=max_norm)
)
print(f"loss {curve[0]:.2f} → {curve[-1]:.2f}")
print(
    f"furthest from NumPy's: PyTorch {np.abs(np.subtract(torch_curve, curve)).max():.0e}, fit "
    f"{np.abs(fit_curve - curve).max():.0e}"
)
assert np.abs(np.subtract(torch_curve, curve)).max() < 1e-9
assert np.abs(fit_curve - curve).max() < 1e-9

# %% [markdown]
# Thirty steps, three frameworks, and at least nine decimals of every loss are the same. That took some care:
# `tensorflow_gpt.AdamW` is Keras' own AdamW with three things put where PyTorch has them. Two of them stand here; the
# third, that biases and gains do not decay, is set when the optimizer is made:

# %%
show.side_by_side(
    {"tensorflow_gpt.AdamW.apply": tensorflow_gpt.AdamW.apply, "….update_step": tensorflow_gpt.AdamW.update_step}
)

# %% [markdown]
# **What do you expect?** Take Keras' AdamW exactly as it comes, with the same learning rate, betas, decay and
# clipping norm. Will anyone notice?

# %%
as_it_comes, _ = losses_of_fit(
    lambda model: keras.optimizers.AdamW(
        lr, weight_decay=decay, beta_1=betas[0], beta_2=betas[1], global_clipnorm=max_norm
    )
)


def without_decay_of_biases(model):
    optimizer = keras.optimizers.AdamW(
        lr, weight_decay=decay, beta_1=betas[0], beta_2=betas[1], epsilon=1e-8, global_clipnorm=max_norm
    )
    optimizer.exclude_from_weight_decay([v for v in model.trainable_variables if len(v.shape) < 2])
    return optimizer


halfway, _ = losses_of_fit(without_decay_of_biases)
drawn, axis = show.new_figure(1, 3.6, width=8)
for name, losses, colour, style in (
    ("Keras' AdamW as it comes", as_it_comes, show.COLOURS[1], "-"),
    ("… with PyTorch's epsilon, biases not decayed", halfway, show.COLOURS[4], "--"),
    ("tensorflow_gpt.AdamW", fit_curve, show.COLOURS[2], "-"),
    ("PyTorch's twin", torch_curve, show.COLOURS[0], ":"),
):
    axis.semilogy(
        range(1, n_steps + 1),
        np.maximum(np.abs(np.subtract(losses, curve)), 1e-17),
        style,
        color=colour,
        label=name,
        linewidth=1.8,
    )
axis.set(xlabel="step", ylabel="distance from NumPy's loss", ylim=(3e-18, 1))
axis.legend(fontsize=8, loc="center right")
show.figure(
    drawn,
    "How far each program's loss is from the NumPy twin's, step by step. The lower two differ by rounding, the "
    "upper two by a convention.",
    "Four lines on a logarithmic axis: PyTorch and tensorflow_gpt stay near 1e-15, Keras' own AdamW with and "
    "without two corrections leaves "
    "at the second step and stays many powers of ten above.",
)
gap = np.abs(as_it_comes - curve).max()
print(f"Keras' own: up to {gap:.0e} apart")
assert gap > 1e-6
assert np.abs(halfway - curve).max() > 1e-8

# %% [markdown]
# The loss looks the same to the eye; nobody notices. And still it is another optimizer. Keras adds epsilon to √v
# where PyTorch adds it to √v̂, it decays every variable, biases included, and it clips without PyTorch's 1e-6 in the
# divisor. Its default epsilon is another too: 1e-7, not 1e-8. None of
# this is wrong. But someone who compares two trainings should know that "AdamW, lr 3e-3" is not yet a complete
# description.
#
# ## Fine-tune, generate, save back
#
# LoRA exists here too ([07](07_lora.ipynb) explains it). The branches are drawn from the same generator, so after
# some steps on the same batches the trained branches must be equal as well.


# %%
def fine_tuned(twin, model):
    twin.apply_lora(model, rank=4, alpha=8, rng=np.random.default_rng(1))
    optimizer = twin.AdamW(model.parameters(), lr, betas, weight_decay=decay)
    for _ in twin.train(model, optimizer, iter(data), 10, lambda step: lr):
        pass
    return {key: np.array(array) for key, array in twin.lora_state_dict(model).items()}


branches, keras_branches = fine_tuned(numpy_gpt, trained), fine_tuned(tensorflow_gpt, keras_trained)
apart = max(np.abs(branches[key] - keras_branches[key]).max() for key in branches)
print(f"{len(branches)} matrices of LoRA, furthest apart {apart:.0e}")
assert branches.keys() == keras_branches.keys()
assert len(branches) == 16
assert apart < 1e-9

# %% [markdown]
# **What do you expect?** Both models now write on, drawing at random, at a temperature below 1. Two frameworks with
# two random generators: can they draw the same tokens?

# %%
prompt = tokenizer.encode("In the morning")
said = {}
for twin, model in ((numpy_gpt, trained), (tensorflow_gpt, keras_trained)):
    twin.merge_lora(model)
    (ids,) = twin.generate(model, [prompt], 40, temperature=0.8, rng=np.random.default_rng(2))
    said[twin.__name__] = tokenizer.decode(ids)
    print(f"{twin.__name__:15} {said[twin.__name__]!r}")
assert said["numpy_gpt"] == said["tensorflow_gpt"]

# %% [markdown]
# Word for word, nonsense for nonsense: a model that took forty steps has not learnt to write yet. The draw is one
# uniform number for each token, from NumPy's generator in every program, looked up in the cumulative probabilities.
# Nothing else is random.
#
# And back to disk: Keras saves, NumPy loads.

# %%
with tempfile.TemporaryDirectory() as folder:
    merged = tensorflow_gpt.GPTModel(config, dtype="float64")
    merged.load_state_dict(tensorflow_gpt.merged_state_dict(keras_trained))
    tensorflow_gpt.save_gpt2(merged, folder)
    print(sorted(path.name for path in Path(folder).iterdir()))
    again = numpy_gpt.load_gpt2(folder, np.float64)
same = all((again.state_dict()[key] == array).all() for key, array in merged.state_dict().items())
print("every bit the same:", same)
assert same

# %% [markdown]
# ## Exercises
#
# 1. *Five minutes.* Set `keras.layers.LayerNormalization`'s epsilon back to Keras' own 1e-3
#    (`tensorflow_gpt.layers.EPSILON` and, for the last one, `tensorflow_gpt.model.EPSILON`, before the model is
#    made). How far do the logits move, and would a test with a tolerance of a hundredth see it?
# 2. *Ten minutes.* Draw the V of central differences in float32 (build the model with `np.float32`). Where is the
#    best h now, and how many digits are left? This is why the parity suite proves things in float64.
# 3. *Thirty minutes.* Write the optimizer's step yourself: `gpt-exercise start adamw`. Then move epsilon under the
#    root and watch the check tell you so.
# 4. *Thirty minutes.* Write the whole training step: `gpt-exercise start training-step`.
#
# ## Recap
#
# - The third network shares no line with the twins, and its logits and gradients agree with theirs to about 15
#   digits.
# - By hand, autograd and GradientTape are three ways of bookkeeping for one chain rule; central differences are the
#   check that needs none.
# - A central difference is best at an h in the middle, and about nine good digits are as many as it gives.
# - Optimizers differ by convention: where epsilon stands, what decays, how clipping divides.
# - One state dict, in one layout, carries a model between all three, bit for bit.
#
# Next: [10 Anatomy of speed](10_speed.ipynb). In the reader (`python3 run.py read`) the key `t` shows TensorFlow's side of a
# definition: [attention](../build/site/attention.html#MultiHeadAttention), [AdamW](../build/site/optim.html#AdamW). All that
# differs: [TensorFlow](../docs/tensorflow.md).
