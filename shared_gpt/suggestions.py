"""What a mistyped option or command was probably meant to be."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import Field, fields, is_dataclass
from difflib import get_close_matches
from typing import Any, get_args


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a sentence: "; did you mean train?", or "." where nothing is like the name."""
    known = list(known)
    dashes = name[: len(name) - len(name.lstrip("-"))]
    words = name.strip("-").split("-")
    close = [option for option in known if option.startswith(name)]  # --batch: --batch-size
    close = close or get_close_matches(name, known, n=1, cutoff=0.75)
    initials = dashes + "".join(word[:1] for word in words)
    if not close and len(words) > 1 and initials in known:
        close = [initials]  # --learning-rate: --lr
    return f"; did you mean {' or '.join(close)}?" if close else "."


def check_options(program: str, name: str, command: type, args: list[str]) -> None:
    """Raises ValueError for the first option in the arguments that the command of that name does not have, or that is empty."""
    known = [*option_names(command), "--help"]
    left_out = {f"--{field.name}".replace("_", "-") for field in fields(command) if is_left_out(field)}
    for arg, following in zip(args, [*args[1:], None]):
        option = arg.partition("=")[0].replace("_", "-")
        if not re.fullmatch(r"--[a-z][a-z0-9-]*", option):
            continue
        if arg.endswith("=") or ("=" not in arg and following == ""):  # a script's variable that was never set
            raise ValueError(f"{option} is empty; give a value, or leave it out.")
        if {option, option.replace("--no-", "--")} & left_out:
            raise ValueError(f"{name} has no {option} here; numpy-gpt and torch-gpt have it.")
        if option not in known and not option.startswith("--tyro-"):
            alone = option in {f"--{field.name}".replace("_", "-") for field in fields(command)}
            suggestion = "; give its value without that name." if alone else did_you_mean(option, known)
            raise ValueError(f"{name} has no option {option}{suggestion} All options: {program} {name} --help")


def is_left_out(field: Field) -> bool:
    """Whether a command has this option only to keep its value, and does not show it."""
    from tyro.conf import Suppress

    return Suppress[str].__metadata__[0] in getattr(field.type, "__metadata__", ())


def option_names(command: Any) -> Iterator[str]:
    """The options of a dataclass, those of dataclasses within it among them. What stands without a name is none."""
    from tyro.conf import Positional  # here: a name that is no command is refused without it

    for field in fields(command):
        if Positional[str].__metadata__[0] in getattr(field.type, "__metadata__", ()):
            continue
        if is_dataclass(field.type):
            yield from option_names(field.type)
            continue
        name = field.name.replace("_", "-")
        yield f"--{name}"
        if bool in (field.type, *get_args(field.type)):
            yield f"--no-{name}"
