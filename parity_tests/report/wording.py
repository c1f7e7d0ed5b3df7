"""A finding in words: where the twins part, in whose code, and why."""

from collections.abc import Sequence
from pathlib import Path

from parity_tests.report.comparison import Finding
from parity_tests.report.replace import where_raised

# The class and file behind the last name of a module's path.
CLASSES = {"": "GPTModel in model.py", "attn": "MultiHeadAttention in attention.py", "loss": "CrossEntropy in loss.py"}
CLASSES |= {"mlp": "FeedForward in block.py", "gelu": "GELU in layers.py"}
CLASSES |= dict.fromkeys(("wte", "wpe"), "Embedding in layers.py")
CLASSES |= dict.fromkeys(("c_attn", "c_fc", "c_proj", "lm_head"), "Linear in layers.py")
CLASSES |= dict.fromkeys(("ln_1", "ln_2", "ln_f"), "LayerNorm in layers.py")
CLASSES |= dict.fromkeys(("drop", "dropout", "attn_dropout", "resid_dropout"), "Dropout in layers.py")
FUNCTIONS = {"AdamW": "optim.py", "clip_grad_norm": "optim.py", "merge_lora": "lora.py"}


def describe(finding: Finding, files: Sequence[Path] = ()) -> str:
    """One line: where the twins part, and why if the kind of mistake is known. Below it the exception, if one was raised; the
    student's files are called `your ...`."""
    raised = where_raised(finding.error, files) if finding.error else ""
    if finding.parting is None:
        return f"{_place(finding, *finding.running)}: {raised}" if finding.running else f"{_check(finding)}{raised}"
    p = finding.parting
    line = f"{_place(finding, p.module, p.direction)}: {p.value} is the first to differ"
    line += f", by {p.error:.1e} in {finding.precision}" if p.error < float("inf") else f", in {finding.precision}"
    line += f"; likely {p.reason}." if p.reason else "."
    return f"{line}\nLater it raised, in {raised}" if raised else line


def _place(finding: Finding, module: str, direction: str) -> str:
    """The check, the module and its direction, and the class whose code that is."""
    if module in FUNCTIONS:
        return f"{module} ({FUNCTIONS[module]})"
    last = module.rpartition(".")[2]
    room = "TransformerBlock in block.py" if last.isdigit() else CLASSES.get(last, "your own")
    if finding.check == "LoRA" and last in ("c_attn", "c_fc", "c_proj"):
        room = "LoRALinear in lora.py"
    return f"{_check(finding)}{module or 'the model'}, {direction} ({room})"


def _check(finding: Finding) -> str:
    return "" if finding.check == "one pass" else f"With {finding.check}: "
