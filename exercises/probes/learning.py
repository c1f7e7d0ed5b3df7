"""Trials of the learning exercises: AdamW, clipping, the schedule, the training step, LoRA, the classifier."""

import importlib

import numpy as np

from exercises.probes.forward import whole_model
from exercises.trial import Trial
from numpy_gpt import classifier, layers, lora, optim
from numpy_gpt.module import Parameter
from shared_gpt.training.settings import TrainSettings

train = importlib.import_module("numpy_gpt.train")  # numpy_gpt.train is the function


def adamw(t: Trial) -> None:
    shapes = ((4, 3), (5,))
    params = [Parameter(t.normal(*shape)) for shape in shapes]
    own = optim.AdamW(params, lr=0.05, betas=(0.9, 0.99), eps=1e-3, weight_decay=0.3)
    for step in range(1, 6):
        for p in params:
            p.grad = t.normal(*p.shape)
        if step == 4:
            params[1].grad = None
        own.step()
        for name, p in zip(("a matrix", "a bias"), params):
            t.put("AdamW", f"{name} after step {step}", p.data)


def clip_grad_norm(t: Trial) -> None:
    for limit in (0.5, 100.0):
        params = [Parameter(t.normal(3, 4)), Parameter(t.normal(5)), Parameter(t.normal(2))]
        for p in params[:2]:
            p.grad = 3 * t.normal(*p.shape)
        t.put("clip_grad_norm", f"the norm it returns, limit {limit:g}", float(optim.clip_grad_norm(params, limit)))
        for name, p in zip(("first", "second"), params):
            t.put("clip_grad_norm", f"the {name} gradient, limit {limit:g}", p.grad)


def learning_rate(t: Trial) -> None:
    for settings in (
        TrainSettings(steps=20, warmup=5, lr=0.1, final_lr=0.1),
        TrainSettings(steps=10, warmup=0, lr=2.0, final_lr=0.0),
        TrainSettings(steps=int(t.rng.integers(30, 60)), warmup=int(t.rng.integers(3, 9)), lr=1.0, final_lr=0.5),
    ):
        rates = np.array([settings.learning_rate(step) for step in range(settings.steps + 2)])
        when = f"{settings.steps} steps, {settings.warmup} of warm-up, lr {settings.lr:g} down to a share of {settings.final_lr:g}"
        t.put("TrainSettings.learning_rate", f"the rates: {when}", rates)


def train_step(t: Trial) -> None:
    own = whole_model(t)
    own.train()
    adam = optim.AdamW(own.parameters(), lr=0.01)
    batches = []
    for _ in range(2):
        ids, targets = t.rng.integers(0, own.config.vocab_size, (2, 2, 5))
        batches.append((ids, targets))
    batches[0][1][0] = -100
    for number in (1, 2):
        for p in own.parameters():  # what a step before this one left
            p.grad = np.ones_like(p.data)
        loss, norm = train.train_step(own, adam, batches[:number], 0.5)
        what = f"with {number} micro-batch{'es' if number > 1 else ''}"
        t.put("train_step", f"the loss {what}", float(loss))
        t.put("train_step", f"the norm {what}", float(norm))
        for name, p in own.named_parameters():
            t.put("train_step", f"{name} after a step {what}", p.data)


def branch(t: Trial, dropout: float = 0.0) -> lora.LoRALinear:
    n_in, n_out, rank, alpha = t.size("in", 4, 5), t.size("out", 6, 7), 3, 1.7
    t.sizes |= {"alpha": alpha, "R": rank, "alpha/R": alpha / rank, "R/alpha": rank / alpha}
    base = layers.Linear(n_in, n_out, dtype=t.dtype)
    layer = lora.LoRALinear(base, rank, alpha, dropout, np.random.default_rng(3))
    for parameter in (base.weight, base.bias):
        parameter.requires_grad = False
    return t.randomized(layer)


def lora_forward(t: Trial) -> None:
    layer = branch(t)
    x = t.normal(2, 3, layer.weight.shape[1])
    t.forward("LoRALinear.forward", layer, x)
    dropping = branch(t, 0.25)
    x = t.normal(5, dropping.weight.shape[1])
    t.call("LoRALinear.forward", dropping, x, gives=("its output with dropout on the branch",))
    layer.merge(+1)
    x = t.normal(5, layer.weight.shape[1])
    t.call("LoRALinear.forward", layer, x, gives=("its output once merged",))


def lora_backward(t: Trial) -> None:
    layer = branch(t)
    x = t.normal(2, 3, layer.weight.shape[1])
    dy = t.normal(*layer(x).shape)
    t.call("LoRALinear.backward", layer.backward, dy, gives=("dx",))
    t.slopes("LoRALinear.backward", "dx", layer, x, dy)
    for name in ("lora_A", "lora_B"):
        parameter = getattr(layer, name)
        t.put("LoRALinear.backward", f"{name}'s gradient", parameter.grad)
        kept = parameter.data

        def output(at, parameter=parameter):
            parameter.data = at
            return layer(x)

        t.slopes("LoRALinear.backward", f"{name}'s gradient", output, kept, dy)
        parameter.data = kept
    t.put("LoRALinear.backward", "whether the frozen weight got a gradient", "no" if layer.weight.grad is None else "yes")
    dropping = branch(t, 0.25)
    x = t.normal(5, dropping.weight.shape[1])
    dy = t.normal(*dropping(x).shape)
    t.call("LoRALinear.backward", dropping.backward, dy, gives=("dx with dropout on the branch",))
    t.put("LoRALinear.backward", "lora_A's gradient with dropout on the branch", dropping.lora_A.grad)
    layer = branch(t)
    layer.merge(+1)
    dy = t.normal(*layer(x := t.normal(5, layer.weight.shape[1])).shape)
    t.call("LoRALinear.backward", layer.backward, dy, gives=("dx once merged",))


def lora_merge(t: Trial) -> None:
    layer = branch(t)
    t.call("LoRALinear.delta", layer.delta, gives=("ΔW",))
    x = t.normal(4, layer.weight.shape[1])
    layer.merge(+1)
    t.put("LoRALinear.merge", "the weight once merged", layer.weight.data)
    t.put("LoRALinear.merge", "the output once merged", layer(x))
    layer.merge(-1)
    t.put("LoRALinear.merge", "the weight once taken out again", layer.weight.data)
    t.put("LoRALinear.merge", "the output once taken out again", layer(x))


def apply_lora(t: Trial) -> None:
    own = whole_model(t)
    found = lora.apply_lora(own, 2, 1.7, ("attn.c_proj", "c_fc"), rng=np.random.default_rng(int(t.rng.integers(2**31))))
    t.put("apply_lora", "the layers it adapts", list(found))
    t.put("apply_lora", "what learns", [name for name, p in own.named_parameters() if p.requires_grad])


def predict_classes(t: Trial) -> None:
    own = whole_model(t)
    classifier.add_class_head(own, 3, np.random.default_rng(5))
    own.train()
    ids = t.rng.integers(0, own.config.vocab_size, (3, 6))
    last = np.array([5, 2, 0])
    t.call("predict_classes", classifier.predict_classes, own, ids, last, gives=("the logits",))
    t.put("predict_classes", "whether the model trains on afterwards", "yes" if own.training else "no")
