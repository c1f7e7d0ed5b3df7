"""The command line, over whichever twin is handed in: `numpy-gpt COMMAND` and `torch-gpt COMMAND` take the same options."""

import ast
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Union

import tyro

from shared_gpt import __version__, commands
from shared_gpt.commands import for_tensorflow
from shared_gpt.files import expanded
from shared_gpt.streams import run_program
from shared_gpt.suggestions import check_options, did_you_mean


def main(twin: ModuleType, args: list[str] | None = None) -> int:
    """Parse the command line, run the command with the twin's classes, and return the exit status."""
    return run(twin.__name__, twin.__doc__ or "", lambda: twin, args)


def run(package: str, description: str, load: Callable[[], ModuleType], args: list[str] | None = None) -> int:
    """The twin is loaded only once the command line is understood: help and a mistyped option need not wait for PyTorch."""
    program = package.replace("_", "-")
    offered = for_tensorflow.ALL if package == "tensorflow_gpt" else commands.ALL
    typed = sys.argv[1:] if args is None else args

    def work() -> None:
        command, twin = parse(program, description, offered, typed), load()
        import numpy as np

        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # what comes of it has an error of its own
            command.run(twin)

    return run_program(program, work)


def parse(program: str, description: str, offered: dict[str, type], args: list[str]) -> Any:
    """The command that is asked for, with its options. Exits after help and for what tyro refuses, as tyro does."""
    if args[:1] in (["--version"], ["-V"]):
        print(f"{program} {__version__}")
        raise SystemExit(0)
    name, command, options = commands.find(args, offered)
    if not name and options and options[0] in commands.ALL:
        raise ValueError(f"There is no command {options[0]} here; numpy-gpt and torch-gpt have it.")
    if not name and options and not options[0].startswith("-"):
        suggestion = did_you_mean(options[0], offered)
        raise ValueError(f"There is no command {options[0]!r}{suggestion} All commands: {program} --help")
    prog = f"{program} {name}".strip()
    if command is None:
        choices = [Annotated[kind, tyro.conf.subcommand(key, prefix_name=False)] for key, kind in offered.items()]
        command, description = Union[tuple(choices)], f"{description}\n--version shows the version."  # noqa: UP007
    else:
        if command is not commands.Finetune:  # which has no options, only tasks that do
            check_options(program, name, command, options)
        description = command.__doc__
    config = (tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff)
    chosen = tyro.cli(command, prog=prog, description=description, args=options, config=config)
    paths = {name: expanded(value) for name, value in vars(chosen).items() if isinstance(value, Path)}
    return replace(chosen, **paths)  # of --out=~/run a shell leaves the ~ as it is


def numpy_command() -> int:
    """The console command numpy-gpt."""
    return run_twin("numpy_gpt")


def torch_command() -> int:
    """The console command torch-gpt; one line says so where PyTorch is missing."""
    return run_twin("torch_gpt")


def tensorflow_command() -> int:
    """The console command tensorflow-gpt, with fewer commands; one line says so where TensorFlow is missing."""
    return run_twin("tensorflow_gpt")


def run_twin(package: str) -> int:
    """Run the command line over a twin, whose docstring is read from its file to describe it."""
    source = Path(find_spec(package).origin).read_text(encoding="utf-8")
    return run(package, ast.get_docstring(ast.parse(source)) or "", lambda: import_module(package))
