"""The report's checks: each compares one thing that both twins do.

They run in an order in which each needs only what those before it have shown to agree, so the first that fails tells most.
"""

from collections.abc import Callable

from parity_tests.report.checks.passes import dropout_on, one_pass, two_passes, with_cache, with_lora, with_padding
from parity_tests.report.checks.training import STEPS, clipping, loss_curve, optimizer
from parity_tests.report.comparison import Comparison

CHECKS: dict[str, Callable[[Comparison], None]] = {
    "one pass": one_pass,
    "dropout on": dropout_on,
    "two passes wait": two_passes,
    "pieces through the cache": with_cache,
    "left padding": with_padding,
    "LoRA": with_lora,
    "clip_grad_norm": clipping,
    f"AdamW, {STEPS} steps": optimizer,
    f"loss curve, {STEPS} steps": loss_curve,
}
