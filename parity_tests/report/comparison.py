"""What the report compares and what it notes: an entry for everything measured, a finding for everything wrong."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import numpy_gpt
import torch_gpt
from numpy_gpt import GPTConfig
from parity_tests.report.diagnose import Parting, first_parting
from parity_tests.report.measure import TOLERANCE, to_numpy, twins, worst_element
from parity_tests.report.trace import Key, Trace

RANK, ALPHA = 3, 1.7  # of the check with LoRA; unlike each other, and unlike the sizes of the usual subject


@dataclass(frozen=True)
class Entry:
    """One comparison: its worst element, both values there, and the relative error as `measure` defines it."""

    section: str  # "modules", "parameters" or "together"
    name: str
    quantity: str  # "value" or "gradient"
    precision: str
    tensor: str  # where a check compares several: the one with the worst element
    index: tuple[int, ...]
    ours: float
    theirs: float
    error: float
    tolerance: float

    @property
    def agrees(self) -> bool:
        return self.error <= self.tolerance


@dataclass(frozen=True)
class Finding:
    """What a check found wrong: values that differ, an exception, or both (the exception came later)."""

    check: str
    precision: str
    parting: Parting | None = None
    error: Exception | None = None
    running: tuple[str, str] | None = None  # the module and direction that raised


@dataclass(frozen=True)
class Subject:
    """What is compared: twins of this config, with weights drawn from the seed, or those of `state`."""

    config: GPTConfig
    seed: int = 0
    batch_size: int = 2
    length: int = 11
    state: Mapping[str, Any] | None = None

    def twins(self, precision: str, config: GPTConfig | None = None) -> tuple[numpy_gpt.GPTModel, torch_gpt.GPTModel]:
        pair = twins(config or self.config, self.seed, precision)
        if self.state is not None:
            for model in pair:
                model.load_state_dict(self.state)
        return pair

    def batches(self, number: int = 1) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(ids, targets): the first quarter of each sequence comes again, and every fifth target is ignored."""
        rng = np.random.default_rng([self.seed, 2])
        for _ in range(number):
            ids, targets = rng.integers(0, self.config.vocab_size, (2, self.batch_size, self.length))
            again = self.length // 4
            ids[:, self.length - again :] = ids[:, :again]
            targets.reshape(-1)[4::5] = -100
            yield ids, targets

    def facts(self) -> dict[str, float]:
        """Numbers that someone may forget to multiply or divide by, by name."""
        c, rows = self.config, self.batch_size * self.length
        targets = next(self.batches())[1]
        n = int((targets != -100).sum())
        p = 1 - self.dropping.drop_rate
        named = {"2": 2, "√D": math.sqrt(c.head_dim), "D": c.head_dim, "√C": math.sqrt(c.emb_dim), "C": c.emb_dim}
        named |= {"B": self.batch_size, "T": self.length, "B T": rows, "H": c.n_heads, "n_layers": c.n_layers}
        named |= {"alpha": ALPHA, "R": RANK, "alpha/R": ALPHA / RANK, "R/alpha": RANK / ALPHA}
        named |= {"V": c.vocab_size, "1 - drop_rate": p, "(1 - drop_rate)²": p * p}
        inverse = {f"1/({name})" if " " in name else f"1/{name}": 1 / x for name, x in named.items()}
        counts = {"n, the number of counted targets": n, "1/n, n counted targets": 1 / n}
        counts["n / (B T): ignored targets are counted"] = n / rows
        return {name: x for name, x in (counts | named | inverse).items() if x != 1}

    @property
    def dropping(self) -> GPTConfig:
        """The config with dropout."""
        return self.config if self.config.drop_rate else self.config.replace(drop_rate=0.1)


class Comparison:
    """One precision's checks, one after the other; an exception in the NumPy twin ends them."""

    def __init__(self, subject: Subject, precision: str):
        self.subject, self.precision = subject, precision
        self.entries: list[Entry] = []
        self.findings: list[Finding] = []
        self.check = ""

    def run(
        self, checks: Mapping[str, Callable[["Comparison"], None]], tell: Callable[[str], None] = lambda _: None
    ) -> "Comparison":
        for self.check, check in checks.items():
            tell(f"{self.precision}: {self.check}")
            try:
                check(self)
            except Exception as error:
                self.findings.append(Finding(self.check, self.precision, error=error))
            if any(finding.error for finding in self.findings):
                break
        return self

    def add(
        self,
        quantity: str,
        ours: Mapping[Key | str, Any],
        theirs: Mapping[Key | str, Any],
        name: str = "",
        section: str = "together",
    ) -> Entry:
        """An entry for the worst element among all of `ours`; keys are names, or those of a trace."""
        key, index, a, b, error = max(
            (furthest(key, ours[key], theirs[key]) for key in ours), key=lambda found: found[-1]
        )
        tensor = key if isinstance(key, str) else key[1]
        tolerance = TOLERANCE[self.precision]
        entry = Entry(
            section, name or self.check, quantity, self.precision, tensor, index, a, b, error, tolerance=tolerance
        )
        self.entries.append(entry)
        return entry

    def part(
        self, module: str, direction: str, value: str, error: float, reason: str = "", alone: bool = False
    ) -> None:
        """Note where the twins part. A check that does not stand alone is silent after an earlier finding, of which this would be
        a consequence."""
        if alone or not self.findings:
            self.findings.append(Finding(self.check, self.precision, Parting(module, direction, value, error, reason)))

    def part_traces(self, ours: Trace, theirs: Trace, explain: Callable[[Key], str] | None = None) -> None:
        """Note where two traces part, and the exception that ended ours; `explain` as in `first_parting`."""
        parting = first_parting(ours, theirs, TOLERANCE[self.precision], self.subject.facts(), explain)
        if ours.error or (parting and not self.findings):
            running = ours.running[-1] if ours.running else None
            self.findings.append(Finding(self.check, self.precision, parting, ours.error, running))


def furthest(name: Any, a: Any, b: Any) -> tuple[Any, tuple[int, ...], float, float, float]:
    """`worst_element`, with an infinite error where the shapes or the types differ."""
    a, b = to_numpy(a), to_numpy(b)
    if a.shape != b.shape or (a.dtype != b.dtype and a.ndim):
        return name, (), math.nan, math.nan, math.inf
    return worst_element(name, a, b)
