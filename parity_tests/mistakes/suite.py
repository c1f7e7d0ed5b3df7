"""Runs test files of the suite in this process, as a judge of many changes runs them, and names the first test that fails."""

import contextlib
import io
import os
from collections.abc import Sequence


def first_failure(names: Sequence[str], options: Sequence[str] = (), likely: Sequence[str] = ()) -> str:
    """The first test to fail in these files of parity_tests, which lies in the current folder; "" if all passed. Those that are
    likely to fail run first."""
    import jaxtyping
    import pytest
    from hypothesis import HealthCheck, Phase, settings

    settings.register_profile(
        "judge",
        deadline=None,
        max_examples=10,
        phases=[Phase.explicit, Phase.generate],  # a failing example need not be the smallest
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    # Shapes are not checked: beartype knows our classes by name, and there is a new copy of them for each change.
    jaxtyping.install_import_hook = lambda *_: None
    standard = ["-x", "-q", "--hypothesis-profile=judge", "-c", os.devnull, "--rootdir=.", "-p", "no:cacheprovider"]
    standard += ["-p", "no:unraisableexception"]  # it collects garbage three times over, in all that torch has loaded
    watcher = _Watcher(likely)
    files = [f"parity_tests/{name}.py" for name in names]
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()):
        status = pytest.main([*standard, *options, *files], plugins=[watcher])
    if status != (pytest.ExitCode.TESTS_FAILED if watcher.failed else pytest.ExitCode.OK) and not watcher.collecting:
        raise RuntimeError(f"The suite could not be run; pytest ended with {status!r}:\n{out.getvalue()}")
    return watcher.failed


class _Watcher:
    """A plugin of pytest that runs likely failures first and remembers the first one."""

    def __init__(self, likely: Sequence[str]):
        self.likely = {name: i for i, name in enumerate(likely)}
        self.failed = ""
        self.collecting = False  # whether it came up before a test ran

    def pytest_collection_modifyitems(self, items):
        items.sort(key=lambda item: self.likely.get(item.nodeid, len(self.likely)))

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.failed = self.failed or report.nodeid

    def pytest_collectreport(self, report):
        self.collecting = self.collecting or report.failed
        self.pytest_runtest_logreport(report)
