"""The suite can fail: every planted mistake turns it red, and the report says where it lies."""

import ast
from pathlib import Path

import pytest

from parity_tests.mistakes.judge import ROOT, judge, judges, plant
from parity_tests.mistakes.planted import MISTAKES


@pytest.fixture(scope="module")
def court():
    with judges() as pool:
        yield lambda mistake: pool.submit(judge, mistake).result()


def test_the_list_is_long_and_its_names_are_unique():
    assert len({mistake.name for mistake in MISTAKES}) == len(MISTAKES) >= 25


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_the_text_is_found_once_and_the_mistake_is_python(mistake):
    source = Path(ROOT, "numpy_gpt", mistake.file).read_text(encoding="utf-8")
    assert ast.dump(ast.parse(plant(mistake, source))) != ast.dump(ast.parse(source))


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_it_is_caught_and_the_report_says_where(court, mistake):
    verdict = court(mistake)
    assert verdict.failed_test, "the whole suite passes with this mistake in it"
    first_line = verdict.report.split("\n")[0]
    assert mistake.report in first_line
    assert bool(mistake.report) == bool(first_line)


def test_a_faithful_copy_passes(court):
    """In the process that has judged all the mistakes: none of them is left in it, and it was they that turned the suite red."""
    verdict = court(None)
    assert verdict.failed_test == ""
    assert verdict.report == ""
