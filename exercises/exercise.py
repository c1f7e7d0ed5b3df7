"""An exercise: what is asked, where in the reference its answer stands, and what is run to judge it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

PARTS = {
    "text": "Text",
    "forward": "Forward",
    "backward": "Backward, by hand",
    "learning": "Learning",
    "weights": "Weights",
}


@dataclass(frozen=True)
class Question:
    """One answer to work out: a name to assign to, what is asked, and how the reference works the answer out."""

    name: str
    asked: str
    answer: Callable[[], Any]
    reason: str  # said when the answer is wrong: a way to it, not the answer


@dataclass(frozen=True)
class Exercise:
    """One step of the path.

    targets: the functions and methods to write, by their dotted names. withheld: helpers of the reference that are half of the
    answer, and therefore not to be had. shown: functions whose source the file quotes above the gap. probe: what is run in both
    programs, and compared; checks: checks of the report that run the whole model. mistake: the planted mistake, by name, of an
    exercise that has one to find or to foresee. keep_docstring: whether the first paragraph of the reference's docstring stays;
    where it states the formula that is to be derived, it goes.
    """

    name: str
    part: str
    kind: Literal["implement", "derive", "find", "predict"]
    minutes: int
    difficulty: int  # 1 to 3
    task: str
    hints: tuple[str, str, str]
    targets: tuple[str, ...] = ()
    probe: Callable[..., None] | None = None
    checks: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    keep_docstring: bool = True
    mistake: str = ""
    questions: tuple[Question, ...] = ()

    @property
    def room(self) -> str:
        """The file of the reference in which the first target stands."""
        return self.targets[0].rpartition(".")[0] if self.targets else ""
