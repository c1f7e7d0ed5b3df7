"""The reader's pages: every definition once and aligned, every link to something, every formula right, every number compared."""

import ast
import json
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from exercises.path import EXERCISES
from parity_tests import mirror
from parity_tests.formulas import Formulas, differences
from parity_tests.mirror import NUMPY, ROOMS, TORCH
from parity_tests.mistakes import kept
from parity_tests.mistakes.planted import MISTAKES
from reader import guards, keras, mathml, tiny
from reader.alignment import LostAlignmentError, room
from reader.answers import UnansweredError, answers, defined
from reader.derivation import claims, derivations
from reader.rooms import READING_ORDER
from reader.site import build

VOID = {"meta", "link", "input", "br", "img", "hr", "wbr", "mspace"}


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("reader") / "site"
    build(folder)
    return folder


class Page(HTMLParser):
    """What a page holds: ids, links, and whether its tags are closed in order."""

    def __init__(self, text: str):
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []
        self.problems: list[str] = []
        self.buttons: list[dict] = []
        self.feed(text)
        self.problems += [f"<{tag}> stays open" for tag in self.open]

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if len(found) < len(attributes):
            self.problems.append(f"<{tag}> has an attribute twice")
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [found["id"]] if "id" in found else []
        self.links += [found[name] for name in ("href", "src") if found.get(name)]
        if tag == "img" and not found.get("alt"):
            self.problems.append("an <img> without alternative text")
        if tag == "button":
            self.buttons.append(found)

    def handle_endtag(self, tag):
        if tag not in VOID and (not self.open or self.open.pop() != tag):
            self.problems.append(f"</{tag}> closes nothing")


@pytest.fixture(scope="module")
def pages(site) -> dict[str, Page]:
    found = {path.relative_to(site).as_posix(): path.read_text(encoding="utf-8") for path in site.rglob("*.html")}
    return {address: Page(text) for address, text in found.items()}


# Alignment


@pytest.mark.parametrize("name", READING_ORDER)
def test_every_line_stands_in_one_pair(name):
    pairs = [pair for definition in room(name) for pair in definition.pairs]
    for package, side in ((NUMPY, "numpy"), (TORCH, "torch")):
        path = package / f"{name}.py"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        placed = [number for pair in pairs for number in getattr(pair, side) if lines[number - 1].strip()]
        assert placed == [number for number, line in enumerate(lines, 1) if line.strip()]


@pytest.mark.parametrize("name", ROOMS)
def test_every_definition_appears_once(name):
    """That of both twins together, in one place; what a class holds is listed in it, or shown with the class."""
    shown = Counter(definition.name for definition in room(name) if definition.name)
    inside = {one.name for one in room(name) if len(one.pairs) == 1 and one.pairs[0].torch and one.reason}
    for package in (NUMPY, TORCH):
        for qualified in defined(mirror.tree_of(package / f"{name}.py")):
            owner = qualified.split(".")[0]
            value = next(node for node in mirror.tree_of(package / f"{name}.py").body if _named(node, owner))
            if isinstance(value, (ast.Assign, ast.AnnAssign)) or owner in ("no_grad", "Parameter", *inside):
                continue  # a value stands between the definitions; a class beside a borrowed name is one pair
            assert qualified in shown, qualified


def _named(node: ast.stmt, name: str) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return getattr(node, "name", "") == name or any(getattr(target, "id", "") == name for target in targets)


def test_in_attention_the_products_stand_side_by_side():
    sources = [(package / "attention.py").read_text(encoding="utf-8").splitlines() for package in (NUMPY, TORCH)]
    wanted = "context = dropped @ v"
    pairs = [pair for definition in room("attention") for pair in definition.pairs]
    found = [
        pair
        for pair in pairs
        if any(wanted in sources[0][n - 1] and "forward:" not in sources[0][n - 1] for n in pair.numpy)
    ]
    assert len(found) == 1
    assert wanted in sources[1][found[0].torch[0] - 1]


def test_a_pair_that_loses_its_alignment_stops_the_build(tmp_path, monkeypatch):
    """One more statement in one of the twins."""
    for package in ("numpy_gpt", "torch_gpt"):
        (tmp_path / package).mkdir()
        text = Path(getattr(mirror, package[:5].upper()), "block.py").read_text(encoding="utf-8")
        if package == "torch_gpt":
            text = text.replace("        x = self.gelu(x)  # (B, T, F)\n", "")
        (tmp_path / package / "block.py").write_text(text, encoding="utf-8")
    monkeypatch.setattr(mirror, "NUMPY", tmp_path / "numpy_gpt")
    monkeypatch.setattr(mirror, "TORCH", tmp_path / "torch_gpt")
    with pytest.raises(LostAlignmentError, match=r"block.FeedForward.forward: the statements"):
        room.__wrapped__("block")


def test_backward_lines_lead_to_the_forward_line_that_they_name():
    source = (NUMPY / "attention.py").read_text(encoding="utf-8").splitlines()
    found = {
        source[backward - 1].split(" = ")[0].strip(): source[forward - 1].split("  #")[0].strip()
        for backward, forward in answers("attention").items()
    }
    assert found["dv"] == "context = dropped @ v"
    assert found["dk"] == "scores = q @ k.swapaxes(-1, -2)"
    assert sum(len(answers(name)) for name in ROOMS) == sum(
        (NUMPY / f"{name}.py").read_text(encoding="utf-8").count("forward: ") for name in ROOMS
    )


def test_a_comment_that_no_line_answers_is_refused(tmp_path, monkeypatch):
    text = (NUMPY / "attention.py").read_text(encoding="utf-8")
    (tmp_path / "attention.py").write_text(text.replace("forward: scores = q @ kᵀ", "forward: w = z"), encoding="utf-8")
    monkeypatch.setattr("reader.answers.NUMPY", tmp_path)
    with pytest.raises(UnansweredError, match="`# forward: w = z` names no line"):
        answers("attention")


# The site


def test_html_is_well_formed_and_ids_are_unique(pages):
    problems = {address: page.problems for address, page in pages.items() if page.problems}
    twice = {address: [name for name, n in Counter(page.ids).items() if n > 1] for address, page in pages.items()}
    assert problems == {}
    assert {address: names for address, names in twice.items() if names} == {}


def test_no_markup_stands_in_the_text(site):
    """A tag that was escaped once too often is well-formed text."""
    seen = {
        name: re.findall(r"&lt;/?(?:div|span|p|button|math)\b", (site / f"{name}.html").read_text(encoding="utf-8"))
        for name in READING_ORDER
    }
    assert {name: tags for name, tags in seen.items() if tags} == {}


def test_every_link_resolves(site, pages):
    broken = []
    for address, page in pages.items():
        for link in page.links:
            if re.match(r"(https?|data|mailto):", link):
                continue
            target, _, anchor = link.partition("#")
            path = (site / address).parent / target if target else site / address
            name = path.resolve().relative_to(site.resolve()).as_posix() if path.exists() else ""
            if not name or (anchor and name in pages and anchor not in pages[name].ids):
                broken.append(f"{address}: {link}")
    assert broken == []


def test_course_exercises_and_rooms_lead_to_each_other(site, pages):
    """By addresses that last: a room's name, and the name of a definition in it or of an exercise."""
    for notebook, name in (("02_attention", "attention"), ("03_architecture", "model"), ("04_backprop", "functional")):
        assert f"../{name}.html" in pages[f"notebooks/{notebook}.html"].links, notebook
        told = re.search('<p class="told">.*</p>', (site / f"{name}.html").read_text(encoding="utf-8"))
        assert told, name
        assert f'href="notebooks/{notebook}.html"' in told[0]
    assert "attention.html#MultiHeadAttention.backward" in pages["exercises.html"].links
    assert "exercises.html#attention-backward" in pages["attention.html"].links
    assert {one.name for one in EXERCISES} <= set(pages["exercises.html"].ids)


def test_search_leads_to_what_it_names(site, pages):
    text = (site / "search.js").read_text(encoding="utf-8")
    entries = json.loads(text.removeprefix("window.searchIndex = ").removesuffix(";"))
    missing = []
    for name, address, _ in entries:
        page, _, anchor = address.partition("#")
        if page not in pages or (anchor and anchor not in pages[page].ids):
            missing.append((name, address))
    assert missing == []
    assert len(entries) > 200


def test_pages_are_light(site):
    """Each of them with the style sheet and the script; its pictures lie beside it, and search reads its index when asked."""
    shared = sum((site / name).stat().st_size for name in ("reader.css", "reader.js"))
    sizes = {path.relative_to(site).as_posix(): path.stat().st_size + shared for path in site.rglob("*.html")}
    assert {address: size for address, size in sizes.items() if size >= 300_000} == {}


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(ValueError, match="holds other files"):
        build(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


# Derivations


@pytest.mark.parametrize("derivation", derivations(), ids=lambda one: one.title)
def test_every_formula_holds(derivation):
    for seed in (0, 1):
        wrong = [(claim, difference) for claim, difference in differences(derivation, seed) if not difference < 1e-7]
        assert wrong == []
    assert all(claims(step) for step in derivation.steps[1:])


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("d(y[n], x[n]) == 2 * x[n]", "d(y[n], x[n]) == x[n]"),
        ("d(L, x[n]) == 2 * x[n]", "d(L, x[n]) == 2 * x[n] + 0.001"),
        ("y == diag(x) @ x", "y == diag(x) @ y"),
    ],
)
def test_a_wrong_formula_is_seen(right, wrong):
    formulas = Formulas()
    for line in ("given x[N]", "y[n] := x[n] ** 2", "L := Sum(n, y[n])"):
        assert formulas.read(line) is None
    assert formulas.read(right) < 1e-8
    assert formulas.read(wrong) > 1e-5


def test_every_backward_pass_is_derived():
    derived = {place for one in derivations() for place in one.code}
    known = {f"{name}.{one}" for name in ROOMS for one in defined(mirror.tree_of(NUMPY / f"{name}.py"))}
    backward = {one for one in known if re.search(r"[._]backward$", one) and not one.endswith("save_for_backward")}
    assert {one for one in backward - derived if not one.startswith("module.")} == set()
    assert derived <= known
    assert len(next(one for one in derivations() if one.title.startswith("LayerNorm")).steps) > 6


def test_typesetting():
    assert mathml.math("d(y[c], x[j])") == (
        "<math><mfrac><mrow><mo>∂</mo><msub><mi>y</mi><mrow><mi>c</mi></mrow></msub></mrow>"
        "<mrow><mo>∂</mo><msub><mi>x</mi><mrow><mi>j</mi></mrow></msub></mrow></mfrac></math>"
    )
    assert '(</mo><mrow><mi>b</mi><mo>+</mo><mi>c</mi></mrow><mo stretchy="false">)' in mathml.math("a * (b + c)")
    assert "(" not in mathml.math("a * b + c")
    assert "<mo>(</mo><mrow><mfrac>" in mathml.math("exp(x / y + z)")  # these brackets grow


# Mistakes and numbers


def test_every_mistake_is_placed_on_its_line():
    shown = [guard for name in ROOMS for guard in guards.guards(name)]
    assert sorted(guard["name"] for guard in shown) == sorted(mistake.name for mistake in MISTAKES)
    for guard in shown:
        assert guard["diff"], guard["name"]


def test_no_verdict_is_stale():
    """Each that is there belongs to the mistake as it is now, and names a test that exists."""
    found = kept.verdicts()
    by_name = {mistake.name: mistake for mistake in MISTAKES}
    assert set(found) <= set(by_name), "run `python -m parity_tests.mistakes --keep`"
    for name, verdict in found.items():
        assert verdict["fingerprint"] == kept.fingerprint(by_name[name]), (
            f"{name}: run `python -m parity_tests.mistakes --keep`"
        )
        assert by_name[name].report in verdict["report"]
        file, _, test = verdict["test"].partition("::")
        source = (Path(__file__).parent / file).read_text(encoding="utf-8")
        assert f"def {test.split('::')[-1]}(" in source, f"run `python -m parity_tests.mistakes --keep {name!r}`"
    if missing := len(MISTAKES) - len(found):
        pytest.skip(
            f"{missing} planted mistakes have not been judged for the pages yet; run `python -m parity_tests.mistakes --keep`"
        )


def test_a_counterpart_that_keras_lacks_stops_the_build(tmp_path, monkeypatch):
    table = keras.COUNTERPARTS.read_text(encoding="utf-8").replace('"layers.gelu"', '"layers.gulu"')
    monkeypatch.setattr(keras, "COUNTERPARTS", tmp_path / "keras.json")
    keras.COUNTERPARTS.write_text(table, encoding="utf-8")
    with pytest.raises(ValueError, match=r"sets functional.gelu beside tensorflow_gpt.layers.gulu, which is not there"):
        keras.counterparts("functional")


def test_the_tiny_model_knows_its_texts():
    """Every word is in the vocabulary, and the weights are trained: the targets are far likelier than by chance."""
    import numpy_gpt as gpt

    ids, targets = tiny.batch()
    assert ids.shape == targets.shape == (2, 5)
    assert 0 not in ids
    with gpt.no_grad():
        assert gpt.CrossEntropy()(tiny.build(gpt).eval()(ids), targets) < 0.9 * np.log(tiny.CONFIG.vocab_size)


def test_numbers_are_compared_and_agree(site):
    compared = 0
    for name in ROOMS:
        text = (site / f"{name}.html").read_text(encoding="utf-8")
        data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1])
        for step in data["steps"]:
            if step["difference"] is not None:
                assert step["difference"] < 1e-10, (name, step["line"], step["name"])
                compared += step["backward"]
    assert compared > 20  # against autograd
