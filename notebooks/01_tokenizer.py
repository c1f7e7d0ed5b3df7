# %% [markdown]
# # 01 Tokenizer
#
# **How does a text become numbers, and what is lost on the way?**
#
# A model computes with numbers, and a text is none. We build three tokenizers. The first knows words. The
# second knows what to do about words that it does not know. The third, of GPT-2's kind, has no unknown words at
# all, and we join its first pairs step by step.
#
# **45 minutes** · **Before it**: [00 A tour](00_tour.ipynb); Python's strings and dictionaries.

# %%
import importlib.util, subprocess, sys
from pathlib import Path

if importlib.util.find_spec("numpy_gpt") is None:  # in a hosted notebook service: install the project, once
    address = ".." if Path("../pyproject.toml").exists() else "git+" + input("Address of the project's repository: ")
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", f"numpy-gpt[notebooks] @ {address}"], check=True)

# %%
import re
from collections import Counter
from itertools import pairwise

import numpy as np
import tiktoken

import numpy_gpt
from notebooks import show
from shared_gpt.text import (
    BytePairTokenizer,
    SimpleTokenizerV1,
    SimpleTokenizerV2,
    TokenWindows,
    build_vocab,
    gpt2_tokenizer,
    load_text,
    merge_tree,
    simple,
)
from shared_gpt.text.bpe.training import learn_merges
from shared_gpt.text.split import GPT2_PATTERN, split

rng = np.random.default_rng(1)  # all that is random on this page comes from here

# %% [markdown]
# ## The raw text
#
# The stories of a village named Marren, which ship with this project. A model that is to fit a laptop can know
# all of it.

# %%
stories = load_text("stories")
assert len(stories) > 50_000
print(stories[24:208])

# %% [markdown]
# ## Splitting, step by step
#
# A regular expression cuts the text into words. Four attempts, each mends what the one before got wrong:

# %%
line = '"Wait," said Ada -- and the gull sat!'
attempts = {
    "at white space": re.split(r"\s", line),
    "… and at commas, full stops": re.split(r"([,.]|\s)", line),
    "… and at every sign": re.split(r"([,.:;?_!\"()']|--|\s)", line),
    "… without what is empty": [p.strip() for p in re.split(r"([,.:;?_!\"()']|--|\s)", line) if p.strip()],
}
show.table(
    [(name, len(p), " ".join(f"`{w or ' '}`" for w in p)) for name, p in attempts.items()], ["split", "pieces", ""]
)
words = attempts["… without what is empty"]
assert words == simple.split_words(line)

# %% [markdown]
# The parentheses in the expression matter. They make `split` keep what it cut at; without them the signs would
# be gone. The last attempt is the function that the package has:

# %%
show.code(simple.split_words)

# %% [markdown]
# ## A vocabulary, and SimpleTokenizerV1
#
# Take all different words, sort them, number them. That is a vocabulary. Encoding looks up numbers, decoding
# looks up words.

# %%
vocab = build_vocab(line)
tokenizer = SimpleTokenizerV1(vocab)
ids = tokenizer.encode(line)
show.table([(word, number) for word, number in vocab.items()], ["word", "id"])
assert sorted(vocab) == list(vocab)

# %% [markdown]
# **What do you expect?** Encode the line, decode the ids. Is it the same line?

# %%
again = tokenizer.decode(ids)
print(line)
print(again)
assert again != line
assert tokenizer.encode(again) == ids

# %% [markdown]
# Not quite: the spaces are guessed. The ids do not hold them. That is the first thing that is lost.
#
# ## Unknown words, and V2
#
# The second is worse:

# %%
try:
    tokenizer.encode("Ada said hello")
except ValueError as error:
    print(error)

# %% [markdown]
# V2 has two more words. `<|unk|>` stands for any word that is not there, and `<|endoftext|>` between two texts.

# %%
second = SimpleTokenizerV2(vocab)
text = "Ada said hello <|endoftext|> the gull sat"
print(second.encode(text))
print(second.decode(second.encode(text)))
assert second.decode(second.encode("hello")) == "<|unk|>"

# %% [markdown]
# **What do you expect?** Learn a vocabulary from the first half of the stories and encode the second half. How
# many of its words are unknown: 1 in 100, 1 in 30, 1 in 10?

# %%
half = len(stories) // 2
known = build_vocab(stories[:half])
rest = simple.split_words(stories[half:])
unknown = sum(word not in known for word in rest) / len(rest)
print(f"{len(known)} words known; of the {len(rest)} in the second half {unknown:.1%} are not among them")
assert 0.04 < unknown < 0.4

# %% [markdown]
# Same author, same village, and still so many. A list of words is never complete: names, typing errors, other
# languages, numbers.
#
# ## Byte-pair encoding, by hand
#
# The way out: begin with single bytes, of which there are 256, and so none is unknown. Then join what often
# stands together. Look for the most frequent pair of neighbours, make it one token, look again. Here in two
# short functions, on four words and how often each occurs:


# %%
counts = {"light": 5, "night": 6, "lighter": 2, "nights": 3}


def learn(counts, n_merges):
    words = {word: [bytes([b]) for b in word.encode()] for word in counts}
    number, merges = {bytes([b]): b for b in range(256)}, []
    for _ in range(n_merges):
        pairs = Counter()
        for word, parts in words.items():
            for pair in pairwise(parts):
                pairs[pair] += counts[word]
        pair = min(pairs, key=lambda pair: (-pairs[pair], number[pair[0]], number[pair[1]]))
        merges.append((pair, pairs[pair]))
        number[pair[0] + pair[1]] = len(number)
        for word, parts in words.items():
            words[word] = join(parts, pair)
    return merges, words


def join(parts, pair):
    joined = []
    for part in parts:
        if joined and (joined[-1], part) == pair:
            joined[-1] += part
        else:
            joined.append(part)
    return joined


# %% [markdown]
# **What do you expect?** Which pair comes first? Which token first holds three letters?

# %%
merges, parts = learn(counts, 6)
show.table(
    [(i, f"`{a.decode()}` + `{b.decode()}`", n) for i, ((a, b), n) in enumerate(merges)],
    ["rank", "joined", "times"],
)
for word, tokens in parts.items():
    print(f"{word:8}", " ".join(token.decode() for token in tokens))
assert [n for _, n in merges] == sorted((n for _, n in merges), reverse=True)

# %% [markdown]
# Of equally frequent pairs the one with the smaller numbers comes first, so that a text has exactly one
# vocabulary. The package learns by the same rule from any text, only without recounting:

# %%
assert learn_merges(counts, 6) == [pair for pair, _ in merges]

# %% [markdown]
# ## The merge tree of a word
#
# Now from all the stories: 767 merges, with the 256 bytes and `<|endoftext|>` a vocabulary of 1024. How does it
# read a word?

# %%
bpe = BytePairTokenizer.train(stories, vocab_size=1024)
assert len(bpe.merges) == 767
print(bpe.explain(" lighthouse"))

# %% jupyter={"source_hidden": true}
explanation = bpe.explain(" lighthouse")
show.figure(
    merge_tree(explanation),
    "From bytes at the bottom to tokens at the top. A merge may only join what stands there by then; its rank says how early it was "
    "learnt.",
    f"A tree over the bytes of ␣lighthouse. Pairs are joined upwards in the order of their ranks, until the tokens "
    f"{', '.join(t.decode() for t in explanation.tokens)} are left, each with its id.",
)
assert b"".join(explanation.tokens) == b" lighthouse"

# %% [markdown]
# The space belongs to the word: `␣lighthouse` and `lighthouse` are different words. So nothing is guessed when
# decoding, and **nothing is lost any more**:

# %%
strange = "Ada’s naïve gull\tordered 2 kg of 鱼 🐟, didn't she?"
assert bpe.decode(bpe.encode(strange)) == strange
print(len(strange), "characters,", len(strange.encode()), "bytes,", len(bpe.encode(strange)), "tokens")

# %% [markdown]
# ## Ours against tiktoken
#
# OpenAI's own encoder is called tiktoken. It is written in Rust. Given our vocabulary, does it find our ids?

# %%
judge = tiktoken.Encoding("stories", pat_str=GPT2_PATTERN, mergeable_ranks=bpe.ids, special_tokens=bpe.special_tokens)
sample = stories[:20_000] + strange
assert bpe.encode(sample) == judge.encode(sample)
print(f"the same {len(bpe.encode(sample))} ids")

# %% [markdown]
# Id by id. But it is easy to write an encoder that *nearly* agrees. Two tempting ones:
#
# - **greedy**: take the longest token that fits, then the next. No ranks needed, faster, and every token is a
#   real one;
# - **leftmost**: join pairs as they come, from left to right, whatever their rank.
#
# **What do you expect?** Do they agree with tiktoken on an ordinary sentence? Where do they first part?


# %%
def greedy(text):
    data, ids = text.encode(), []
    for word in split(text):
        data = word.encode()
        while data:
            n = next(n for n in range(len(data), 0, -1) if data[:n] in bpe.ids)
            ids.append(bpe.ids[data[:n]])
            data = data[n:]
    return ids


def leftmost(text):
    ids = []
    for word in split(text):
        parts = [bytes([b]) for b in word.encode()]
        while pair := next((pair for pair in pairwise(parts) if pair in bpe.ranks), None):
            parts = join(parts, pair)
        ids += [bpe.ids[part] for part in parts]
    return ids


sentence = "The lighthouse keeper  grew tired of gulls."
encoders = {"tiktoken": judge.encode, "ours": bpe.encode, "greedy": greedy, "leftmost": leftmost}
found = {name: encode(sentence) for name, encode in encoders.items()}
first = {
    name: next((i for i, (a, b) in enumerate(zip(ids, found["tiktoken"])) if a != b), None)
    for name, ids in found.items()
}
assert first["ours"] is None and found["ours"] == found["tiktoken"]
assert first["greedy"] is not None
assert first["leftmost"] is not None
assert all(bpe.decode(ids) == sentence for ids in found.values())
first

# %% jupyter={"source_hidden": true}
from matplotlib.patches import Rectangle

figure, axis = show.new_figure(width=9.5, height=2.9)
axis.axis("off")
n_bytes = len(sentence.encode())
starts = np.cumsum([0, *(len(bpe.tokens[i]) for i in found["tiktoken"])])
places = set(zip(starts.tolist(), found["tiktoken"]))
axis.set(xlim=(-7, n_bytes + 0.2), ylim=(3.8, -0.6))
for row, (name, ids) in enumerate(found.items()):
    axis.text(-0.6, row + 0.38, name, ha="right", va="center", fontsize=9)
    at = 0
    for i, token_id in enumerate(ids):
        token = bpe.tokens[token_id].decode()
        parted = first[name] is not None and i >= first[name]
        same = (at, token_id) in places
        colour = "#ffffff" if same else show.COLOURS[4]
        axis.add_patch(Rectangle((at, row), len(token), 0.68, facecolor=colour, edgecolor=show.INK, lw=0.8))
        axis.text(at + len(token) / 2, row + 0.24, token.replace(" ", "␣"), ha="center", va="center", fontsize=8)
        axis.text(at + len(token) / 2, row + 0.53, token_id, ha="center", va="center", fontsize=5.5)
        if parted and i == first[name]:
            axis.annotate("first parts here", (at, row + 0.02), (at, row - 0.05), fontsize=6.5, color=show.INK)
        at += len(token)
show.figure(
    figure,
    "One sentence, four encoders, one vocabulary. Filled boxes differ from tiktoken's. All four decode to the same sentence, which is "
    "why nobody notices.",
    "Four rows of boxes, a box for each token with its id. The rows of tiktoken and ours are alike. Greedy's is cut differently "
    "in lighthouse, leftmost's in lighthouse, keeper and grew; the first place in each is marked `first parts here`.",
)

# %% [markdown]
# All of them decode to the same sentence. So the mistake stays hidden, and a model that was trained with the
# right ids gets ids that it has never seen in that place: it only grows a little worse. Compare ids, not texts.
#
# GPT-2's vocabulary has 50,000 merges, which the package reads from OpenAI's files. Where these are at hand, this
# is how it cuts three words:

# %% tags=["optional"]
assert 50_257 == 256 + 50_000 + 1
try:
    gpt2 = gpt2_tokenizer()
except FileNotFoundError:
    print("GPT-2's vocabulary is not on this machine, and there is no network to fetch it.")
else:
    assert gpt2.n_vocab == 50_257
    for word in (" lighthouse", " Marren", " gulls"):
        print(
            f"{word!r:14}", " ".join(t.decode().replace(" ", "␣") for t in gpt2.explain(word).tokens), gpt2.encode(word)
        )

# %% [markdown]
# ## Windows and batches
#
# A GPT learns from windows of fixed length. The target of each position is the token that follows: the same
# window, moved by one.

# %%
tokens = np.array(bpe.encode(stories))
windows = TokenWindows(tokens, context_length=8)
inputs, targets = windows[3]
piece = [bpe.tokens[i].decode().replace(" ", "␣").replace("\n", "⏎") for i in (*inputs, targets[-1])]
show.table(
    [(t, "".join(piece[: t + 1]), piece[t + 1]) for t in range(8)],
    ["position", "what it has seen", "what it must guess"],
)
assert (inputs[1:] == targets[:-1]).all()

# %% [markdown]
# Eight lessons in one window, one for each position. Batches put windows side by side, in an order that the
# generator draws:

# %%
batch_inputs, batch_targets = next(iter(windows.batches(4, np.random.default_rng(0))))
assert batch_inputs.shape == batch_targets.shape == (4, 8)
batch_inputs

# %% [markdown]
# ## An embedding is a product
#
# What does a model do with an id? It takes row `id` of a table. People say "lookup", as if that were another
# kind of thing than a layer. Write each id as a vector that is 1 at one place and 0 elsewhere:
#
# **What do you expect?** What is the product of that one-hot matrix with the table? And what gradient does a
# row get whose token occurs twice?

# %%
table = numpy_gpt.Embedding(6, 3, dtype=np.float64)
table.weight.data[...] = rng.standard_normal((6, 3))
some = np.array([4, 1, 4, 0])
one_hot = np.eye(6)[some]  # (4, 6)

y = table(some)
assert (y == one_hot @ table.weight.data).all()

dy = rng.standard_normal((4, 3))  # a gradient that arrives at y, a row for each token
table.backward(dy)
assert np.allclose(table.weight.grad, one_hot.T @ dy)
assert np.allclose(table.weight.grad[4], dy[0] + dy[2])
assert (table.weight.grad[[2, 3, 5]] == 0).all()
one_hot.astype(int)

# %% [markdown]
# The same numbers, so an embedding *is* a linear layer, and it learns like one: token 4 gets the sum of both
# its places, tokens that did not occur get nothing. The lookup only spares us a matrix of zeros.
#
# ## Exercises
#
# 1. `gpt-exercise start split-words` (15 minutes) and `gpt-exercise start simple-tokenizer-v1` (25 minutes).
# 2. `gpt-exercise start bpe-by-hand`: on paper (20 minutes).
# 3. `gpt-exercise start train-bpe`: the learner without recounting, or with it (45 minutes).
# 4. `gpt-exercise start windows` (20 minutes).
# 5. Find a sentence of your own on which *greedy* and tiktoken agree on all ids, and one on which they part at
#    the first word.
#
# ## Recap
#
# - A tokenizer is a table of pieces and numbers, and a rule for cutting a text into these pieces.
# - A vocabulary of words is never complete; `<|unk|>` hides what it lacks, and spaces are lost.
# - Byte-pair encoding starts from bytes, so nothing is unknown, and joins the pairs that were learnt, in the
#   order of their ranks.
# - Two encoders can decode to the same text and still give other ids; compare ids.
# - Targets are the inputs moved by one, and an embedding is a product with one-hot rows.
#
# Next: [02 Attention](02_attention.ipynb). The source: [simple.py](../shared_gpt/text/simple.py),
# [tokenizer.py](../shared_gpt/text/bpe/tokenizer.py). On any text of yours: `numpy-gpt tokenize "…" --explain`.
