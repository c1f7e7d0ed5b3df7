"""Part 4, learning: from gradients to better weights."""

from exercises.exercise import Exercise, Question
from exercises.probes import learning as probes
from shared_gpt.training.settings import TrainSettings

O = "numpy_gpt.optim"
RATES = TrainSettings(steps=101, warmup=10, lr=0.1)

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
            Question(f"at_{step}", f"At step {step}:", lambda step=step: RATES.learning_rate(step),
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
)  # fmt: skip
