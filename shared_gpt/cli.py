"""The command line, over whichever twin is handed in: `numpy-gpt COMMAND` and `torch-gpt COMMAND` take the same options."""

import sys
from importlib import import_module
from types import ModuleType
from typing import Annotated, Union

import tyro

from shared_gpt import commands


def main(twin: ModuleType, args: list[str] | None = None) -> int:
    """Parse the command line, run the command with the twin's classes, and return the exit status."""
    program = twin.__name__.replace("_", "-")
    choices = tuple(
        Annotated[command, tyro.conf.subcommand(name, prefix_name=False)] for name, command in commands.ALL.items()
    )
    command = tyro.cli(
        Union[choices],  # noqa: UP007 - a union made from a list
        prog=program,
        description=twin.__doc__,
        args=args,
        config=(tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff),
    )
    try:
        command.run(twin)
    except (ValueError, OSError, ImportError) as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{program}: stopped.", file=sys.stderr)
        return 130
    return 0


def numpy_command() -> int:
    """The console command numpy-gpt."""
    return run_twin("numpy_gpt")


def torch_command() -> int:
    """The console command torch-gpt; one line says so where PyTorch is missing."""
    return run_twin("torch_gpt")


def run_twin(package: str) -> int:
    """Import a twin and run the command line over it; one line says what to install where the import fails."""
    try:
        twin = import_module(package)
    except ImportError as error:
        print(error, file=sys.stderr)
        return 2
    return main(twin)
