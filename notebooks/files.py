"""The two files of a notebook: its source in jupytext's percent format, and the .ipynb made from it."""

import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from shared_gpt.files import written_beside

FOLDER = Path(__file__).resolve().parent
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


NEEDS = {
    "09_tensorflow": ("tensorflow", "TensorFlow")
}  # a notebook that is about another package: its module, its name


def missing(name: str) -> str:
    """Why this machine cannot run a notebook; "" if it can."""
    module, called = NEEDS.get(name, ("numpy", ""))
    return "" if importlib.util.find_spec(module) is not None else f"{called} is not installed"


def names() -> list[str]:
    """All notebooks in their order."""
    return sorted(path.stem for path in FOLDER.glob("[0-9]*.py"))


def chosen(wanted: Sequence[str]) -> list[str]:
    """Full names for numbers and names; all of them for none. ValueError for one that is not there."""
    if not wanted:
        return names()
    by_word = {word: name for name in names() for word in (name, name.partition("_")[0], name.partition("_")[2])}
    for word in wanted:
        if word.removesuffix(".py") not in by_word:
            raise ValueError(f"There is no notebook {word!r}; choose among {', '.join(names())}.")
    return [by_word[word.removesuffix(".py")] for word in wanted]


def load(name: str) -> Any:
    """The notebook as its source states it, without outputs."""
    import jupytext

    notebook = jupytext.reads((FOLDER / f"{name}.py").read_text(encoding="utf-8"), fmt="py:percent")
    notebook.metadata = dict(METADATA)
    for i, cell in enumerate(notebook.cells):
        cell.id = f"cell-{i:02}"
    return notebook


def stored(name: str) -> Any:
    """The .ipynb, outputs included."""
    import nbformat

    path = FOLDER / f"{name}.ipynb"
    if not path.exists():
        raise FileNotFoundError(f"{path.name} is not there; run `python -m notebooks build {name}`.")
    return nbformat.read(path, as_version=4)


def write(name: str, notebook: Any) -> None:
    """Write the .ipynb, whole or not at all."""
    import nbformat

    nbformat.validate(notebook)
    text = json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"
    with written_beside(FOLDER / f"{name}.ipynb") as file:
        file.write(text.encode("utf-8"))
