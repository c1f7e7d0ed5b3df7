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
    # an option that keeps its value is not shown: another program has it
    left_out = {name_of(field) for field in fields(command) if is_marked(field, "Suppress")}
    for arg, following in zip(args, [*args[1:], None]):
        option = arg.partition("=")[0].replace("_", "-")
        if not re.fullmatch(r"--[a-z][a-z0-9-]*", option):
            continue
        if arg.endswith("=") or ("=" not in arg and following == ""):  # a script's variable that was never set
            raise ValueError(f"{option} is empty; give a value, or leave it out.")
        if {option, option.replace("--no-", "--")} & left_out:
            raise ValueError(f"{name} has no {option} here; numpy-gpt and torch-gpt have it.")
        if option not in known and not option.startswith("--tyro-"):
            alone = option in map(name_of, fields(command))
            suggestion = "; give its value without that name." if alone else did_you_mean(option, known)
            raise ValueError(f"{name} has no option {option}{suggestion} All options: {program} {name} --help")


def name_of(field: Field) -> str:
    """ "--batch-size" """
    return f"--{field.name}".replace("_", "-")


def is_marked(field: Field, marker: str) -> bool:
    """Whether the type of a command's field bears one of tyro's marks."""
    from tyro import conf  # here: a name that is no command is refused without it

    return getattr(conf, marker)[str].__metadata__[0] in getattr(field.type, "__metadata__", ())


def option_names(command: Any) -> Iterator[str]:
    """The options of a dataclass, those of dataclasses within it among them. What stands without a name is none."""
    for field in fields(command):
        if is_marked(field, "Positional"):
            continue
        if is_dataclass(field.type):
            yield from option_names(field.type)
            continue
        name = name_of(field)
        yield name
        if bool in (field.type, *get_args(field.type)):
            yield name.replace("--", "--no-", 1)
