"""The house: imports never go round in a circle and never climb, files stay short, names mean one thing, and the map in
docs/design.md shows what is there.

What the twin rooms may import, and that they mirror each other, is in test_mirror.py.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = tuple(sorted({path.parent.name for path in ROOT.glob("[!.]*/*.py")}))

# The layers of shared_gpt, lowest first. A file imports from its own folder and from lower layers; everything not named
# here (config, checks, files …) is the ground, where files may import one another.
GROUND = 0
LAYERS = {"text": 1, "checkpoints": 1, "training": 2, "commands": 3, "cli": 4}

MOST_LINES = 230
LONG_FILES: dict[str, str] = {}  # path: why it is longer

# Names that stand for two things: where, and why that misleads nobody.
SHARED_NAMES: dict[str, str] = {}


def files_of(root: Path, packages: tuple[str, ...] = PACKAGES) -> dict[str, Path]:
    """Every module of the packages by its dotted name; a package's name stands for its __init__.py. What begins with a digit,
    as notebooks do, cannot be imported and is none."""
    paths = [path for package in packages for path in sorted((root / package).rglob("[!0-9]*.py"))]
    return {".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


def imported(name: str, path: Path, modules: dict[str, Path]) -> Iterator[str]:
    """The modules that a file imports, at the top, inside a function or for type checkers alone.

    `from package import submodule` imports the submodule. That Python also runs the __init__.py of the packages above a
    module is not counted: these re-export what is below them.
    """
    folder = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = folder[: len(folder) - node.level + 1] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            inside = [f"{base}.{alias.name}" for alias in node.names]
            found = [dotted if dotted in modules else base for dotted in inside]
        else:
            continue
        yield from (dotted for dotted in found if dotted in modules)


def circle(root: Path, packages: tuple[str, ...] = PACKAGES) -> str:
    """A circle of imports, written `a → b → a`; "" if there is none."""
    modules = files_of(root, packages)
    graph = {name: set(imported(name, path, modules)) for name, path in modules.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return " → ".join(reversed(error.args[1]))
    return ""


def test_no_import_goes_round_in_a_circle():
    assert not circle(ROOT)


@pytest.mark.parametrize(
    "back",
    [
        "from house import kitchen",
        "import house.kitchen",
        "from . import kitchen",
        "from .kitchen import cook",
        "def eat():\n    from house.kitchen import cook",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from house.kitchen import cook",
    ],
)
def test_a_circle_is_found_and_named(back, tmp_path):
    files = {"__init__": "from house.hall import door", "hall": "door = 1", "kitchen": "from house.cellar import wine"}
    (tmp_path / "house").mkdir()
    for name, text in (files | {"cellar": "import os\nfrom house import hall"}).items():
        (tmp_path / "house" / f"{name}.py").write_text(text, encoding="utf-8")
    assert circle(tmp_path, ("house",)) == ""
    (tmp_path / "house" / "cellar.py").write_text(back, encoding="utf-8")
    assert sorted(circle(tmp_path, ("house",)).split(" → ")[1:]) == ["house.cellar", "house.kitchen"]


def test_imports_inside_shared_gpt_go_down():
    """commands → training → checkpoints, text → the ground."""
    modules = {name: path for name, path in files_of(ROOT, ("shared_gpt",)).items() if "." in name}
    part = {name: name.split(".")[1] for name in modules}
    layer = {name: LAYERS.get(part[name], GROUND) for name in modules}
    assert set(LAYERS) <= set(part.values())
    climbing = [
        f"{name} imports {other}"
        for name, path in modules.items()
        for other in imported(name, path, modules)
        if part[other] != part[name] and layer[other] >= max(layer[name], GROUND + 1)
    ]
    assert climbing == []


def test_files_stay_short():
    """One idea, one file. Tests are not counted, the tools beside them are."""
    lines = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in files_of(ROOT).values()
        if path.parent != ROOT / "parity_tests"
    }
    assert {path for path, number in lines.items() if number > MOST_LINES} == set(LONG_FILES)


def test_a_name_means_one_thing():
    """No class or function of shared_gpt has the name of another one, there or in a twin room."""
    places = defaultdict(list)
    for name, path in files_of(ROOT, ("shared_gpt", "numpy_gpt")).items():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and not node.name.startswith("_"):
                places[node.name].append(name)
    twice = {name: where for name, where in places.items() if len(where) > 1}
    assert {name: where for name, where in twice.items() if name not in SHARED_NAMES} == {}
    assert set(SHARED_NAMES) <= set(twice)


# The map


def read_map() -> list[str]:
    """The paths in the map of docs/design.md, folders with a slash at their end.

    The map is the indented block below "## The house": a name, a description; two more spaces lead into a folder.
    """
    text = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    block = re.search(r"^## The house\n\n((?: {4}.*\n)+)", text, re.MULTILINE)[1]
    paths: list[str] = []
    parents: list[str] = []
    for line in block.splitlines():
        indent, name = re.match(r" {4}((?: {2})*)(\S+)", line).groups()
        parents[len(indent) // 2 :] = [name]
        paths.append("".join(parents))
    return paths


def house() -> set[str]:
    """What the map must show: every folder with Python files, and the files that stand directly in the twins' folders, in
    shared_gpt and at the top. The rooms of torch_gpt are those of numpy_gpt, so only its own are shown."""
    files = [path.relative_to(ROOT) for path in [*files_of(ROOT).values(), *ROOT.glob("*.py")]]
    files = [path for path in files if not path.name.startswith("__")]
    folders = {f"{path.parent.as_posix()}/" for path in files if path.parent.parts}
    rooms = {path.name for path in files if path.parent.as_posix() == "numpy_gpt"}
    shown = {path for path in files if path.parent.as_posix() in ("numpy_gpt", "shared_gpt", ".")}
    shown |= {path for path in files if path.parent.as_posix() == "torch_gpt" and path.name not in rooms}
    return folders | {path.as_posix() for path in shown}


def test_the_map_shows_what_is_there():
    paths = read_map()
    assert len(paths) == len(set(paths))
    assert [path for path in paths if not (ROOT / path).exists() or (ROOT / path).is_dir() != path.endswith("/")] == []
    assert house() - set(paths) == set()


@pytest.mark.parametrize("page", [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))], ids=lambda page: page.name)
def test_paths_in_the_documentation_exist(page):
    """Whatever is written as code and looks like a path into this project, and every link to a file."""
    text = page.read_text(encoding="utf-8")
    tops = "|".join([*PACKAGES, "docs", "run.py"])
    written = re.findall(rf"`((?:{tops})/[\w/.-]*)`", text) + re.findall(r"`(test_\w+\.py)`", text)
    links = re.findall(r"\]\((?!http)([^)#]+)[^)]*\)", text)
    missing = [path for path in written if not (ROOT / path).exists() and not (ROOT / "parity_tests" / path).exists()]
    missing += [link for link in links if not page.parent.joinpath(link).exists()]
    assert written or links
    assert missing == []
