"""Trials of the learning exercises: AdamW, clipping, the schedule, the training step."""

import importlib

import numpy as np

from exercises.probes.writing import whole_model
from exercises.trial import Trial
from numpy_gpt import optim
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
        left = np.sqrt(sum((p.grad**2).sum(dtype=np.float64) for p in params[:2]))
        t.law("clip_grad_norm", "no norm above the limit", max(left, limit), limit)


def learning_rate(t: Trial) -> None:
    for settings in (
        TrainSettings(steps=20, warmup=5, lr=0.1, final_lr=0.1),
        TrainSettings(steps=10, warmup=0, lr=2.0, final_lr=0.0),
        TrainSettings(steps=int(t.rng.integers(30, 60)), warmup=int(t.rng.integers(3, 9)), lr=1.0, final_lr=0.5),
    ):
        rates = np.array([settings.learning_rate(step) for step in range(settings.steps + 2)])
        when = (
            f"{settings.steps} steps, {settings.warmup} of warm-up, lr {settings.lr:g}, final_lr {settings.final_lr:g}"
        )
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
