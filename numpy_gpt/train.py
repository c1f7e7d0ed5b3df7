"""The training loop: predict, compare, go back, step."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from numpy_gpt.lora import adapted
from numpy_gpt.loss import CrossEntropy
from numpy_gpt.model import GPTModel
from numpy_gpt.module import evaluation, no_grad
from numpy_gpt.optim import AdamW, clip_grad_norm
from numpy_gpt.shapes import Array, Int
from shared_gpt.checks.train import (
    check_accumulate,
    check_batches,
    check_evaluated,
    check_step,
    check_training,
)
from shared_gpt.training.processes import ALONE, Processes

# Inputs and targets, of one shape; another batch may have another.
Batch = tuple[Int[Array, "..."], Int[Array, "..."]]


class Progress(NamedTuple):
    """What one step did: the loss before it, the gradient's length before clipping, the
    learning rate."""

    step: int
    loss: float
    grad_norm: float
    lr: float


def train(
    model: GPTModel,
    optimizer: AdamW,
    batches: Iterator[Batch],
    steps: int,
    learning_rate: Callable[[int], float],
    accumulate: int = 1,
    max_norm: float = 1.0,
    first_step: int = 0,
    processes: Processes = ALONE,
) -> Iterator[Progress]:
    """Train, and report after each step: `for progress in train(…): print(progress)`.

    Each step takes `accumulate` batches and the learning rate that belongs to it. The caller
    may evaluate, sample, save or stop between two steps.
    """
    check_accumulate(accumulate)
    for step in range(first_step, steps):
        model.train()
        optimizer.lr = learning_rate(step)
        micro_batches = list(islice(batches, accumulate))
        check_batches(micro_batches, accumulate, step)
        loss, grad_norm = train_step(model, optimizer, micro_batches, max_norm, processes)
        yield Progress(step + 1, loss, grad_norm, optimizer.lr)


def train_step(
    model: GPTModel,
    optimizer: AdamW,
    micro_batches: list[Batch],
    max_norm: float = 1.0,
    processes: Processes = ALONE,
) -> tuple[float, float]:
    """One update from all micro-batches of all processes, as if they were one batch.

    Returns the loss and the gradient's length. The loss of the large batch is a mean over its
    counted targets, so each micro-batch weighs as many of them as it holds. Raises
    FloatingPointError, and leaves the weights as they are, when the loss or a gradient is not
    finite.
    """
    parameters = dict(model.named_parameters())
    merged = sum(layer.merged for layer in adapted(model).values())
    check_training(micro_batches, parameters, optimizer.params, merged)
    criterion = CrossEntropy()
    counts = [int((targets != criterion.ignore_index).sum()) for _, targets in micro_batches]
    total = max(processes.sum(sum(counts)), 1)
    replica = processes.replica(model, len(micro_batches))
    optimizer.zero_grad()
    loss = 0.0
    for (inputs, targets), count in zip(micro_batches, counts):
        counted = targets != criterion.ignore_index
        # The logits get no name: so they are freed as soon as their gradient is there.
        micro_loss = criterion(replica(inputs, where=counted), targets[counted])
        model.backward(criterion.backward(count / total))
        loss += micro_loss.item() * count / total
    processes.sum_gradients(model)
    loss = processes.sum(loss)
    grad_norm = clip_grad_norm(parameters.values(), max_norm)
    check_step(loss, grad_norm, {name: p.grad for name, p in parameters.items()})
    optimizer.step()
    return loss, grad_norm


@no_grad()
def evaluate(model: GPTModel, batches: Iterable[Batch]) -> float:
    """The mean loss over all counted targets, without dropout."""
    criterion = CrossEntropy()
    loss, total = 0.0, 0
    with evaluation(model):
        for inputs, targets in batches:
            counted = targets != criterion.ignore_index
            count = int(counted.sum())
            loss += criterion(model(inputs, where=counted), targets[counted]).item() * count
            total += count
    check_evaluated(total)
    return loss / total
