"""The report's checks: each compares one thing that both twins do.

They run in an order in which each needs only what those before it have shown to agree, so the first that fails tells most.
"""

from parity_tests.report.checks import beside, passes, rooms, text, training, usage
from parity_tests.report.checks.text_judge import text_check
from parity_tests.report.checks.training import STEPS
from parity_tests.report.evidence import Check

CHECKS: dict[str, Check] = {
    "one pass": Check(passes.one_pass, passes.compare_one_pass),
    "dropout on": Check(passes.dropout_on, passes.compare_dropout_on),
    "two passes wait": Check(passes.two_passes, passes.compare_two_passes),
    "pieces through the cache": Check(passes.with_cache, passes.compare_with_cache),
    "left padding": Check(passes.with_padding, passes.compare_with_padding),
    "LoRA": Check(passes.with_lora, passes.compare_with_lora),
    "clip_grad_norm": Check(training.clipping, training.compare_clipping),
    f"AdamW, {STEPS} steps": Check(training.optimizer, training.compare_optimizer),
    f"loss curve, {STEPS} steps": Check(training.loss_curve, training.compare_loss_curve),
    "central differences": Check(training.slopes, training.compare_slopes, once=True),
    "formulas far from 0": rooms.results(rooms.functions, once=False),
    "initial weights": rooms.results(rooms.initial_weights),
    "sampling": rooms.results(usage.sampling),
    "generation": rooms.results(usage.generation),
    "prompt look-up": rooms.results(usage.lookup),
    "perplexity": rooms.results(usage.perplexity),
    "training loop": rooms.results(usage.training),
    "classifier": rooms.results(usage.classifier),
    "LoRA's branches": rooms.results(usage.branches),
    "saved and loaded": rooms.results(usage.files),
    "chunks": rooms.results(beside.chunks, once=False),
    "processes": rooms.results(beside.processes),
    "words and ids": text_check(text.words),
    "byte pairs": text_check(text.byte_pairs),
    "windows and batches": text_check(text.data),
}
