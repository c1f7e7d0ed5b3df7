"""Checks of training: a step before it begins, and its loss and gradients before they change the weights."""

from collections.abc import Mapping, Sequence
from math import inf, isfinite
from typing import Any

from shared_gpt.checks.numbers import is_whole


def check_accumulate(accumulate: Any) -> None:
    if not is_whole(accumulate, 1):
        raise ValueError(f"accumulate is {accumulate!r}; give a whole number of batches for each step, at least 1.")


def check_batches(batches: Sequence[Any], accumulate: int, step: int) -> None:
    """Refuse a step that the iterator has too few batches for."""
    if len(batches) < accumulate:
        raise ValueError(
            f"The batches ended: step {step + 1} wants {accumulate} and got {len(batches)}. Give an iterator that goes on, such "
            "as Batches(…).endless(), or fewer steps."
        )


def check_training(micro_batches: Any, parameters: Mapping[str, Any], trained: Sequence[Any], merged: int) -> None:
    """Refuse a step without a batch, or with an optimizer that holds nothing of the model that could learn.

    parameters: the model's, by name; trained: the optimizer's; merged: how many LoRA layers are, whose branches learn nothing.
    """
    if not isinstance(micro_batches, Sequence) or not micro_batches:
        what = "are empty" if isinstance(micro_batches, Sequence) else f"are a {type(micro_batches).__name__}"
        raise ValueError(f"The micro-batches {what}; give a list of at least one (inputs, targets).")
    if merged:
        raise ValueError(
            f"{merged} LoRA layers are merged, so their branches would learn nothing; call unmerge_lora first."
        )
    own = {id(parameter) for parameter in parameters.values()}
    if strange := sum(id(parameter) not in own for parameter in trained):
        raise ValueError(
            f"{strange} of the optimizer's {len(trained)} parameters are not this model's; make one of its own: "
            "AdamW(model.parameters())."
        )
    if not any(parameter.requires_grad for parameter in trained):
        raise ValueError(
            "All that the optimizer holds is frozen by now; make it after apply_lora or after what froze the model: "
            "AdamW(model.parameters())."
        )


def check_step(loss: float, grad_norm: float, grads: Mapping[str, Any]) -> None:
    """Refuse a training step whose loss or gradient is not finite, before it spoils the weights."""
    if isfinite(loss) and isfinite(grad_norm):
        return
    sizes = {name: float(abs(grad).max()) for name, grad in grads.items() if grad is not None}
    largest = max(sizes, key=lambda name: sizes[name] if isfinite(sizes[name]) else inf, default=None)
    where = f"; the largest gradient is that of {largest} ({sizes[largest]:.3g})" if largest else ""
    raise FloatingPointError(
        f"The loss is {loss} and the gradient's length {grad_norm}{where}. The weights were not changed."
    )


def check_evaluated(targets: int) -> None:
    """Refuse a mean over nothing, which would look like a loss of 0."""
    if not targets:
        raise ValueError("There is no target to evaluate on: no batch, or every target ignored; give at least one.")
