# %% [markdown]
# # 02 Attention
#
# **How does a token find out which of the others it needs?**
#
# *The keeper climbs the stairs. She is tired.* To know who "she" is, a model has to look back. Attention is the
# part that looks. We build it in five rungs, each a few lines longer than the one before, and at the top we
# find the class that GPT-2 runs.
#
# **50 minutes** · **Before it**: [01 Tokenizer](01_tokenizer.ipynb); matrix products; softmax turns any numbers
# into shares that sum to 1.

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
from numpy_gpt.functional import softmax
from parity_tests.report.measure import relative_error

rng = np.random.default_rng(8)  # all that is random on this page comes from here

# %% [markdown]
# ## Six tokens, six vectors
#
# Each token of a text comes as a vector. Here they are drawn at random, 12 numbers each, as in a model that has
# not learnt anything. The word *the* stands there twice, and both times it is the same vector: nothing tells
# the first from the second yet.

# %%
tokens = ["the", "keeper", "climbs", "the", "white", "stairs"]
T, C = len(tokens), 12
vector_of = {word: rng.standard_normal(C) / 2 for word in dict.fromkeys(tokens)}
x = np.stack([vector_of[word] for word in tokens])

assert x.shape == (6, 12)
x.shape

# %% [markdown]
# ## Rung 1: without weights
#
# The idea in three steps. How alike are two tokens? Take the product of their vectors. Make shares of these
# scores. Then mix all vectors in those shares. The mixture is called the *context vector*.
#
# For one token, *keeper*, written out:

# %%
query = x[1]
scores_of_keeper = np.array([query @ key for key in x])
shares = np.exp(scores_of_keeper) / np.exp(scores_of_keeper).sum()
context_of_keeper = sum(share * value for share, value in zip(shares, x))

show.table(
    [(word, f"{score:.2f}", f"{share:.4f}") for word, score, share in zip(tokens, scores_of_keeper, shares)],
    ["token", "score", "share"],
    "What `keeper` sees",
)
assert math.isclose(shares.sum(), 1)

# %% [markdown]
# For all tokens at once these are two matrix products with a softmax between them. That is the whole of
# attention; every rung above only changes what goes in.


# %%
def attention_without_weights(x):
    scores = x @ x.T  # (T, T): row t holds what token t thinks of each token
    p = softmax(scores)
    return p @ x, p


context, p_plain = attention_without_weights(x)
assert np.allclose(context[1], context_of_keeper)

# %% [markdown]
# **What do you expect?** Which token does each token see most? And how do the two rows of *the* differ? Decide
# before you look.

# %% jupyter={"source_hidden": true}
figure, axis = show.new_figure(width=5.2, height=3.6)
show.heat(axis, p_plain, tokens, tokens, digits=2, vmin=0, vmax=1)
axis.set(xlabel="the token looked at", ylabel="the token that looks")
show.figure(
    figure,
    "Attention without weights: row t says in which shares token t mixes the six vectors.",
    "A 6 by 6 table of shares. In each row the largest lies on the diagonal; the two tokens `the` share it, both alike.",
)
assert (p_plain.argmax(axis=1) == [0, 1, 2, 0, 4, 5]).all()
assert np.allclose(p_plain[0], p_plain[3])

# %% [markdown]
# Everyone looks at itself, since a vector is most like itself. The two *the* cannot be told apart: they see the
# same and are seen the same. So this rung can compare, but it cannot *learn* what to compare. There is nothing
# in it to learn.
#
# ## Rung 2: one head, with weights
#
# A token plays three parts. It asks (**query**), it is found (**key**), and it answers (**value**). Three
# matrices make three vectors of it, and these matrices learn.
#
# One more thing is new, the division by √D, where D is the width of a query.


# %%
def one_head(x, W_query, W_key, W_value):
    q, k, v = x @ W_query.T, x @ W_key.T, x @ W_value.T  # (T, D) each
    scores = q @ k.T / math.sqrt(k.shape[-1])
    p = softmax(scores)
    return p @ v, p


W_query, W_key, W_value = rng.standard_normal((3, C, C)) / math.sqrt(C)
context, p_one = one_head(x, W_query, W_key, W_value)
assert context.shape == x.shape

# %% [markdown]
# **What do you expect?** Draw queries and keys at random, all numbers with deviation 1. How does the spread of
# the scores grow with the width D? And what does a softmax make of it over 64 keys?

# %%
rows = []
for D in (4, 64, 1024):
    q, k = rng.standard_normal((2, 2000, D))
    raw = (q[:, None, :] * k.reshape(-1, 1, D)[:2000]).sum(axis=-1)[:, 0]  # 2,000 products of one query with one key
    scores = q[:200] @ k[:64].T  # 200 queries, 64 keys
    largest, scaled = (softmax(s).max(axis=-1).mean() for s in (scores, scores / math.sqrt(D)))
    rows.append((D, f"{raw.std():.1f}", f"{math.sqrt(D):.0f}", f"{largest:.2f}", f"{scaled:.2f}"))
    assert abs(raw.std() / math.sqrt(D) - 1) < 0.1
show.table(rows, ["D", "deviation of q·k", "√D", "largest share", "largest share after ÷ √D"])
assert largest > 0.9 > 0.2 > scaled

# %% [markdown]
# A sum of D random products has deviation √D. In wide heads one key would take more than 0.9 of the weight by
# accident, before anything is learnt, and a softmax that is sure of itself passes back almost no gradient.
# Divided by √D the scores start alike whatever the width.
#
# ## Rung 3: nobody sees the future
#
# A GPT learns to guess the next token. If token 2 could see token 3, there would be nothing to guess. So row t
# may use columns up to t only.
#
# A tempting way: compute the softmax as before, then set the weights above the diagonal to zero.
#
# **What do you expect?** With those zeros in place, does any row still know something about the future?


# %%
def zeroed_after_softmax(x, W_query, W_key, W_value):
    _, p = one_head(x, W_query, W_key, W_value)
    p = np.tril(p)
    return p @ (x @ W_value.T), p


def causal_head(x, W_query, W_key, W_value):
    q, k, v = x @ W_query.T, x @ W_key.T, x @ W_value.T
    scores = q @ k.T / math.sqrt(k.shape[-1])
    scores[np.triu_indices(len(x), 1)] = -np.inf  # above the diagonal: exp(-inf) = 0
    p = softmax(scores)
    return p @ v, p


weights = W_query, W_key, W_value
other_end = x.copy()
other_end[-1] = rng.standard_normal(C)  # the last token becomes another one

for rung in (zeroed_after_softmax, causal_head):
    (before, p), (after, _) = rung(x, *weights), rung(other_end, *weights)
    moved = np.abs(after - before)[:-1].max()  # in the five tokens before it
    print(f"{rung.__name__:22} first row sums to {p[0].sum():.2f}; the tokens before it moved by {moved:.2f}")

assert moved == 0 and (p.sum(axis=1).round(12) == 1).all()

# %% [markdown]
# Zeros alone leak. Each share was divided by a sum over *all* keys, so its size still tells what stands in the
# future, and the rows no longer sum to 1. With −∞ before the softmax the future is out of the sum as well: the
# five earlier tokens did not move at all, not by one bit.
#
# ## Rung 4: dropout
#
# In training some weights are set to zero by chance, so that no token relies on a single other one. The rest is
# divided by the share that stays, which keeps the sum the same on average.


# %%
def dropped_head(x, W_query, W_key, W_value, drop_rate, rng):
    _, p = causal_head(x, W_query, W_key, W_value)
    keep = rng.random(p.shape, np.float32) >= drop_rate
    p = p * keep / (1 - drop_rate)
    return p @ (x @ W_value.T), p


draws = np.mean([dropped_head(x, *weights, 0.5, rng)[1] for _ in range(4000)], axis=0)
print(f"largest difference between the mean of 4000 draws and p: {np.abs(draws - p).max():.2f}")
assert np.abs(draws - p).max() < 0.06

# %% [markdown]
# ## Rung 5: many heads in a wrapper
#
# One head answers one question. A model asks several at once: who is the subject, what came just before, was
# this word here already? So several narrow heads work side by side, each with its own matrices. Their answers
# are put in a row, and one last matrix mixes them.


# %%
class MultiHeadAttentionWrapper:
    def __init__(self, C, H, rng):
        D = C // H
        self.heads = [rng.standard_normal((3, D, C)) / math.sqrt(C) for _ in range(H)]  # queries, keys, values
        self.W_out = rng.standard_normal((C, C)) / math.sqrt(C)

    def __call__(self, x):
        contexts = [causal_head(x, *head)[0] for head in self.heads]  # H times (T, D)
        return np.concatenate(contexts, axis=-1) @ self.W_out.T


H = 3
wrapper = MultiHeadAttentionWrapper(C, H, rng)
assert wrapper(x).shape == (6, 12)

# %% [markdown]
# ## The real class
#
# Here is what GPT-2 runs, in both packages. Read it as the wrapper with two changes: there is a batch axis, and
# there is no loop. One product makes the queries, keys and values of all heads; then the numbers are only
# sorted into heads.

# %%
show.twins("attention.MultiHeadAttention.forward")

# %%
show.table(
    [
        ("`x`", "(B, T, C)", "(1, 6, 12)", "one vector for each token"),
        ("`c_attn(x)`", "(B, T, 3C)", "(1, 6, 36)", "queries, keys, values of all heads, side by side"),
        ("`q`, `k`, `v`", "(B, H, T, D)", "(1, 3, 6, 4)", "head h has features 4h to 4h + 3"),
        ("`scores`, `p`", "(B, H, T, S)", "(1, 3, 6, 6)", "one map for each head"),
        ("`context`", "(B, H, T, D)", "(1, 3, 6, 4)", "the mixtures"),
        ("`merged`, `y`", "(B, T, C)", "(1, 6, 12)", "heads in a row again, then mixed by c_proj"),
    ],
    ["array", "shape", "here", "what it holds"],
    "B sequences, T queries, S keys, C features, H heads of width D = C / H",
)

# %% [markdown]
# ## Every rung is the real class
#
# If that is true, then the real class with the right weights must give what each rung gave. We copy weights
# into it:
#
# - rung 1 has no weights: identity matrices, and queries √C times as long, since the class divides by it;
# - rungs 2 to 4 have one head, and nothing after it: `c_proj` is the identity;
# - rung 5 has its heads' matrices, stacked.
#
# The real class is always causal. Rungs 1 and 2 see the future.
#
# **What do you expect?** Is there any token for which rungs 1 and 2 can agree with it?


# %%
def real_class(package, W_query, W_key, W_value, W_out, n_heads=1, drop_rate=0.0, rng=rng):
    """MultiHeadAttention in float64 with these weights, without biases."""
    config = numpy_gpt.GPTConfig(1, T, C, n_heads, 1, drop_rate, qkv_bias=False)
    attention = package.MultiHeadAttention(config, rng, package.float64)
    c_attn = np.concatenate([W_query, W_key, W_value])  # rows: out, columns: in
    attention.load_state_dict({"c_attn.weight": c_attn, "c_proj.weight": W_out, "c_proj.bias": np.zeros(C)})
    attention.resid_dropout.drop_rate = 0.0  # rung 4 drops weights only
    return attention


I = np.eye(C)
stacked = [np.concatenate([head[i] for head in wrapper.heads]) for i in range(3)]
rungs = {
    "1 without weights": (attention_without_weights(x)[0], real_class(numpy_gpt, math.sqrt(C) * I, I, I, I)),
    "2 one head": (one_head(x, *weights)[0], real_class(numpy_gpt, *weights, I)),
    "3 causal": (causal_head(x, *weights)[0], real_class(numpy_gpt, *weights, I)),
    "4 dropout": (
        dropped_head(x, *weights, 0.5, np.random.default_rng(1))[0],
        real_class(numpy_gpt, *weights, I, drop_rate=0.5, rng=np.random.default_rng(1)),
    ),
    "5 wrapper": (wrapper(x), real_class(numpy_gpt, *stacked, wrapper.W_out, n_heads=H)),
}
apart = np.array([np.abs(attention(x[None])[0] - mine).max(axis=1) for mine, attention in rungs.values()])

# %% jupyter={"source_hidden": true}
figure, axis = show.new_figure(width=7, height=3.2)
image = show.heat(axis, np.log10(np.maximum(apart, 1e-17)), list(rungs), tokens, vmin=-17, vmax=1)
for (i, j), value in np.ndenumerate(apart):
    words = "same" if value == 0 else f"{value:.0e}"
    axis.text(j, i, words, ha="center", va="center", fontsize=8, color="white" if value > 1e-6 else "black")
axis.set_xlabel("token")
figure.colorbar(image, label="largest difference, log10")
show.figure(
    figure,
    "Each rung against the real class with the rung's weights copied into it, in float64. Pale: they agree to rounding.",
    "Five rows, one for each rung, six columns, one for each token. Rungs 3, 4 and 5 agree with the real class everywhere "
    "to 1e-14. Rungs 1 and 2 differ visibly for every token but the last, where they agree too.",
)
assert (apart[2:] < 1e-14).all()
assert (apart[:2, -1] < 1e-14).all() and (apart[:2, :-1] > 1e-3).all()

# %% [markdown]
# The last token has no future. For it, seeing all and seeing up to oneself are the same, so even the first rung
# agrees. And the rungs above agree everywhere. Even dropout does: two generators of one seed drew the same mask.
#
# Is the PyTorch class the same, too? Both get the same weights and the same input.

# %%
ours = real_class(numpy_gpt, *stacked, wrapper.W_out, n_heads=H)
theirs = real_class(torch_gpt, *stacked, wrapper.W_out, n_heads=H)
error = relative_error(ours(x[None]), theirs(torch.from_numpy(x[None])))
print(f"numpy_gpt against torch_gpt: relative error {error:.0e}")
assert error < 1e-14

# %% [markdown]
# ## A head at work
#
# What do trained heads look at? The project ships a model that has read the stories. Of all its heads we take
# two: the one that looks most at the token just before, and the one in which *he* looks most at *Captain*, the dog.

# %% jupyter={"source_hidden": true}
from shared_gpt.commands.loading import load_model

text = "Bram has a brown dog with the name of Captain. In rough weather he is afraid of water."
model, tokenizer = load_model(numpy_gpt, "marren")
ids = tokenizer.encode(text)
pieces = [tokenizer.decode([i]).replace(" ", "␣") for i in ids]
maps = numpy_gpt.attention_maps(model, [ids])[:, 0]  # (n_layers, H, T, T)
assert np.allclose(maps.sum(axis=-1), 1, atol=1e-5)
assert (np.triu(maps, 1) == 0).all()
n = len(ids)
previous = maps[:, :, range(1, n), range(n - 1)].mean(axis=-1)
captain = "".join(pieces).index("␣Captain")
starts = np.cumsum([0, *map(len, pieces)])
name = [i for i in range(n) if captain <= starts[i] < captain + 8]  # the token or tokens of his name
to_captain = maps[:, :, pieces.index("␣he"), name].sum(axis=-1)
figure, panels = show.new_figure(columns=2, height=5, width=10)
for axis, choice, what in (
    (panels[0], previous, "looks at the token before"),
    (panels[1], to_captain, "he looks at Captain"),
):
    layer, head = np.unravel_index(choice.argmax(), choice.shape)
    show.heat(axis, np.where(np.tri(n), maps[layer, head] ** 0.5, np.nan), pieces, pieces, vmin=0, vmax=1)
    axis.set_title(f"block {layer}, head {head}: {what} ({choice.max():.0%})", fontsize=9)
show.figure(
    figure,
    "Two heads of the shipped model on one sentence. Row: who looks; column: at whom; dark: much (the colour follows the square "
    "root of the weight). A dark first column is common: there a head looks when it has nothing to ask.",
    "Two triangular maps over the tokens of `Bram has a brown dog with the name of Captain. In rough weather he is afraid of water.` In the left "
    "one many squares just below the diagonal are darker than those around them; in the right one the column of Captain is dark, in "
    "the row of he too.",
)
even = (1 / np.arange(2, n + 1)).mean()  # what the token before would get, did all share alike
assert previous.max() > 1.5 * even
layer, head = np.unravel_index(to_captain.argmax(), to_captain.shape)
by_later = maps[layer, head, name[-1] + 1 :, name[0] : name[-1] + 1].sum(axis=-1)
print(f"Equal shares would give the token before {even:.0%}.")
print(
    f"The right head looks at Captain with more than 0.3 from {(by_later > 0.3).sum()} of {len(by_later)} later tokens."
)
assert to_captain.max() > 0.5
assert (by_later > 0.3).mean() > 0.3

# %% [markdown]
# The left head has a taste for the token before, but looks elsewhere as well: a small model's heads are seldom pure.
# In the right map more than half of what *he* sees is *Captain*, in the sentence before; and until the name comes, the same
# head looks at *dog*. That helps to guess what comes next. It
# does not show that the model knows what a pronoun is: the column of *Captain* is dark for other tokens too, so this
# head looks at the name from several places. Look at whole rows and columns before you believe a single square.
#
# ## What attention does not know
#
# **What do you expect?** Shuffle the six tokens. What happens to the output of a head *without* a mask?

# %%
order = rng.permutation(T)
shuffled, _ = one_head(x[order], *weights)
straight, _ = one_head(x, *weights)
print("the output is shuffled in the same way:", np.allclose(shuffled, straight[order]))
assert np.allclose(shuffled, straight[order])

# %% [markdown]
# It is shuffled with them, and nothing else happens. Attention sees a set, not a row: *keeper climbs stairs*
# and *stairs climbs keeper* are the same to it. That is why GPT adds a vector for each **position** to the
# vector of each token, before the first block.

# %% [markdown]
# ## Exercises
#
# 1. Write rung 2 on your own: `gpt-exercise start attention-one-head` (15 minutes).
# 2. Write the mask so that it also serves a cache, where there are fewer queries than keys:
#    `gpt-exercise start causal-mask` (20 minutes).
# 3. Split a width into heads and join it again. A plain reshape has the right shape and the wrong numbers; find
#    out why: `gpt-exercise start heads` (20 minutes).
# 4. The whole class: `gpt-exercise start attention` (45 minutes).
# 5. On paper: with H heads of width C / H, how do the numbers of weights and of multiplications depend on H?
#
# ## Recap
#
# - Attention mixes the vectors of a text: products of queries and keys, a softmax, a mixture of values.
# - Dividing by √D keeps the scores alike for every width, so that no head starts out sure of itself.
# - The mask puts −∞ before the softmax. Zeros after it would leak the future through the sum.
# - Heads are narrow attentions side by side; the real class computes them all in one product.
# - Attention does not know the order of its tokens; positions have to be added.
#
# Next: [03 Architecture](03_architecture.ipynb). How the gradient goes back through all this: [04 Backprop by
# hand](04_backprop.ipynb). The source: [attention.py](../numpy_gpt/attention.py), and beside its twin in the
# reader ([attention](../build/site/attention.html#MultiHeadAttention.forward), made by `python3 run.py read`).
