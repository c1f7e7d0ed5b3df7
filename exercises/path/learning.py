"""Part 4, learning: from gradients to better weights, and to other tasks."""

from exercises.exercise import Exercise, Question
from exercises.probes import learning as probes
from exercises.probes import text as texts
from numpy_gpt import GPTConfig, GPTModel, apply_lora
from shared_gpt.training.settings import TrainSettings

O, R = "numpy_gpt.optim", "numpy_gpt.lora"
SMALL = GPTConfig(vocab_size=50, context_length=16, emb_dim=12, n_heads=3, n_layers=2)


def _adapted() -> int:
    model = GPTModel(SMALL)
    apply_lora(model, rank=4, alpha=8, targets=("attn.c_attn",))
    return sum(p.data.size for p in model.parameters() if p.requires_grad)


EXERCISES = (
    Exercise(
        "adamw", "learning", "implement", 30, 2,
        task="""One step of AdamW, in place.

w: the weights, g: their gradient, m and v: the running means of g and g². decay: λ. self.lr: η,
self.betas: (β₁, β₂), self.eps, self.steps: t, which counts this step too. In PyTorch's order:
w ← w - η λ w; m and v move on; w ← w - η m̂ / (√v̂ + eps), with m̂ = m / (1 - β₁ᵗ) and likewise v̂.
All of w, m and v are changed in place; g is not.""",
        hints=(
            "In place: m *= beta1, then m += (1 - beta1) * g. `m = ...` would only give the name to another array.",
            "The decay acts on the weights, not on the gradient, and before the step: w *= 1 - self.lr * decay.",
            "m and v start at zero, so they are too small at first; the bias corrections divide by 1 - β₁ᵗ and 1 - β₂ᵗ.",
        ),
        targets=(f"{O}.AdamW.update",), probe=probes.adamw, keep_docstring=False, checks=("AdamW, 20 steps",),
    ),
    Exercise(
        "who-decays", "learning", "implement", 15, 1,
        task="""Which parameters take a step, and which of them decay?

Count the step (self.steps). For each p, m, v of self.params, self.m and self.v: one without a
gradient is left alone; matrices and tables (two axes or more) decay by self.weight_decay, biases
and gains do not. self.update(w, g, m, v, decay) changes w, m and v in place.""",
        hints=(
            "p.data are the weights, p.grad the gradient, which may be None.",
            "len(p.shape) >= 2 tells matrices from vectors.",
            "self.steps += 1 once a step, before the loop: the bias corrections need t = 1 in the first.",
        ),
        targets=(f"{O}.AdamW.step",), probe=probes.adamw, keep_docstring=False, checks=("AdamW, 20 steps",),
    ),
    Exercise(
        "find-adamw", "learning", "find", 10, 2,
        task="""One line of this AdamW is wrong.

The network learns all the same, a little differently. Name the line, by the number it had when you
got the file, and mend it.""",
        hints=(
            "Adam with weight decay and AdamW differ in one place: what does the decay act on?",
            "Decay in the gradient goes through m and v, and is divided by √v̂ with it. AdamW keeps it out of both.",
            "w *= 1 - self.lr * decay, and g stays as it came.",
        ),
        targets=(f"{O}.AdamW.update",), probe=probes.adamw, mistake="decay in the gradient",
    ),
    Exercise(
        "clipping", "learning", "implement", 15, 1,
        task="""Keep one wild batch from spoiling the model.

params: parameters, some without a gradient (None). The norm is √(Σ g²) over all gradients together.
Multiply every gradient in place by min(1, max_norm / (norm + 1e-6)), and give the norm that they had
before.""",
        hints=(
            "One norm over all: clipping each gradient alone would bend the direction of the step.",
            "np.vdot(g, g) is the sum of the squares of one gradient. Add these up, then take the root once.",
            "If the factor is 1 or more nothing changes. g *= scale works in place, with scale a Python number.",
        ),
        targets=(f"{O}.clip_grad_norm",), probe=probes.clip_grad_norm, checks=("clip_grad_norm",),
    ),
    Exercise(
        "learning-rate", "learning", "implement", 15, 1,
        task="""Warm up, then slow down along a cosine.

step: 0, 1, ... For the first self.warmup steps a straight rise, (step + 1) / warmup of self.lr. Then
half a cosine, from self.lr at step = warmup down to self.final_lr · self.lr at the last step,
self.steps - 1; after that it stays there.""",
        hints=(
            "done = (step - warmup) / (steps - 1 - warmup) goes from 0 to 1; max(..., 1) keeps the quotient from dividing by 0.",
            "(1 + cos(π done)) / 2 goes from 1 to 0. min(done, 1) for steps beyond the last.",
            "final_lr is a share: lr · (final_lr + (1 - final_lr) · cosine).",
        ),
        targets=("shared_gpt.training.settings.TrainSettings.learning_rate",), probe=probes.learning_rate,
    ),
    Exercise(
        "schedule-by-hand", "learning", "derive", 10, 1,
        task="""The learning rate at four moments.

steps = 101, warmup = 10, lr = 0.1, final_lr = 0.1.""",
        hints=(
            "In the warm-up the rate is lr · (step + 1) / warmup.",
            "The cosine begins at step 10 and ends at step 100; halfway it stands in the middle.",
            "At the end a share of final_lr is left: 0.1 of 0.1.",
        ),
        questions=tuple(
            Question(f"at_{step}", f"At step {step}:", lambda step=step: TrainSettings(steps=101, warmup=10, lr=0.1).learning_rate(step),
                     reason)
            for step, reason in ((0, "one tenth of the way up"), (9, "the top of the rise"), (55, "halfway down the cosine"),
                                 (100, "the last step"))
        ),
    ),
    Exercise(
        "training-step", "learning", "implement", 30, 2,
        task="""One update from several micro-batches, as if they were one batch.

micro_batches: pairs (inputs, targets); processes: ALONE here, whose sum(x) is x. The loss of the whole is
a mean over all counted targets (not -100), so each micro-batch weighs as many of them as it holds:
criterion.backward(count / total). Then clip_grad_norm, check_step, optimizer.step. Give the loss and the
norm. Gradients from before must not count.""",
        hints=(
            "optimizer.zero_grad() first. For each micro-batch: criterion(model(inputs), targets), then model.backward.",
            "The mean of means is not the mean of all, unless each holds as many targets: weigh by count / total.",
            "loss += micro_loss.item() * count / total; max(total, 1), in case all targets are ignored.",
        ),
        targets=("numpy_gpt.train.train_step",), probe=probes.train_step, checks=("training loop",),
    ),
    Exercise(
        "lora-size", "learning", "derive", 10, 1,
        task="""What LoRA saves.

A Linear from 12 features to 36 gets a branch of rank 4: A is (rank, in), B is (out, rank). alpha = 8.""",
        hints=(
            "A full ΔW would have out · in numbers.",
            "The branch has rank · (in + out).",
            "s = alpha / rank scales the branch.",
        ),
        questions=(
            Question("a_shape", "The shape of A:", lambda: (4, 12), "(rank, in)"),
            Question("b_shape", "The shape of B:", lambda: (36, 4), "(out, rank)"),
            Question("scale", "s:", lambda: 8 / 4, "alpha / rank"),
            Question("learning", "A model of two blocks, a branch on each c_attn: how many numbers learn?", _adapted,
                     "two branches of rank (in + out)"),
            Question("first_da", "B starts at zero. What is the gradient of A in the very first step?", lambda: 0,
                     "dA goes through B"),
        ),
    ),
    Exercise(
        "lora-forward", "learning", "implement", 25, 2,
        task="""A frozen Linear with two thin matrices beside it.

y = x Wᵀ + b + s · drop(x) Aᵀ Bᵀ. Linear.forward(self, x) gives the first part. self.merged: then the branch
is in W already, and the first part is all. self.dropout, self.lora_A.data (R, in), self.lora_B.data
(out, R), self.scale. Keep for backward: dropped (drop(x), of x's shape) and z = s · drop(x) Aᵀ, one row of
R numbers for each row of x.""",
        hints=(
            "The dropout is on the branch alone; the frozen part sees x as it is.",
            "rows = dropped.reshape(-1, in); z = self.scale * (rows @ A.T). Two thin products, never B A.",
            "y += (z @ B.T).reshape(y.shape). self.save_for_backward(dropped, z).",
        ),
        targets=(f"{R}.LoRALinear.forward",), probe=probes.lora_forward, keep_docstring=False, checks=("LoRA",),
    ),
    Exercise(
        "lora-backward", "learning", "implement", 30, 3,
        task="""Back through LoRA's branch.

dropped, z = self.pop_saved(), where z = s · drop(x) Aᵀ. dy: (..., out). Linear.backward(self, dy) gives the
frozen part's dx. Add B's and A's gradients with accumulate, and give the sum of both dx. If
self.merged, the frozen part is all there is.""",
        hints=(
            "dB = dyᵀ z: the scale is in z already.",
            "u = s · dy B is the gradient that reaches z / s. dA = uᵀ dropped, and drows = u A.",
            "The branch's dx goes through self.dropout.backward; pop what was saved before you call the base's backward.",
        ),
        targets=(f"{R}.LoRALinear.backward",), probe=probes.lora_backward, keep_docstring=False, checks=("LoRA",),
        shown=(f"{R}.LoRALinear.forward",),
    ),
    Exercise(
        "lora-merge", "learning", "implement", 15, 2,
        task="""Add the branch to the weight, and take it out again.

delta: ΔW = s B A, whole, (out, in). merge: sign +1 adds it to self.weight.data in place, -1 takes it out;
self.merged says afterwards whether it is in.""",
        hints=(
            "B is (out, R) and A is (R, in); only one order of the two fits.",
            "Do not forget s: at alpha = rank it is 1, and hides.",
            "self.weight.data += sign * self.delta(); self.merged = sign > 0.",
        ),
        targets=(f"{R}.LoRALinear.delta", f"{R}.LoRALinear.merge"), probe=probes.lora_merge, keep_docstring=False,
        checks=("LoRA",),
    ),
    Exercise(
        "apply-lora", "learning", "implement", 40, 3,
        task="""Give a model its branches.

model: any Module. Freeze every parameter. Replace each Linear whose path ends with one of targets (whole
names: "c_proj" fits mlp.c_proj, "attn.c_proj" only the one in attn) by LoRALinear(linear, rank, alpha,
dropout, rng), in the order of model.named_modules() and named_children(). A branch trains as its linear
did. rng: None means np.random.default_rng(0). Give adapted(model). check_lora refuses what makes no
sense; you may leave it out.""",
        hints=(
            "First collect all (path, module, name, child), then replace: do not change the tree while you walk through it.",
            'f".{path}.{name}".endswith(f".{target}") compares whole names.',
            "Freeze before you make the branches, or A and B are frozen with the rest. setattr(module, name, branch) replaces a child.",
        ),
        targets=(f"{R}.apply_lora",), probe=probes.apply_lora, checks=("LoRA", "LoRA's branches"),
    ),
    Exercise(
        "mask-prompt", "learning", "implement", 35, 3,
        task="""Requests and answers side by side, with what must not count masked.

items: pairs (ids, n_prompt): ids end with the end token, the first n_prompt are the request. Inputs are
the ids without the last, targets those one place later. Rows are filled up on the right to T, the longest
item less one, at most context_length where that is given: inputs with pad_id, targets with IGNORE_INDEX. With
mask_prompt the targets inside the request are ignored too: the first that counts is the answer's first
token. Both are int64. Positions decide, never ids.""",
        hints=(
            "np.full((rows, T), pad_id, dtype=np.int64) first, then write each row's beginning over it.",
            "Target i is ids[i + 1]. The answer's first token is ids[n_prompt], so it is target n_prompt - 1.",
            "Do not look for pad_id to find the filler: the end token may be the same id, and it must count.",
        ),
        targets=("shared_gpt.text.instructions.collate",), probe=texts.collate,
    ),
    Exercise(
        "last-token", "learning", "implement", 15, 1,
        task="""Which class? Ask the last token, which has seen all others.

model: its head gives one logit for each class at every position, (B, T, K). ids: (B, T), filled up on the
right. last: (B,), the place of each row's last real token. Give its logits, (B, K), without dropout:
`with evaluation(model):` switches it off and afterwards puts the model back as it was.""",
        hints=(
            "Filler stands behind the last real token and cannot be seen from it, so no mask is needed.",
            "logits[:, last] would take all rows at all places: pair each row with its own place.",
            "logits[np.arange(len(ids)), last].",
        ),
        targets=("numpy_gpt.classifier.predict_classes",), probe=probes.predict_classes, checks=("classifier",),
    ),
)  # fmt: skip
