"""The course: each notebook keeps its rules, agrees with its source, and says the same when it is run anew."""

import copy
import importlib.util
import sys
import types

import nbformat
import pytest

import notebooks.__main__
from notebooks import sliders
from notebooks.__main__ import check, command
from notebooks.files import chosen, load, missing, names
from notebooks.rules import FIRST_CODE, broken_rules
from notebooks.running import CellFailed, run
from notebooks.same import difference, differences


@pytest.mark.parametrize("name", names())
def test_a_notebook_holds(name):
    if reason := missing(name):
        pytest.skip(reason)
    assert check(name) == []


# The checks themselves, each seen failing

TITLE = "# 42 A title\n\nA question?\n\n**30 minutes**. **Before it**: nothing."
END = "## Recap\n\n- a\n- b\n- c\n- d\n- e\n\n## Exercises\n\n1. x\n2. y\n3. z\n"
FIGURE = '<img src="data:image/png;base64,AAAA" alt="A line that falls from left to right.">'


def notebook(*cells):
    """A notebook that keeps all rules, with more cells: markdown as text, code as (source, html)."""
    made = nbformat.v4.new_notebook()
    for cell in (TITLE, (FIRST_CODE, ""), "**What do you expect?**", *cells, END):
        if isinstance(cell, str):
            made.cells.append(nbformat.v4.new_markdown_cell(cell))
            continue
        code, html = cell
        output = [nbformat.v4.new_output("display_data", {"text/html": html})] if html else []
        made.cells.append(nbformat.v4.new_code_cell(code, outputs=output, execution_count=1))
    return made


def test_a_notebook_that_keeps_the_rules():
    cells = (("assert loss > 2.345", FIGURE), "The loss is 2.345. See [attention](../numpy_gpt/attention.py).")
    cells += ("In the reader: [backward](../build/site/attention.html#MultiHeadAttention.backward).",)
    assert broken_rules("42_it", notebook(*cells)) == []


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (("show", '<img src="data:image/png;base64,AAAA">'), "without alternative text"),
        (("show", FIGURE.replace("data:image/png;base64,AAAA", "https://example.org/a.png")), "from elsewhere"),
        ("![A picture](https://example.org/a.png)", "somewhere else"),
        ("See [there](../nowhere.py).", "leads nowhere"),
        ("See [there](../build/site/attention.html#MultiHeadAttention.sideways).", "no place in the reader"),
        ("See [there](../build/site/attentions.html).", "no place in the reader"),
        ("`gpt-exercise start backwards-attention`", "no exercise"),
        (r"The scores over $\sqrt{D}$.", "plain signs"),
        ("The loss is 2.345.", "no cell above it asserts that"),
        ("It has 124,439,808 parameters.", "no cell above it asserts that"),
    ],
)
def test_a_cell_that_breaks_a_rule(cell, said):
    assert [said in fault for fault in broken_rules("42_it", notebook(cell))] == [True]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("# 42", "42", "title"),
        ("**Before it**", "", "title"),
        ("find_spec", "spec", "hosted"),
        ("**What do you expect?**", "", "expect"),
        ("- e", "", "Recap"),
        ("3. z", "", "Exercises"),
    ],
)
def test_what_every_notebook_has(old, new, said):
    broken = notebook()
    for cell in broken.cells:
        cell.source = cell.source.replace(old, new)
    assert [said in fault for fault in broken_rules("42_it", broken)] == [True]


def test_errors_warnings_and_cells_that_were_not_run():
    broken = notebook(("1 / 0", "x"), ("warn()", "x"), ("x = 1", ""))
    error, warning, idle = broken.cells[3:6]
    error.outputs = [nbformat.v4.new_output("error", ename="ZeroDivisionError", evalue="division by zero")]
    warning.outputs = [nbformat.v4.new_output("stream", name="stderr", text="careful")]
    idle.execution_count = None
    faults = broken_rules("42_it", broken)
    assert ["an error" in faults[0], "standard error" in faults[1], "not run" in faults[2]] == [True] * 3


def test_a_bare_picture_has_no_description():
    broken = notebook(("plot()", FIGURE))
    broken.cells[3].outputs = [nbformat.v4.new_output("display_data", {"image/png": "AAAA", "text/plain": "<Figure>"})]
    assert ["use show.figure" in fault for fault in broken_rules("42_it", broken)] == [True]


def test_a_source_that_was_changed_after_the_build(monkeypatch):
    monkeypatch.setattr(notebooks.__main__, "run", lambda notebook: pytest.fail("what differs need not run"))
    changed = load("02_attention")
    changed.cells[3].source += "\nx + 1"
    monkeypatch.setattr(notebooks.__main__, "load", lambda name: changed)
    assert ["another 02_attention.py" in fault for fault in check("02_attention")] == [True]


def test_too_many_cells():
    assert "at most" in broken_rules("42_it", notebook(*["text"] * 60))[0]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("loss 2.345", "loss 2.351"),
        ("error 1.2e-07", "error 3.0e-08"),
        ("share 0.01", "share 0.03"),
        ("a  9.99  b", "a 10.01  b"),
        ("shape (2, 3)", "shape (2, 3)"),
    ],
)
def test_what_rounding_may_change(old, new):
    assert difference(old, new) == ""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("loss 2.345", "loss 2.511"),
        ("shape (2, 3)", "shape (2, 4)"),
        ("the dog", "the cat"),
        ("the dog", "the dog 1"),
        ("error 1.2e-07", "error 0"),
        ("h.0.attn", "h.1.attn"),
    ],
)
def test_what_rounding_does_not_change(old, new):
    assert "when run anew" in difference(old, new)


def test_a_notebook_runs_in_the_same_checkout_and_a_failing_cell_is_named():
    made = nbformat.v4.new_notebook()
    made.cells = [nbformat.v4.new_code_cell("import numpy_gpt\nprint(numpy_gpt.__file__)")]
    done = run(made)
    assert done.cells[0].outputs[0].text.strip() == __import__("numpy_gpt").__file__
    assert not done.cells[0].metadata
    other = copy.deepcopy(done)
    other.cells[0].outputs[0].text = "another file"
    assert len(differences(other, done)) == 1
    other.cells[0].metadata.tags = ["optional"]
    assert differences(other, done) == []
    made.cells[0].source = "raise RuntimeError('the third rung')"
    with pytest.raises(CellFailed, match="the third rung"):
        run(made)


def test_without_tensorflow_its_notebook_is_skipped_with_a_word(monkeypatch, capsys):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "tensorflow" else found(name))
    assert command(["check", "09"]) == 0
    assert "09_tensorflow            skipped: TensorFlow is not installed" in capsys.readouterr().out
    assert not any(missing(name) for name in names() if name != "09_tensorflow")


def test_a_slider_is_a_picture_where_nothing_can_move(monkeypatch):
    """Where the notebooks are built, and without ipywidgets; else it is drawn anew for each place of its knobs."""
    shown, asked = [], []
    monkeypatch.setattr(sliders, "figure", lambda *args: shown.append(args))

    def show():
        sliders.slider(lambda **values: values, "A caption", "A text", heat=(0.1, 2.0, 0.1, 0.8), top_k=(1, 8, 1, 3))

    widgets = types.ModuleType("ipywidgets")
    widgets.IntSlider = widgets.FloatSlider = lambda **settings: settings
    widgets.interact = lambda draw, **knobs: asked.append((draw, knobs))
    monkeypatch.setitem(sys.modules, "ipywidgets", widgets)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: widgets)
    monkeypatch.setenv(sliders.STILL, "1")
    show()
    monkeypatch.delenv(sliders.STILL)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    show()
    assert shown == [({"heat": 0.8, "top_k": 3}, "A caption", "A text")] * 2
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: widgets)
    show()
    ((draw, knobs),) = asked
    assert (knobs["heat"]["max"], knobs["top_k"]["value"], knobs["top_k"]["description"]) == (2.0, 3, "top k")
    draw(heat=1.5, top_k=1)
    assert shown[2:] == [({"heat": 1.5, "top_k": 1}, "A caption", "A text")]


def test_a_name_that_is_not_there(capsys):
    assert chosen([]) == names()
    with pytest.raises(ValueError, match="There is no notebook '77'"):
        command(["check", "77"])
