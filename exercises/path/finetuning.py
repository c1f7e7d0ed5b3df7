"""Part 4, learning: a trained model learns another task."""

from exercises.exercise import Exercise, Question
from exercises.probes import finetuning as probes
from exercises.probes import text as texts
from numpy_gpt import GPTConfig, GPTModel, apply_lora

R = "numpy_gpt.lora"
SMALL = GPTConfig(vocab_size=50, context_length=16, emb_dim=12, n_heads=3, n_layers=2)


def _adapted() -> int:
    model = GPTModel(SMALL)
    apply_lora(model, rank=4, alpha=8, targets=("attn.c_attn",))
    return sum(p.data.size for p in model.parameters() if p.requires_grad)


EXERCISES = (
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
            "Freeze before you make the branches, or A and B are frozen with the rest. "
            "setattr(module, name, branch) replaces a child.",
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
        checks=("windows and batches",),
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
