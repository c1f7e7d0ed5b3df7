"""Every command is a file named as it is typed, and its --help waits for nothing that only the work needs."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

import numpy_gpt
from shared_gpt import commands
from shared_gpt.cli import main
from shared_gpt.commands.finetune import Finetune

TASKS = get_args(get_type_hints(Finetune, include_extras=True)["task"])
TYPED = {(name,): command for name, command in commands.ALL.items()}
TYPED |= {("finetune", annotation.__metadata__[0].name): get_args(annotation)[0] for annotation in TASKS}


@pytest.mark.parametrize("typed", TYPED)
def test_a_command_lies_in_the_file_of_its_name(typed):
    command = TYPED[typed]
    path = [part.replace("-", "_") for part in typed]
    assert command.__module__ == ".".join(["shared_gpt.commands", *path])
    assert command.__name__ == path[-1].replace("_", " ").title().replace(" ", "")
    assert callable(command.run)
    assert getattr(import_module(command.__module__), command.__name__) is command
    file = Path(sys.modules[command.__module__].__file__)
    defined = [other for other in TYPED.values() if Path(sys.modules[other.__module__].__file__) == file]
    assert defined == [command]


@pytest.mark.parametrize("typed", TYPED)
def test_help_says_what_a_command_does(typed, capsys):
    with pytest.raises(SystemExit) as ended:
        main(numpy_gpt, [*typed, "--help"])
    assert ended.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert shown.startswith(f"usage: numpy-gpt {' '.join(typed)}")
    assert " ".join(TYPED[typed].__doc__.split()) in shown


def test_the_table_of_commands_imports_little():
    """No text, no checkpoint, no picture, no NumPy: what a command works with is imported as it runs."""
    code = "import sys, shared_gpt.commands; print(*sys.modules)"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert "shared_gpt.commands.finetune.labels" in loaded
    ours = {name for name in loaded if name.startswith("shared_gpt.") and not name.startswith("shared_gpt.commands")}
    assert ours <= {"shared_gpt.options", "shared_gpt.training", "shared_gpt.training.settings"}
    assert not loaded & {"numpy", "matplotlib", "rich.progress", "regex", "jaxtyping", "torch"}
