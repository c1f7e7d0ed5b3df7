"""What a student's own pieces can do together, once a part of the path is whole."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exercises.path import EXERCISES

if TYPE_CHECKING:
    from exercises.folder import StudentFolder


@dataclass(frozen=True)
class Milestone:
    """A command that becomes worth running when all of `needs` are passed."""

    needs: frozenset[str]
    said: str
    command: str


def _written(*parts: str, only: str = "", without: str = "") -> frozenset[str]:
    chosen = [e for e in EXERCISES if e.part in parts and e.kind == "implement"]
    return frozenset(
        e.name for e in chosen if (not only or e.name.startswith(only)) and not (without and e.name.startswith(without))
    )


LORA = frozenset({"lora-forward", "lora-backward", "lora-merge", "apply-lora", "mask-prompt"})
NOT_TRAINING = LORA | {"last-token"}
MILESTONES = (
    Milestone(
        _written("forward"),
        "Your GPT is whole, forward: it says what GPT says, word for word.",
        "gpt-exercise generate",
    ),
    Milestone(
        _written("forward", "backward") | (_written("learning") - NOT_TRAINING),
        "Your GPT can learn: see it learn the stories, its loss beside the reference's.",
        "gpt-exercise train",
    ),
    Milestone(LORA, "Your LoRA is whole: teach a model to answer, and talk to it.", "gpt-exercise chat"),
)


def reached(milestone: Milestone, student: "StudentFolder") -> bool:
    """Whether everything that it needs is passed."""
    return milestone.needs <= {exercise.name for exercise in student.passed()}
