# %% [markdown]
# # 08 Instructions
#
# **When a model answers a question, who knew the answer: the base that read the book, or the fine-tuning that showed
# it how to answer?**
#
# The base has read a village's stories, the textbook of its school, and pages of exercises. It can go on with a text,
# and that is all: ask it something, and it writes one more page. Fine-tuning shows it questions with answers.
# Afterwards it answers. But what exactly has it learnt, answers or answering? On this page we find out, by asking
# about words of which no question of our fine-tuning ever spoke.
#
# **45 minutes** · **Before it**: [07 LoRA and labels](07_lora.ipynb)

# %%
import importlib.util, subprocess, sys
from pathlib import Path

if importlib.util.find_spec("numpy_gpt") is None:  # in a hosted notebook service: install the project, once
    address = ".." if Path("../pyproject.toml").exists() else "git+" + input("Address of the project's repository: ")
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", f"numpy-gpt[notebooks] @ {address}"], check=True)

# %%
import re
from collections import Counter

import numpy as np

import numpy_gpt as gpt
from notebooks import show
from shared_gpt.commands.loading import load_model
from shared_gpt.text import InstructionDataset, format_prompt, load_instructions, load_text
from shared_gpt.training.instruction_tuning import answers

rng = np.random.default_rng(8)  # all that is random on this page comes from here
base, tokenizer = load_model(gpt, "marren")  # both ship with the project
chat, _ = load_model(gpt, "marren-chat")

# %% [markdown]
# ## Questions and answers
#
# Ten thousand entries ship with the project: an instruction, sometimes an input to work on, and the output that is
# wanted.

# %%
entries = load_instructions("instructions")
by_category = Counter(entry["category"] for entry in entries)
print(f"{len(entries):,} entries in {len(by_category)} categories")
show.table(
    [(entry["category"], entry["instruction"], entry.get("input", ""), entry["output"]) for entry in entries[5:600:90]],
    ("category", "instruction", "input", "output"),
)
assert len(entries) > 10_000

# %% [markdown]
# A model sees no entries, only text. So each is laid out in a *prompt style*, and asked later in the same one. Three
# are built in:

# %%
entry = next(e for e in entries if e["category"] == "sentences in the past")
show.side_by_side({style: format_prompt(entry, style) + entry["output"] for style in ("alpaca", "phi3", "qa")})
lengths = {style: len(tokenizer.encode(format_prompt(entry, style))) for style in ("alpaca", "phi3", "qa")}
print("tokens before the answer:", lengths)
assert lengths["qa"] < lengths["phi3"] < lengths["alpaca"]

# %% [markdown]
# Our small models see 64 tokens at once, so they use `qa`, the shortest.
#
# ## What counts in the loss
#
# Rows of a batch have different lengths: shorter ones are padded, and what is padding must not count. Nor, if we
# like, does the prompt: the model shall learn to answer, not to ask.
#
# **What do you expect?** In the row below the prompt is masked. At which input token does the first counted target
# stand, at the last token of the prompt or at the first of the answer?

# %%
two = [entry, next(e for e in entries if e["category"] == "plurals")]
dataset = InstructionDataset(two, tokenizer, 64, "qa", mask_prompt=True)
inputs, targets = dataset.collate([dataset[0], dataset[1]])
row, (ids, n_prompt) = 1, dataset[1]
rows = []
for place in range(len(ids) + 1):
    target = int(targets[row, place])
    rows.append(
        (
            place,
            repr(tokenizer.decode([int(inputs[row, place])])),
            "–" if target == -100 else repr(tokenizer.decode([target])),
        )
    )
show.table(rows, ("place", "input", "target that counts"), f"The shorter of two rows; both are {inputs.shape[1]} long")
first = int((targets[row] != -100).argmax())
assert first == n_prompt - 1
assert targets[row, len(ids) - 2] == tokenizer.eot

# %% [markdown]
# At the last token of the prompt: there the model has to say the answer's first word. The last counted target is the
# end token. Without it, the model would learn to answer and never to stop.
#
# ## Ask the base
#
# Five kinds of questions have one word to work on and one right answer: opposites, plurals, past tenses,
# comparatives, superlatives.

# %%
STATEMENTS = {  # how the textbook puts it, up to the answer
    "antonyms": "The opposite of '{}' is '",
    "plurals": "The plural of '{}' is '",
    "past tense": "The past tense of '{}' is '",
    "comparatives": "The comparative of '{}' is '",
    "superlatives": "The superlative of '{}' is '",
}


def word_of(entry):
    quoted = re.findall(r"'([a-z]+)'", entry["instruction"])
    return entry["input"] if entry.get("input") else quoted[0] if quoted else ""


asked = [entry for entry in entries if entry["category"] in STATEMENTS and word_of(entry).isalpha()]
some = [asked[i] for i in rng.choice(len(asked), 4, replace=False)]
for entry, said in zip(some, answers(gpt, base, tokenizer, some, "qa", 12)):
    print(f"{entry['instruction']} {entry.get('input', '')}\n    {said.strip()!r}\n    (wanted: {entry['output']})")

# %% [markdown]
# It takes the question for one more line of its school book. Sometimes the answer stands there, sometimes something
# else; in any case it goes on with the next exercise. Now ask it otherwise: begin the sentence as the textbook would,
# and let it finish.


# %%
def finishes(model, entry):
    """Whether the model ends the textbook's sentence with the right word."""
    beginning = STATEMENTS[entry["category"]].format(word_of(entry))
    (ids,) = gpt.generate(model, [tokenizer.encode(beginning)], 8)
    return tokenizer.decode(ids)[len(beginning) :].startswith(entry["output"] + "'")


for entry in some:
    beginning = STATEMENTS[entry["category"]].format(word_of(entry))
    (ids,) = gpt.generate(base, [tokenizer.encode(beginning)], 6)
    print(f"{beginning}▸{tokenizer.decode(ids)[len(beginning) :].splitlines()[0]}")

# %% [markdown]
# The base *knows* a good deal; among the exercises of its school book it has even met most of these questions. What it
# does not know is that somebody is asking, and that one word would do.
#
# ## Teach it to answer, and keep some words from it
#
# We train LoRA for two hundred steps on these questions, and leave out a quarter of the **words** altogether, in
# every wording. The base has read about them; our fine-tuning says nothing of them. And then there are words about
# which nobody ever told this model anything. It knows no pirates.
#
# **What do you expect?** It learns to answer about the words that it was asked of. And about the two other kinds:
# nothing, everything, or what?

# %%
NEVER_READ = {
    "antonyms": "guilty/innocent attack/defend victory/defeat cruel/gentle reward/punish expand/shrink ascend/descend",
    "plurals": "pirate/pirates wizard/wizards parrot/parrots violin/violins saddle/saddles tractor/tractors lynx/lynxes",
    "past tense": "juggle/juggled invent/invented yawn/yawned gallop/galloped swing/swung spin/spun grin/grinned",
    "comparatives": "brisk/brisker proud/prouder tough/tougher bitter/bitterer calm/calmer noble/nobler fierce/fiercer",
    "superlatives": "brisk/briskest proud/proudest tough/toughest bitter/bitterest calm/calmest noble/noblest fierce/fiercest",
}
INSTRUCTION = {  # one of the wordings of each category
    "antonyms": "What is the opposite of '{}'?",
    "plurals": "What is the plural of '{}'?",
    "past tense": "What is the past tense of '{}'?",
    "comparatives": "What is the comparative of '{}'?",
    "superlatives": "What is the superlative of '{}'?",
}
strange = [
    {"category": category, "instruction": INSTRUCTION[category].format(word), "output": answer}
    for category, pairs in NEVER_READ.items()
    for word, answer in (pair.split("/") for pair in pairs.split())
]
read = set(re.findall(r"[a-z]+", load_text("marren").lower()))
assert not read & {word_of(entry) for entry in strange}, "these words stand in the stories or the textbook"
words = sorted({(entry["category"], word_of(entry)) for entry in asked})
hidden = {words[i] for i in rng.choice(len(words), len(words) // 4, replace=False)}
training = [entry for entry in asked if (entry["category"], word_of(entry)) not in hidden]
sets = {
    "asked of in training": list({(e["category"], word_of(e)): e for e in training}.values()),
    "read, never asked of": list(
        {(e["category"], word_of(e)): e for e in asked if (e["category"], word_of(e)) in hidden}.values()
    ),
    "never read": strange,
}
sets = {
    name: [items[i] for i in sorted(rng.choice(len(items), min(len(items), 120), replace=False))]
    for name, items in sets.items()
}
tuned, _ = load_model(gpt, "marren")
gpt.apply_lora(tuned, rank=16, alpha=32, targets=("c_attn", "c_proj", "c_fc", "lm_head"), rng=rng)
train_set = InstructionDataset(training, tokenizer, 64, "qa", mask_prompt=True)
optimizer = gpt.AdamW(tuned.parameters(), weight_decay=0.01)
batches = train_set.batches(16, rng).endless()
steps, lr = 200, 2e-3
for progress in gpt.train(
    tuned, optimizer, batches, steps, lambda step: lr * min((step + 1) / 20, (steps - step) / steps)
):
    if progress.step == 1:
        first_loss = progress.loss
tuned.eval()
assert progress.loss < first_loss


def right(model, items):
    """Which of the entries the model answers exactly."""
    said = answers(gpt, model, tokenizer, items, "qa", 10, batch_size=40)
    return np.array([response.strip() == entry["output"] for response, entry in zip(said, items)])


before = {name: right(base, items) for name, items in sets.items()}
after = {name: right(tuned, items) for name, items in sets.items()}
knew = {name: np.array([finishes(base, entry) for entry in items]) for name, items in sets.items()}
assert max(hits.mean() for hits in before.values()) < 0.3
assert after["asked of in training"].mean() > before["asked of in training"].mean() + 0.2
assert after["read, never asked of"].mean() > after["never read"].mean() + 0.2

# %% tags=["optional"]
show.table(
    [
        (name, len(items), f"{before[name].mean():.0%}", f"{knew[name].mean():.0%}", f"{after[name].mean():.0%}")
        for name, items in sets.items()
    ],
    ("words", "how many", "base, asked", "base, the textbook's sentence begun", "after LoRA, asked"),
    "Right to the letter",
)
for entry, said in zip(strange[::4], answers(gpt, tuned, tokenizer, strange[::4], "qa", 10)):
    print(f"{entry['instruction']} {said.strip()!r}, wanted {entry['output']!r}")

# %% [markdown]
# Asked, the base is right almost never: it does not stop after the answer. After a minute of LoRA it is right about
# most words that none of these questions had spoken of, if it has read about them. Those answers cannot come from the
# fine-tuning. About words that it has never read it is hardly ever right, even where a rule would do, an *s* or an
# *ed*: it says another word, mostly one of the right form. Let us sort all answers by where they can come from:

# %%
kinds = (  # label, colour, which
    ("the base knew it, and now says it", show.COLOURS[0], lambda k, a: k & a),
    ("not in the base's reach, yet answered", show.COLOURS[1], lambda k, a: ~k & a),
    ("the base knew it, and it is still lost", show.COLOURS[5], lambda k, a: k & ~a),
    ("nobody knows", show.GRID, lambda k, a: ~k & ~a),
)
drawn, panels = show.new_figure(1, 3.6, columns=3, width=10, sharey=True)
for axis, (name, items) in zip(panels, sets.items()):
    for y, category in enumerate(STATEMENTS):
        here = np.array([entry["category"] == category for entry in items])
        left = 0.0
        for label, colour, which in kinds:
            share = float(which(knew[name], after[name])[here].mean()) if here.any() else 0.0
            axis.barh(y, share, left=left, color=colour, edgecolor="white", label=label if y == 0 else None)
            if share > 0.08:
                axis.text(
                    left + share / 2,
                    y,
                    f"{share:.0%}",
                    ha="center",
                    va="center",
                    fontsize=8,
                    color="white" if colour == show.COLOURS[0] else "black",
                )
            left += share
    axis.set_title(f"words {name}", fontsize=10)
    axis.set_xlim(0, 1)
    axis.xaxis.set_major_formatter(lambda value, position: f"{value:.0%}")
panels[0].set_yticks(range(len(STATEMENTS)), list(STATEMENTS))
panels[0].invert_yaxis()
drawn.legend(*panels[0].get_legend_handles_labels(), ncols=4, fontsize=8, frameon=False, loc="outside lower center")
show.figure(
    drawn,
    "Which answers come from where. Dark blue: the base could finish the textbook's sentence, and the tuned "
    "model answers. Orange: it could not, so the answer was learnt from questions, or from the rule behind "
    "them.",
    "Stacked bars for five kinds of questions: for words that training asked of, for words that it did not, and for "
    "words that nobody read. In the first two nearly all is dark blue; in the third nearly all is grey.",
)
told = np.concatenate([knew["read, never asked of"], knew["never read"]])
said = np.concatenate([after["read, never asked of"], after["never read"]])
print(
    f"of words never asked of, answered where the base knew: {said[told].mean():.0%}, where it did not: {said[~told].mean():.0%}"
)
assert said[told].mean() > said[~told].mean() + 0.3

# %% [markdown]
# For words never asked of, what the base can say in its own way decides. So the picture says who knew the answer:
# **fine-tuning teaches the form, and carries what the base has read into it**. A base that has not read about
# something cannot be tuned into knowing it by questions about other things. Even the rule of the plural does not
# stretch to *pirate*: a model this small has learnt pairs of words, one by one, and hardly how one is made from the
# other.
#
# ## Where in the answer does the form sit?
#
# **What do you expect?** Give base and tuned model the right answer, and look at how surprised each is by its tokens.
# Where does fine-tuning take away most: at the first token, or at the later ones?


# %%
def surprises(model, items):
    """The surprise in nats at each answer's first token, and the mean over its later ones (the end token among "
    "them)."""
    data = InstructionDataset(items, tokenizer, 64, "qa", mask_prompt=True)
    found = []
    for i in range(len(data)):
        ids, n_prompt = data[i]
        losses = np.concatenate(list(gpt.token_losses(model, ids, stride=64)))[n_prompt - 1 :]
        found.append((losses[0], losses[1:].mean()))
    return np.array(found).mean(axis=0)


of_base, of_tuned = (surprises(model, sets["read, never asked of"][:60]) for model in (base, tuned))
drawn, axis = show.new_figure(1, 2.8, width=7)
for x, (name, values, colour) in enumerate(
    (("base", of_base, show.COLOURS[5]), ("after LoRA", of_tuned, show.COLOURS[0]))
):
    axis.bar(np.arange(2) + 0.4 * x - 0.2, values, width=0.38, color=colour, label=name)
axis.set_xticks(range(2), ["first token of the answer", "later tokens and the end"])
axis.set_ylabel("surprise, nats")
axis.legend(frameon=False, fontsize=8)
show.figure(
    drawn,
    "Surprise at right answers about words never asked of, of which the base has read.",
    "Bars of the mean surprise: the base's is low at the first token and high at the later ones; after LoRA both are near zero.",
)
assert of_tuned[0] < of_base[0] - 1
assert of_tuned[1] < of_base[1]

# %% [markdown]
# Behind it: the later tokens, the end token among them, lose several nats, the first one about one. The base often knew
# the word. That nothing follows it is news.
#
# ## Chat
#
# The shipped `marren-chat` had the same treatment, for longer and with all categories; and between the questions it
# recited what the base had read, so that learning to answer did not make it forget ([how](../docs/models.md)). Ask it
# what you like:

# %% tags=["optional"]
questions = (
    "What is the opposite of 'hot'?",
    "What is the plural of 'mouse'?",
    "What is 3 + 4?",
    "Who keeps the lighthouse?",
    "Write 27 in words.",
    "What is 3481 + 2790?",
    "Who wrote Hamlet?",
    "And what did I ask you before?",
)
for question, said in zip(
    questions, answers(gpt, chat, tokenizer, [{"instruction": q, "output": ""} for q in questions], "qa", 24)
):
    print(f"> {question}\n{said.strip()}")

# %% [markdown]
# The last three show what it cannot do. It has met no numbers of that size, no world outside of its village, and each
# line is a request by itself: there is no "before". It answers as calmly as ever. Nothing in its
# training said "I do not know", so it does not say so either.
#
# ## Exercises
#
# 1. Mask the prompt by position, and find out why masking by the id of a token would be wrong: `gpt-exercise start
#    mask-prompt` (35 minutes).
# 2. Attach branches to the layers that a name picks: `gpt-exercise start apply-lora` (40 minutes).
# 3. Train the cell above without `lm_head` among the targets. What happens to the first token's surprise?
# 4. Add entries whose output is `I do not know.` about made-up words to the training, and ask of other made-up words.
#    When does it begin to say so of real ones?
# 5. Make your own held-out words: which category gains most from training on *other* categories?
#
# ## Recap
#
# - An entry is laid out in a prompt style; prompt and padding are masked, and the end token is part of the answer.
# - The base knows without answering: begin the textbook's sentence, and it finishes it.
# - Fine-tuning teaches the form, and carries what the base has read over to words that no question spoke of.
# - Of words that the base has never read, a model this small knows hardly any form, not even by a rule.
# - Outside of what it has read it is wrong, and calm about it: nobody taught it to say that it does not know.
#
# Next: [09 TensorFlow](09_tensorflow.ipynb). The whole course from raw text to chat, with figures:
# [fine-tuning](../docs/finetuning.md). In the reader (`python3 run.py read`): [generate](../build/site/generate.html#stream).
