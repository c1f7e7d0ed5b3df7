"""From the options of a command to a run, and to its end: what pretraining and fine-tuning do in the same way.

A command claims the folder, takes the options that a resumed run kept, builds its run, begins or resumes it, and closes with
a message that names the next command.
"""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields, is_dataclass, replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from shared_gpt.json_values import check_fields, short
from shared_gpt.streams import printable, unfailing_output
from shared_gpt.text import save_tokenizer
from shared_gpt.training.processes import Processes
from shared_gpt.training.run_folder import RunFolder
from shared_gpt.training.settings import TrainSettings
from shared_gpt.training.training_run import TrainingRun

Options = TypeVar("Options")


def resumed_options(options: Options, default: Options, kept: dict[str, Any], where: Path) -> Options:
    """The options of a resumed run: where one has its default value, the value that the run kept (by name, if it kept one).

    Options within options are gone through in the same way. Raises ValueError with `where`, the file, and the key for a value
    that the option cannot have.
    """
    check_fields(kept, type(options), where)
    changes = {}
    for name in [field.name for field in fields(options) if field.name in kept]:
        value, default_value = getattr(options, name), getattr(default, name)
        if is_dataclass(value):
            changes[name] = resumed_options(value, default_value, kept[name], where)
        elif value == default_value:
            value = here(kept[name], where) if isinstance(kept[name], str) else kept[name]
            changes[name] = tuple(value) if isinstance(value, list) else value
    return replace(options, **changes)


@contextmanager
def errors_of(path: Path, when: bool = True) -> Iterator[None]:
    """Let an error begin with this file of a run, from which the numbers or the names that led to it are, unless it names the
    run's folder anyway. `when` False changes nothing."""
    try:
        yield
    except (ValueError, OSError) as error:
        if not when or str(path.parent) in str(error):
            raise
        kind = OSError if isinstance(error, OSError) else ValueError
        raise kind(f"{path}: {printable(str(error)[:500], allowed='')}") from error


def lasting_source(source: str, names: Collection[str] = ()) -> str:
    """A name as it is; the path of a file or a folder made absolute and spelled in UTF-8, so that it holds in any working folder
    and any locale."""
    try:
        if source in names or not Path(source).exists():
            return source
    except OSError:  # a name too long for a file
        return source
    return os.fsencode(Path(source).resolve()).decode("utf-8", "surrogateescape")


def here(source: str, where: Path) -> str:
    """What `lasting_source` gave, as this process's locale spells it. where: the file that kept it, for the error."""
    try:
        return os.fsdecode(source.encode("utf-8", "surrogateescape"))
    except UnicodeError as error:
        raise ValueError(
            f"{where} holds the text {short(source)}, which is no path and no name ({error.reason})."
        ) from None


@contextmanager
def claimed(
    twin: ModuleType, settings: TrainSettings, folder: RunFolder, may_hold_a_run: bool = False
) -> Iterator[Processes]:
    """The processes that train, of which the first holds the folder until it ends.

    Raises ValueError for settings that mean nothing, FileExistsError for a folder that holds a run already, unless it may (to
    go on with it, or to replace it), and BlockingIOError for one that another program holds.
    """
    settings.check()
    try:
        joined = import_module(f"{twin.__name__}.distributed").join(settings.device, settings.bf16, settings.threads)
    except ValueError as error:
        raise ValueError(f"{folder.path}: {error}" if may_hold_a_run else str(error)) from None
    with unfailing_output(), joined as processes:
        if processes.is_first:
            folder.lock()
            if folder.training.exists() and not may_hold_a_run:
                raise FileExistsError(
                    f"{folder.path} holds a run already; go on with it by --resume, take another --out, or remove the folder."
                )
        yield processes


def begin_or_resume(
    run: TrainingRun,
    folder: RunFolder,
    resume: bool,
    description: dict[str, Any],
    task: dict[str, Any] | None = None,
) -> None:
    """Go on from the folder's last checkpoint if asked to, and if the run was not killed before there was one. Otherwise fill
    the folder with all that says how the run is made; training.json comes last and makes it a run.

    description: what training.json holds beside program and settings. task: what task.json holds.
    """
    if resume and folder.checkpoints():
        run.resume(folder)
        run.display.say(where_it_goes_on(run))
    elif run.processes.is_first:
        folder.start_over()
        folder.write_json(folder.config, run.config.to_dict())
        save_tokenizer(run.tokenizer, folder.path)
        if task is not None:
            folder.write_json(folder.task, task)
        origin = {"program": run.twin.__name__, "settings": asdict(run.settings)}
        folder.write_json(folder.training, description | origin)


def where_it_goes_on(run: TrainingRun) -> str:
    """From which step a resumed run goes on, or what makes a finished one go on."""
    if run.step < run.settings.steps:
        return f"Going on from step {run.step} of {run.settings.steps}."
    return (
        f"The run is finished: it has taken {run.step} steps. --steps {2 * run.step} would train it for as many again."
    )


def closing_message(
    run: TrainingRun, folder: RunFolder, command: str, next_command: str, weights: Path | None = None
) -> str:
    """How the run ended, and what to type next: `command` again to go on, or `next_command` to use the weights."""
    program = run.twin.__name__.replace("_", "-")
    if run.step < run.settings.steps:
        return (
            f"Stopped after step {run.step} of {run.settings.steps}; nothing is lost.\n"
            f"Go on with: {program} {command} --out {folder.path} --resume"
        )
    best = f" (best: step {run.best['step']}, validation loss {run.best['val_loss']:.3f})" if run.best else ""
    return (
        f"Done: {run.tokens_per_step * run.step:,} tokens in {run.seconds:.0f} s{best}.\n"
        f"Losses: {folder.picture}\nTry:    {program} {next_command} --weights {weights or folder.path}"
    )
