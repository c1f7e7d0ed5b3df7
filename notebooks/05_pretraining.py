# %% [markdown]
# # 05 Pre-training
#
# **How does a model that knows nothing come to write like its text, and when has it only learnt the text by heart?**
#
# A fresh GPT has never seen a word. We show it a few pages of a story, ask at every place which token comes next, and
# let the answer's error move each weight a little. That is all of pre-training, and all of this page: the split, the
# loss, the optimizer, the schedule, the loop. At the end three frameworks take the same course, and we see where they
# cannot stay together.
#
# **50 minutes** · **Before it**: [03 Architecture](03_architecture.ipynb), [04 Backprop by hand](04_backprop.ipynb)

# %%
import importlib.util, subprocess, sys
from pathlib import Path

if importlib.util.find_spec("numpy_gpt") is None:  # in a hosted notebook service: install the project, once
    address = ".." if Path("../pyproject.toml").exists() else "git+" + input("Address of the project's repository: ")
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", f"numpy-gpt[notebooks] @ {address}"], check=True)

# %%
import math
import tempfile
from itertools import islice

import numpy as np

import numpy_gpt as gpt
import torch_gpt
from notebooks import show
from shared_gpt.checkpoints import load_tensors, save_tensors
from shared_gpt.text import Batches, BytePairTokenizer, TokenWindows, load_text, split_tokens
from shared_gpt.training.settings import TrainSettings

rng = np.random.default_rng(5)  # all that is random on this page comes from here

# %% [markdown]
# ## Some pages to read, and one to be examined on
#
# Six thousand characters of the stories that ship with the project. The last tenth is kept back: the model never
# trains on it.

# %%
text = load_text("stories")[:6000]
tokenizer = BytePairTokenizer.train(text, vocab_size=320)
tokens = np.array(tokenizer.encode(text))
train_tokens, val_tokens = split_tokens(tokens, val_fraction=0.1)
config = gpt.GPTConfig(
    vocab_size=tokenizer.n_vocab,
    context_length=32,
    emb_dim=64,
    n_heads=4,
    n_layers=2,
    drop_rate=0.0,
    tie_embeddings=False,
)
train_set = TokenWindows(train_tokens, config.context_length, stride=8)
val_set = TokenWindows(val_tokens, config.context_length)
inputs, targets = train_set[0]
print(f"{len(tokens):,} tokens: {len(train_tokens):,} to train on, {len(val_tokens)} to be examined on")
print("input ", repr(tokenizer.decode(inputs[:12].tolist())))
print("target", repr(tokenizer.decode(targets[:12].tolist())))
assert (inputs[1:] == targets[:-1]).all()

# %% [markdown]
# The target is the input, one token later: thirty-two questions in each window. The split goes by position. Had we
# drawn windows for the examination at random, most of their sentences would lie in some training window as well, and
# the examination would be about what was learnt by heart.
#
# ## The loss before anything is learnt
#
# A fresh model gives each of the 320 tokens about the same chance.
#
# **What do you expect?** Then how large is its loss, in nats? Work it out before you run the cell.

# %%
model = gpt.GPTModel(config, rng, np.float64)
logits = model(inputs[None])[0]  # (32, 320)
chances = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)  # softmax
right = chances[np.arange(32), targets]  # the chance that each place gave to the token that came
by_hand = -np.log(right).mean()
loss = gpt.CrossEntropy()(logits, targets)
print(f"mean chance of the right token: {right.mean():.4f}, 1/320 is {1 / 320:.4f}")
print(f"loss {by_hand:.3f} by hand, {loss:.3f} from CrossEntropy; ln 320 = {math.log(320):.3f}")
print(f"perplexity {math.exp(loss):.0f}")
assert abs(by_hand - loss) < 1e-12
assert abs(loss - 5.77) < 0.1  # ln 320
model.zero_grad()

# %% [markdown]
# ln 320, about 5.77 nats. Cross-entropy is four small steps: softmax, pick the chance of the token that came, take
# its logarithm, and the mean of that with its sign turned. The *perplexity* is e to the power of the loss: among how
# many tokens the model might as well have guessed. Now it is nearly all of them.
#
# The class takes these steps by a safer way, through log-sum-exp; both twins:

# %%
show.twins("loss.CrossEntropy.forward")

# %% [markdown]
# ## One weight, three steps of AdamW
#
# The gradient says which way is down. Plain descent would go there by a step as long as the slope is steep. Adam
# makes all steps about equally long: it divides a running mean of the gradients, m, by the root of a running mean of
# their squares, v. Here is one weight whose gradients are 1, then 1, then −0.1, with nothing but arithmetic:

# %%
w, m, v = 0.5, 0.0, 0.0
lr, beta1, beta2, eps, decay = 0.1, 0.9, 0.99, 1e-8, 0.1
weight = gpt.Parameter(np.array([[0.5]]))
adam = gpt.AdamW([weight], lr, (beta1, beta2), eps, decay)
for t, g in enumerate((1.0, 1.0, -0.1), start=1):
    w -= lr * decay * w  # decay: a share of the weight itself
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)  # both began at 0, and are too small by this much
    w -= lr * m_hat / (math.sqrt(v_hat) + eps)

    weight.grad = np.array([[g]])
    adam.step()
    print(f"step {t}: gradient {g:+.1f}, m̂ {m_hat:.3f}, weight {w:.4f} by hand, {weight.data.item():.4f} by AdamW")
    assert abs(w - weight.data.item()) < 1e-14

# %% [markdown]
# Apart from the decay, the first two steps are 0.1 long, the learning rate itself; two gradients of 10 would have
# given the same. In the third the gradient has turned its sign, and the weight goes on in the old direction, more
# slowly: m remembers. The "W" is the decay, which pulls each matrix towards zero, apart from the gradient. The class
# does this for whole arrays:

# %%
show.twins("optim.AdamW.update")

# %% [markdown]
# ## How fast, and not too fast
#
# Two guards belong to the loop. The **learning rate** rises in the first steps, while m and v still know little, and
# then falls along half a cosine, so that the last steps are fine ones. And the gradients are **clipped**: if all of
# them together are longer than 1, they are shortened to 1, keeping their direction.

# %%
n_epochs = 12
batches = Batches(train_set, batch_size=16, rng=rng)
steps = n_epochs * len(batches)
settings = TrainSettings(steps=steps, lr=1e-2, warmup=10)
schedule = [settings.learning_rate(step) for step in range(steps)]

loss_of_one = gpt.CrossEntropy()
batch_inputs, batch_targets = next(iter(batches))
loss_of_one(model(batch_inputs), batch_targets)
model.backward(loss_of_one.backward())
before = {name: parameter.grad.copy() for name, parameter in model.named_parameters()}
norm = gpt.clip_grad_norm(model.parameters(), max_norm=0.5)
ratios = [np.linalg.norm(parameter.grad) / np.linalg.norm(before[name]) for name, parameter in model.named_parameters()]
print(f"the gradient's length was {norm:.2f}; clipped to 0.5, each number of it is {ratios[0]:.2f} of what it was")
assert norm > 0.5
assert max(ratios) - min(ratios) < 1e-12

drawn, axis = show.new_figure(1, 2.4, width=7)
axis.plot(schedule, color=show.COLOURS[0], linewidth=2)
axis.set(xlabel="step", ylabel="learning rate")
show.figure(
    drawn,
    "Warm-up, then half a cosine down to a tenth.",
    "The learning rate rises in a straight line over ten steps to 0.01, then falls along half a cosine wave to 0.001.",
)

# %% [markdown]
# ## The loop
#
# Predict, compare, go back, step. Here it is in full, as you would write it; after each epoch we examine the model on
# both texts, and let it write.


# %%
def examine(model, dataset):
    """The mean loss over evenly spread windows of a text."""
    chosen = [dataset[i] for i in range(0, len(dataset), max(len(dataset) // 40, 1))]
    return gpt.evaluate(model, [dataset.collate(chosen)])


def writes(model, prompt="In the morning", n=24):
    (ids,) = gpt.generate(model, [tokenizer.encode(prompt)], n)  # always the likeliest token
    return tokenizer.decode(ids)


model.zero_grad()
criterion = gpt.CrossEntropy()
optimizer = gpt.AdamW(model.parameters(), betas=(0.9, 0.99), weight_decay=0.1)
step, history, samples = 0, [(0, examine(model, train_set), examine(model, val_set))], []
for _ in range(n_epochs):
    for batch_inputs, batch_targets in batches:
        optimizer.lr = settings.learning_rate(step)
        optimizer.zero_grad()
        criterion(model(batch_inputs), batch_targets)
        model.backward(criterion.backward())
        gpt.clip_grad_norm(model.parameters(), max_norm=1.0)
        optimizer.step()
        step += 1
    history.append((step, examine(model, train_set), examine(model, val_set)))
    samples.append(writes(model))
for epoch in (0, 1, 3, 6, 8, n_epochs - 1):
    print(f"epoch {epoch + 1:2}: {samples[epoch]!r}")
assert history[-1][1] < 0.6

# %% [markdown]
# First line breaks, then short words over and over, then words, many of them invented, at last pieces of sentences.
# In PyTorch one line would differ, `loss.backward()` for `model.backward(…)`. The package has this loop as `train`,
# with accumulation of micro-batches and its guards:

# %%
show.twins("train.train_step")

# %% [markdown]
# ## Learning, and learning by heart
#
# **What do you expect?** The loss on the training text goes on falling to the end. What does the loss on the
# kept-back tenth do?

# %% jupyter={"source_hidden": true}
at, on_train, on_val = map(np.array, zip(*history))
lowest = int(on_val.argmin())
drawn, axis = show.new_figure(1, 3.6, width=8)
axis.plot(at, on_train, "o-", color=show.COLOURS[0], markersize=4, label="the text it trains on")
axis.plot(at, on_val, "s--", color=show.COLOURS[1], markersize=4, label="the tenth it never saw")
axis.axhline(math.log(320), color=show.INK, linewidth=0.8, linestyle=":")
axis.text(at[-1], math.log(320), "guessing, ln 320 ", ha="right", va="bottom", fontsize=8)
axis.annotate(
    "from here on, by heart",
    (at[lowest], on_val[lowest]),
    xytext=(25, -28),
    textcoords="offset points",
    fontsize=9,
    arrowprops={"arrowstyle": "->", "color": show.INK},
)
axis.set(xlabel="step", ylabel="loss, nats per token", ylim=(0, None))
axis.legend(frameon=False, fontsize=9)
show.figure(
    drawn,
    "The two losses part early. To the left of the lowest point the model learns what any text of this kind has "
    "in common; to the right, this text.",
    "Training loss falls steadily from 5.8 towards zero; validation loss falls to about 3.6 in the first epochs, "
    "then rises nearly to where it began.",
)
print(
    f"training {on_train[-1]:.1f}; never seen: at best {on_val.min():.1f} after {at[lowest]} steps, at the end "
    f"{on_val[-1]:.1f}"
)
assert lowest in (1, 2, 3, 4)
assert on_val[-1] > on_val.min() + 1

# %% [markdown]
# It falls for a few epochs, and then rises, far beyond its best. The model becomes surer and surer of one text, and
# more and more surprised by any other. You can see the same in what it writes. Take an early sample and six late
# ones, and find the longest run of tokens that stands just so in the training text:


# %%
def longest_quotation(written):
    """The most tokens in a row that the training text holds just so."""
    ids, source = tokenizer.encode(written), train_tokens.tolist()
    places = range(len(source))
    longest = 0
    for start in range(len(ids)):
        n, alive = 0, places
        while alive and start + n < len(ids):
            alive = [p for p in alive if p + n < len(source) and source[p + n] == ids[start + n]]
            n += bool(alive)
        longest = max(longest, n)
    return longest


beginnings = ["The village", "Nobody", "She climbs", "One evening", "At the door", "The oil"]
halfway = longest_quotation(samples[2])
at_the_end = [longest_quotation(writes(model, start, 28)) for start in beginnings]
quoted = writes(model, beginnings[int(np.argmax(at_the_end))], 28)
print(f"after three epochs the sample quotes {halfway} tokens in a row; at the end, six samples quote {at_the_end}")
print(quoted)
assert max(at_the_end) >= halfway + 6
assert longest_quotation(quoted) >= 12

# %% [markdown]
# The first words of that last text stand in the story, one after the other; the rest is patched from shorter pieces.
# A model that quotes is not stupid: of the thousands of numbers that it has, enough were free to store six pages. A
# real model reads each of its texts once or twice, and has no room for all of them.
#
# ## Saving, and going on as if nothing had happened
#
# **What do you expect?** You save the weights after forty steps, load them the next day, and train on. Is the curve
# the one that you would have had?


# %%
def start():
    generator = np.random.default_rng(50)
    model = gpt.GPTModel(config, generator)
    optimizer = gpt.AdamW(model.parameters(), betas=(0.9, 0.99), weight_decay=0.1)
    return model, optimizer, Batches(train_set, 8, generator)


def go_on(model, optimizer, batches, first, last):
    constant = lambda step: 3e-3  # noqa: E731
    return [p.loss for p in gpt.train(model, optimizer, batches.endless(), last, constant, first_step=first)]


model_a, optimizer_a, batches_a = start()
rest = go_on(model_a, optimizer_a, batches_a, 0, 70)[40:]  # of a run that nothing interrupts
with tempfile.TemporaryDirectory() as folder:
    model_b, optimizer_b, batches_b = start()
    go_on(model_b, optimizer_b, batches_b, 0, 40)
    file = Path(folder) / "run.safetensors"
    state = optimizer_b.state_dict()
    tensors = {f"model.{key}": array for key, array in model_b.state_dict().items()}
    tensors |= {f"{kind}.{i}": array for kind in "mv" for i, array in enumerate(state[kind])}
    save_tensors(
        file,
        tensors,
        {"steps": state["steps"], "data": batches_b.state_dict(), "rng": batches_b.rng.bit_generator.state},
    )
    print(f"saved: {file.stat().st_size / 1e6:.1f} MB, of which the weights are a third")

    loaded, kept = load_tensors(file)


def resumed(with_moments, with_place):
    model, optimizer, batches = start()
    model.load_state_dict({key.removeprefix("model."): a for key, a in loaded.items() if key.startswith("model.")})
    if with_moments:
        n = len(optimizer.params)
        moments = {kind: [loaded[f"{kind}.{i}"] for i in range(n)] for kind in "mv"}
        optimizer.load_state_dict({"steps": kept["steps"], **moments})
    if with_place:
        batches.rng.bit_generator.state = kept["rng"]
        batches.load_state_dict(kept["data"])
    return go_on(model, optimizer, batches, 40, 70)


full, no_moments, weights_alone = resumed(True, True), resumed(False, True), resumed(False, False)
for name, losses in (("everything", full), ("without m and v", no_moments), ("weights alone", weights_alone)):
    print(f"{name:16} furthest from the uninterrupted run: {np.abs(np.subtract(losses, rest)).max():.0e}")
assert full == rest
assert np.abs(np.subtract(no_moments, rest)).max() > 1e-3

# %% [markdown]
# Weights are not enough. With AdamW's two moments, the place in the data and the generator's state the run goes on
# bit for bit; without them it is another run. `numpy-gpt pretrain --resume` keeps all of that for you.
#
# ## Three frameworks on one course
#
# Now the same training three times, in NumPy, in PyTorch and in TensorFlow, from the same weights, on the same
# batches, in float32 as everyone trains. And a control that we have not seen elsewhere: the NumPy twin twice more,
# from weights of which a random half is moved **by the last bit**, the smallest change that a float32 can hold.
#
# **What do you expect?** Do three frameworks stay together for a hundred and twenty steps? And at ten times the
# learning rate?

# %%
small = config.replace(emb_dim=32, tie_embeddings=True)
course = list(islice(Batches(train_set, 8, rng).endless(), 120))
first = {key: array.copy() for key, array in gpt.GPTModel(small, rng).state_dict().items()}


def curve(twin, lr, weights=first):
    import torch

    model = twin.GPTModel(small)
    model.load_state_dict({k: torch.from_numpy(a.copy()) for k, a in weights.items()} if twin is torch_gpt else weights)
    optimizer = twin.AdamW(model.parameters(), betas=(0.9, 0.99), weight_decay=0.1)
    plan = TrainSettings(steps=len(course), lr=lr, warmup=10)
    return np.array([p.loss for p in twin.train(model, optimizer, iter(course), len(course), plan.learning_rate)])


def last_bit_moved():
    towards = {key: np.where(rng.random(array.shape) < 0.5, np.float32(9), array) for key, array in first.items()}
    return {key: np.nextafter(array, towards[key]) for key, array in first.items()}


if importlib.util.find_spec("tensorflow") is not None:  # two programs if it is not installed
    import tensorflow_gpt
rates = {"calm": 3e-3, "hot": 3e-2}
runs, controls = {}, {}
for name, lr in rates.items():
    runs[name] = {"NumPy": curve(gpt, lr), "PyTorch": curve(torch_gpt, lr)}
    controls[name] = [curve(gpt, lr, last_bit_moved()) for _ in range(2)]
    if importlib.util.find_spec("tensorflow") is not None:
        runs[name]["TensorFlow"] = curve(tensorflow_gpt, lr)
band = {name: np.max([np.abs(c - runs[name]["NumPy"]) for c in controls[name]], axis=0) for name in rates}
apart = {name: np.abs(runs[name]["PyTorch"] - runs[name]["NumPy"]) for name in rates}
for name in rates:
    print(f"{name}: PyTorch up to {apart[name].max():.0e} from NumPy, one bit up to {band[name].max():.0e}")
assert apart["calm"].max() < 1e-4
assert band["calm"].max() < 1e-4
assert apart["hot"].max() > 20 * apart["calm"].max()
assert band["hot"].max() > 20 * band["calm"].max()

# %% jupyter={"source_hidden": true} tags=["optional"]
drawn, panels = show.new_figure(
    2, 5.4, columns=2, width=10, sharex=True, sharey="row", gridspec_kw={"height_ratios": [1, 1]}
)
x = np.arange(1, len(course) + 1)
for column, (name, lr) in enumerate(rates.items()):
    top, bottom = panels[0][column], panels[1][column]
    styles = {
        "NumPy": (show.COLOURS[5], 5, "-"),
        "PyTorch": (show.COLOURS[1], 1.8, "-"),
        "TensorFlow": (show.COLOURS[2], 1.8, ":"),
    }
    for program, losses in runs[name].items():
        colour, width, style = styles[program]
        top.plot(x, losses, style, color=colour, linewidth=width, label=program)
        if program != "NumPy":
            bottom.semilogy(
                x,
                np.maximum(np.abs(losses - runs[name]["NumPy"]), 1e-8),
                style,
                color=colour,
                linewidth=1.4,
                label=f"{program} and NumPy",
            )
    bottom.fill_between(
        x,
        1e-8,
        np.maximum.accumulate(np.maximum(band[name], 1e-8)),
        color=show.GRID,
        label="NumPy and NumPy, the last bit moved",
    )
    top.set_title(f"{name}: learning rate {lr:g}", fontsize=10)
    bottom.set(xlabel="step", ylim=(5e-9, 1))
panels[0][0].set_ylabel("loss")
panels[1][0].set_ylabel("distance of the losses")
panels[0][0].legend(fontsize=8, frameon=False)
panels[1][0].legend(fontsize=8, loc="upper left")
show.figure(
    drawn,
    "Above, the losses lie on one another. Below, how far they are apart; grey is what a change in the last bit "
    "alone can do. At the calm rate all of it is rounding, "
    "a millionth. At the hot rate the same rounding is blown up step by step.",
    "Four panels. At learning rate 0.003 the curves coincide and their distances stay near 1e-6. At 0.03 the "
    "curves still look alike, but the distances climb by "
    "several powers of ten, from about the tenth step on, as does the grey band of the run whose last bits were moved.",
)

# %% [markdown]
# At the calm rate the frameworks are equal for all that matters. At ten times that rate they part, and the control
# tells us why: NumPy parts from *itself* by as much, when a last bit has changed. Each step there overshoots, and
# what overshoots multiplies small differences. So nobody's framework is wrong. When you cannot reproduce a run on
# another machine, look at the learning rate before you look for a bug; and in float64 (`python -m parity_tests
# curve`) the same comparison has nine digits more to spare.
#
# ## Exercises
#
# 1. The optimizer, from a blank method: `gpt-exercise start adamw` (30 minutes), and a file with a planted mistake in
#    it: `gpt-exercise start find-adamw`.
# 2. Clipping keeps the direction. Write it: `gpt-exercise start clipping` (15 minutes).
# 3. Warm-up and cosine on paper, then in code: `gpt-exercise start schedule-by-hand`, `gpt-exercise start
#    learning-rate`.
# 4. Micro-batches that add up to one batch, to the last digit: `gpt-exercise start training-step` (30 minutes).
# 5. Set `drop_rate=0.2` in the model above. How much later do the two curves part?
#
# ## Recap
#
# - The loss is the mean surprise at the token that came; before training it is ln V, and e to its power is the
#   perplexity.
# - AdamW divides a mean of gradients by the root of a mean of their squares, so that steps are about as long as the
#   learning rate.
# - Warm-up, cosine and clipping keep early, late and wild steps in bounds.
# - When the loss on unseen text turns upwards, the model has begun to learn by heart; its samples become quotations.
# - A run is its weights, both moments, the place in the data and the generator; and at a high rate rounding alone
#   makes another run.
#
# Next: [06 GPT-2's weights](06_gpt2_weights.ipynb). The commands that do all this: [training](../docs/training.md).
# In the reader (`python3 run.py read`): [AdamW](../build/site/optim.html#AdamW.update), [the
# loop](../build/site/train.html#train_step).
