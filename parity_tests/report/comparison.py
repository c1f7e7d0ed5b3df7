"""What the report compares and what it notes: an entry for everything measured, a finding for everything wrong."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from parity_tests.report.diagnose import Parting, first_parting
from parity_tests.report.evidence import Check, Evidence, Raised, gather
from parity_tests.report.measure import TOLERANCE, to_numpy, worst_element
from parity_tests.report.subject import Subject
from parity_tests.report.trace import Key, Trace

TORCH, KERAS = "torch_gpt", "tensorflow_gpt"


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
    twin: str = TORCH  # what the NumPy twin is compared with

    @property
    def agrees(self) -> bool:
        return self.error <= self.tolerance


@dataclass(frozen=True)
class Finding:
    """What a check found wrong: values that differ, an exception, or both (the exception came later)."""

    check: str
    precision: str
    parting: Parting | None = None
    error: Raised | None = None
    running: tuple[str, str] | None = None  # the module and direction that raised


class Comparison:
    """One precision's checks, one after the other; an exception in the NumPy twin ends them."""

    def __init__(
        self,
        subject: Subject,
        precision: str,
        handed: Mapping[str, Evidence] | None = None,
        third: Callable[["Comparison", Sequence[Trace]], None] | None = None,
    ):
        """`handed` holds what another process computed with the NumPy twin, by check; None: it is computed here. `third` adds
        what a third program says to a check's traces."""
        self.subject, self.precision, self.handed, self.third = subject, precision, handed, third
        self.entries: list[Entry] = []
        self.findings: list[Finding] = []
        self.check = ""

    def run(self, checks: Mapping[str, Check], tell: Callable[[str], None] = lambda _: None) -> "Comparison":
        for self.check, check in checks.items():
            tell(f"{self.precision}: {self.check}")
            evidence = self._evidence(check)
            if evidence is None:
                break
            before = len(self.findings)
            try:
                check.compare(self, evidence.traces)
                if self.third:
                    self.third(self, evidence.traces)
            except Exception as error:
                if self.handed is None:
                    raise
                if not evidence.error:  # what a student's code computed is not of the form that the check expects
                    evidence.error = Raised(type(error).__name__, f"its results cannot be compared: {error}")
            if evidence.error and len(self.findings) == before:
                self.findings.append(
                    Finding(self.check, self.precision, error=evidence.error, running=evidence.running)
                )
            if any(finding.error for finding in self.findings):
                break
        return self

    def _evidence(self, check: Check) -> Evidence | None:
        if self.handed is None:
            return gather(check, self.subject, self.precision)
        return self.handed.get(self.check)

    def add(
        self,
        quantity: str,
        ours: Mapping[Key | str, Any],
        theirs: Mapping[Key | str, Any],
        name: str = "",
        section: str = "together",
        twin: str = TORCH,
        tolerance: float | None = None,
    ) -> Entry:
        """An entry for the worst element among all of `ours`; keys are names, or those of a trace."""
        key, index, a, b, error = max(
            (furthest(key, ours[key], theirs[key]) for key in ours), key=lambda found: found[-1]
        )
        tensor = key if isinstance(key, str) else key[1]
        tolerance = TOLERANCE[self.precision] if tolerance is None else tolerance
        entry = Entry(
            section, name or self.check, quantity, self.precision, tensor, index, a, b, error, tolerance, twin
        )
        self.entries.append(entry)
        return entry

    def part(
        self,
        module: str,
        direction: str,
        value: str,
        error: float,
        reason: str = "",
        alone: bool = False,
        shown: str = "",
    ) -> None:
        """Note where the twins part. A check that does not stand alone is silent after an earlier finding, of which this would be
        a consequence."""
        if alone or not self.findings:
            self.findings.append(
                Finding(self.check, self.precision, Parting(module, direction, value, error, reason, shown))
            )

    def require(self, ours: Trace, keys: Sequence[Key]) -> None:
        """Note the first of the keys that a trace lacks, though no exception ended it."""
        lacking = next((key for key in keys if key not in ours), None)
        if lacking and not ours.error:
            self.part(
                lacking[1], "forward" if lacking[0] == "output" else "backward", "what it never computed", math.inf
            )

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
