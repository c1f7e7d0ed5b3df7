"""docs/parity.md states what the code is."""

import re

from parity_tests.report.checks import CHECKS
from parity_tests.report.replace import read_spec
from parity_tests.report.targets import PAGE, page_with_targets


def test_the_signatures_on_the_page_are_those_of_the_code():
    page = PAGE.read_text(encoding="utf-8")
    assert page == page_with_targets(page), "run python -m parity_tests.report.targets"


def test_every_target_on_the_page_can_be_replaced(tmp_path):
    file = tmp_path / "mine.py"
    file.touch()
    targets = re.findall(r"^ *- `(\w+\.[\w.]+)\(", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(targets) > 150
    for target in targets:
        assert read_spec(f"{target}={file}")[0] == target


def test_the_page_names_as_many_checks_as_there_are():
    listed = re.search(r"The checks, in their order: (.*?)\.\s", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1]
    assert len(listed.split(";")) == len(CHECKS)
