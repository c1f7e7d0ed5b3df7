"""Checks of the loss: its targets."""

from typing import Any

from shared_gpt.checks.tokens import check_integers, check_is_array, check_range


def check_targets(logits: Any, targets: Any, ignore_index: int, Array: type) -> None:
    """Refuse targets that do not give a token, or the ignored index, for every position of the logits (..., V)."""
    for what, x in (("logits", logits), ("targets", targets)):
        check_is_array(what, x, Array)
    if tuple(targets.shape) != tuple(logits.shape[:-1]):
        raise ValueError(
            f"targets have shape {tuple(targets.shape)} but the logits {tuple(logits.shape)} ask for "
            f"{tuple(logits.shape[:-1])}; give one target id per position."
        )
    check_integers("targets", targets)
    # A flat list of none is what is left of a batch in which no target counts.
    if 0 in targets.shape and len(targets.shape) > 1:
        raise ValueError(
            f"targets have shape {tuple(targets.shape)}, which holds no token; give at least one position."
        )
    counted = targets[targets != ignore_index]
    if len(counted):
        what = f"targets (but for the ignored {ignore_index})"
        check_range(what, int(counted.min()), int(counted.max()), logits.shape[-1])
