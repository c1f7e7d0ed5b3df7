"""Every command by the name that is typed. Each is a dataclass: its fields are the options, `run()` does the work."""

from exercises.commands.check import Check
from exercises.commands.grade import Grade
from exercises.commands.help import Hint, Solution
from exercises.commands.pieces import Chat, Generate, Train
from exercises.commands.show_path import ShowPath
from exercises.commands.start import Start

ALL: dict[str, type] = {
    "list": ShowPath,
    "start": Start,
    "check": Check,
    "hint": Hint,
    "solution": Solution,
    "grade": Grade,
    "train": Train,
    "generate": Generate,
    "chat": Chat,
}
