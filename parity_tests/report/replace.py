"""A student's own class, function or method in place of numpy_gpt's, for one run: `attention.MultiHeadAttention=mine.py`."""

import importlib
import importlib.util
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numpy_gpt
from parity_tests.report.book import with_book_layout
from parity_tests.report.watch import watched
from parity_tests.report.where import StudentError, where_raised

PACKAGES = ("numpy_gpt", "shared_gpt", "parity_tests")
TEXT = "text"  # the files of shared_gpt/text together: text.SimpleTokenizerV1, text.learn_merges


@dataclass
class Replacements:
    """The students' files, and how often each replaced name was called."""

    files: list[Path]
    calls: Counter[str]


@contextmanager
def replaced(specs: Sequence[str]) -> Iterator[Replacements]:
    """Inside it each `room.Name=file.py` replaces the name wherever numpy_gpt or this suite uses it.

    A method is named `room.Class.method`; the file then defines a function of the method's name that takes self.
    """
    plans = [read_spec(spec) for spec in specs]
    files = list(dict.fromkeys(path for _, _, _, path in plans))
    modules = {path: _load(path) for path in files}
    calls: Counter[str] = Counter()
    undo: list[tuple[Any, str, Any]] = []
    try:
        for target, owner, name, path in plans:
            old, new = getattr(owner, name), _find(modules[path], name, path)
            if target == "attention.MultiHeadAttention" and isinstance(new, type):
                new = with_book_layout(new)
            if isinstance(new, type):
                undo += [(new, key, value) for key, value in vars(new).items() if isinstance(value, FunctionType)]
            new = watched(new, old, target, calls)
            holders = [owner] if isinstance(owner, type) else _holders(old, modules[path], modules.values())
            for holder in holders:
                for attribute in [key for key, value in vars(holder).items() if value is old]:
                    undo.append((holder, attribute, old))
                    setattr(holder, attribute, new)
        yield Replacements(files, calls)
    finally:
        for holder, attribute, old in reversed(undo):
            setattr(holder, attribute, old)


def read_spec(spec: str) -> tuple[str, Any, str, Path]:
    """(target, the module or class that holds the name, the name, the file)."""
    target, equals, file = spec.partition("=")
    room, *names = target.split(".")
    if not equals or not file or len(names) not in (1, 2):
        raise ValueError(
            f"--replace {spec} cannot be read; write room.Name=file.py, such as attention.MultiHeadAttention=mine.py."
        )
    if room not in (*rooms(), TEXT):
        raise ValueError(f"numpy_gpt has no room {room!r}; its rooms are {', '.join(rooms())}, and there is {TEXT}.")
    package = "shared_gpt" if room == TEXT else "numpy_gpt"
    owner: Any = file_of_text(names[0]) if room == TEXT else importlib.import_module(f"numpy_gpt.{room}")
    for depth, name in enumerate(names):
        own = text_names() if owner is None else own_names(owner)
        if name not in own:
            where = ".".join([room, *names[:depth]])
            raise ValueError(f"{package}.{where} has no {name!r} to replace; it defines {', '.join(own)}.")
        if depth + 1 < len(names):
            owner = getattr(owner, name)
    if owner.__name__ == "numpy_gpt.module" and len(names) == 1 and names[0] in ("Module", "Parameter"):
        raise ValueError(f"Every layer is built on {target}; replace one of its methods, as in {target}.method={file}.")
    path = Path(file)
    if not path.is_file():
        raise FileNotFoundError(f"{file} of --replace {spec} does not exist; give the path of a Python file.")
    return target, owner, names[-1], path


def text_files() -> list[ModuleType]:
    """The files of shared_gpt/text, as modules."""
    import shared_gpt.text as package

    root = Path(package.__file__).parent
    paths = [path.relative_to(root).with_suffix("") for path in sorted(root.rglob("*.py")) if path.stem != "__init__"]
    return [importlib.import_module(".".join([package.__name__, *path.parts])) for path in paths]


def text_names() -> list[str]:
    """What can be replaced in shared_gpt/text."""
    return [name for file in text_files() for name in own_names(file) if not name.startswith("_")]


def file_of_text(name: str) -> ModuleType | None:
    """The file of shared_gpt/text that defines a name; None if none does."""
    return next((file for file in text_files() if not name.startswith("_") and name in own_names(file)), None)


def rooms() -> list[str]:
    """The files of numpy_gpt."""
    package = Path(numpy_gpt.__file__).parent
    return sorted(path.stem for path in package.glob("*.py") if path.stem not in ("__init__", "__main__"))


def own_names(owner: Any) -> list[str]:
    """What a room or a class defines and can be called."""
    of_text = isinstance(owner, type) and owner.__module__.startswith("shared_gpt.text.")
    dunder = ("__getitem__", "__len__") if of_text else ()
    return [
        n
        for n, value in vars(owner).items()
        if callable(value) and _home(value, owner) and (not n.startswith("__") or n in dunder)
    ]


def _home(value: Any, owner: Any) -> bool:
    """Whether the owner defines the value rather than imports it."""
    return isinstance(owner, type) or getattr(value, "__module__", "") == owner.__name__


def _load(path: Path) -> ModuleType:
    """The file as a module, its folder importable as it is for a script."""
    module_spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(module_spec)
    sys.path.insert(0, str(path.resolve().parent))
    try:
        module_spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise StudentError(where_raised(error, [path])) from error
    finally:
        sys.path.pop(0)
    return module


def _find(module: ModuleType, name: str, path: Path) -> Any:
    if name not in vars(module):
        own = [n for n, v in vars(module).items() if getattr(v, "__module__", "") == module.__name__]
        raise ValueError(f"{path} defines no {name}; it defines {', '.join(own) or 'nothing'}.")
    return getattr(module, name)


def _holders(old: Any, provider: ModuleType, students: Any) -> list[ModuleType]:
    """Every module that uses the old one, in our packages and the student's files; not the file that replaces it, which may be
    built on it."""
    ours = [m for name, m in sys.modules.items() if name.split(".")[0] in PACKAGES]
    return [m for m in [*ours, *students] if m is not provider and any(value is old for value in vars(m).values())]
