"""The report: are the twins one model? Every module, every parameter, the optimizer and a stretch of training on one page."""

import dataclasses
import importlib
import importlib.util
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Annotated, Literal

import tyro

from numpy_gpt import GPTConfig
from parity_tests.report.checks import CHECKS
from parity_tests.report.comparison import Comparison, Finding
from parity_tests.report.evidence import Evidence
from parity_tests.report.student_process import Handed, run_student
from parity_tests.report.subject import Subject
from parity_tests.report.wording import describe

SECONDS, LONG = 30.0, 600.0  # for a check of a student's code: on small sizes, and on others

# All sizes differ, and the head size, 6, from them: no confused pair of axes fits by luck.
SMALL = {"vocab_size": 61, "context_length": 13, "emb_dim": 30, "n_heads": 5, "n_layers": 2}
KEYS = ("vocab_size", "context_length", "emb_dim", "n_heads", "n_layers", "drop_rate", "qkv_bias", "tie_embeddings")


@dataclass(frozen=True)
class Report:
    """Compare the NumPy GPT with its PyTorch twin: every module's value and gradient, the optimizer, a stretch of training.

    The exit status is 0 if they agree, 1 if they do not, 2 if the request cannot be met.
    """

    preset: str | None = None
    """Sizes by name: classroom, gpt2-small (minutes, and 10 GB in float64), ...; else a very small model"""
    checkpoint: Path | None = None
    """compare with the sizes and weights of this file or folder, not with random weights"""
    replace: Annotated[tuple[str, ...], tyro.conf.arg(metavar="ROOM.NAME=FILE ...")] = ()
    """put your own class, function or method in numpy_gpt's place: attention.MultiHeadAttention=mine.py"""

    vocab_size: int | None = None
    """V, tokens that exist"""
    context_length: int | None = None
    """the longest sequence"""
    emb_dim: int | None = None
    """C, width of every position's vector"""
    n_heads: int | None = None
    """H, attention heads, each C / H wide"""
    n_layers: int | None = None
    """transformer blocks"""
    drop_rate: float | None = None
    """share of values dropped, in the checks with dropout"""
    qkv_bias: bool | None = None
    """whether queries, keys and values have a bias"""
    tie_embeddings: bool | None = None
    """whether the head is the token embedding"""

    tensorflow: bool = False
    """a third opinion: compare with the Keras model too, in float64, or in float32 where that alone is asked for"""

    seed: int = 0
    """draws weights and batches"""
    seeds: int = 1
    """compare this many models, from --seed on, and show the worst of each comparison"""
    batch_size: int = 2
    """B, sequences in a batch"""
    length: int | None = None
    """T, tokens in a sequence; else 11, or the context length where that is less"""
    seconds: float | None = None
    """how long each check may run your code; else 30, and 600 with a preset or a checkpoint"""
    brief: bool = False
    """print what differs and the verdict, without the table of what agrees"""
    precision: Literal["both", "float64", "float32"] = "both"
    """float64 is the proof, float32 the practice"""
    out: Path = Path("parity_report")
    """folder for the picture parity.png and all numbers, parity.json"""

    def run(self) -> int:
        """Compare, save the numbers and the picture, print; return the exit status."""
        from parity_tests.report.picture import draw
        from parity_tests.report.table import save_numbers, show

        began = time.perf_counter()
        subject = self.subject()
        results, handed = [], None
        for seed in range(self.seed, self.seed + self.seeds):
            seeded = dataclasses.replace(subject, seed=seed)
            handed = self.student(seeded) if self.replace else None
            import torch_gpt  # noqa: F401  # where PyTorch is missing, it says what to install

            results += self.compare(seeded, handed.evidence if handed else None)
            if any(result.findings for result in results):
                break
        findings: dict = {}
        for finding in (finding for result in results for finding in result.findings):
            findings.setdefault(_kind(finding), finding)
        lines = [describe(finding) for finding in findings.values()]
        entries = [entry for result in results for entry in result.entries]
        agree = not lines and all(entry.agrees for entry in entries)
        if agree and handed:
            _refuse_uncalled(self.replace, handed.calls)
        self.out.mkdir(parents=True, exist_ok=True)
        save_numbers(self.out / "parity.json", subject, self.seeds, entries, lines)
        draw(self.out / "parity.png", subject, entries, lines)
        show(
            subject,
            entries,
            lines,
            time.perf_counter() - began,
            self.out,
            self.brief,
            handed.printed if handed else "",
            self.seeds,
        )
        return 0 if agree else 1

    def student(self, subject: Subject) -> Handed:
        """Run the replacements, in a process of their own."""
        from rich.console import Console

        limit = self.seconds or (SECONDS if self.preset is None and self.checkpoint is None else LONG)
        # PyTorch takes seconds to load, which it does while the other process computes. If it is missing, `run` says so.
        Thread(
            target=lambda: importlib.util.find_spec("torch") and importlib.import_module("torch"), daemon=True
        ).start()
        with Console(stderr=True).status("Running your code ..."):
            return run_student(self.replace, subject, self.checks(), limit)

    def precisions(self) -> tuple[str, ...]:
        return ("float64", "float32") if self.precision == "both" else (self.precision,)

    def checks(self) -> list[tuple[str, str]]:
        """(precision, check), in the order of running."""
        first = self.precisions()[0]
        return [(p, name) for p in self.precisions() for name, check in CHECKS.items() if p == first or not check.once]

    def subject(self) -> Subject:
        """What the options ask to compare. Options that do not fit are refused here, before any work."""
        keys = {name: getattr(self, name) for name in KEYS if getattr(self, name) is not None}
        state = None
        if self.checkpoint is None:
            config = GPTConfig.preset(self.preset, **keys) if self.preset else GPTConfig(**(SMALL | keys))
        else:
            if self.preset or set(keys) - {"drop_rate"}:
                raise ValueError(f"{self.checkpoint} brings its own sizes; leave --preset and the sizes out.")
            from numpy_gpt.weights import load_gpt2

            model = load_gpt2(self.checkpoint)
            config, state = model.config.replace(**keys), model.state_dict()
        length = min(11, config.context_length) if self.length is None else self.length
        if config.emb_dim < 3:
            raise ValueError(
                f"emb_dim is {config.emb_dim}; LayerNorm makes the same vector of any one or two numbers, so that their "
                "gradients are rounding alone; give at least 3."
            )
        if self.seeds < 1:
            raise ValueError(f"--seeds is {self.seeds}; give at least 1.")
        if self.batch_size < 1:
            raise ValueError(f"--batch-size is {self.batch_size}; give at least 1.")
        if not 1 <= length <= config.context_length:
            raise ValueError(f"--length is {length}; give 1 to the context_length of {config.context_length}.")
        return Subject(config, self.seed, self.batch_size, length, state)

    def compare(self, subject: Subject, handed: Mapping[str, Mapping[str, Evidence]] | None = None) -> list[Comparison]:
        """One comparison for each precision; a terminal shows which check is running."""
        from rich.console import Console

        third = {}
        if self.tensorflow:
            import tensorflow_gpt  # noqa: F401  # first: it silences TensorFlow, or says what to install
            from parity_tests.report import third_opinion

            third = {self.precisions()[0]: third_opinion.compare}
        results = []
        with Console(stderr=True).status("Comparing the twins ...") as status, _quiet(subject):
            for precision in self.precisions():
                comparison = Comparison(
                    subject, precision, None if handed is None else handed[precision], third.get(precision)
                )
                names = [name for p, name in self.checks() if p == precision]
                results.append(comparison.run({name: CHECKS[name] for name in names}, status.update))
        return results


def _refuse_uncalled(specs: Sequence[str], calls: Mapping[str, int]) -> None:
    """Nothing can be said about a replacement that no check has called."""
    for target in (spec.partition("=")[0] for spec in specs):
        if not calls.get(target):
            raise ValueError(
                f"No check of the report called your {target}, so nothing is known about it; replace what a model, training, "
                "sampling or generation calls."
            )


def first_finding(subject: Subject) -> Finding | None:
    """What the report would say first; no check runs after the one that finds it."""
    with _quiet(subject):
        for precision in ("float64", "float32"):
            comparison = Comparison(subject, precision)
            for name, check in CHECKS.items():
                if comparison.run({name: check}).findings:
                    return comparison.findings[0]
    return None


@contextmanager
def _quiet(subject: Subject) -> Iterator[None]:
    """Without NumPy's warnings: what they are about, the report says better. Small models run in one thread, since several
    would only wait for one another."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1 if subject.config.emb_dim < 256 else threads)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    torch.set_num_threads(threads)


def _kind(finding: Finding) -> tuple:
    """What the findings of one mistake have in common, in either precision, so that it is reported once."""
    if finding.parting is None:
        return finding.running, type(finding.error)
    return finding.parting.module, finding.parting.direction, finding.parting.reason, type(finding.error)
