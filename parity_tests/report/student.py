"""The process in which a student's code runs: `python -m parity_tests.report.student FOLDER`, started by `student_process`.

It computes the NumPy side of every check and writes it to the folder, file by file. It decides nothing.
"""

import faulthandler
import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from numpy_gpt import GPTConfig
from parity_tests.report.checks import CHECKS
from parity_tests.report.evidence import gather, save
from parity_tests.report.replace import replaced
from parity_tests.report.subject import Subject
from parity_tests.report.where import StudentError


def main(folder: Path) -> None:
    request = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    warnings.simplefilter("ignore")
    with (folder / "stack.txt").open("w") as stack:
        faulthandler.dump_traceback_later(request["seconds"], exit=True, file=stack)
        try:
            run(folder, request, lambda: faulthandler.dump_traceback_later(request["seconds"], exit=True, file=stack))
        except StudentError as error:
            _tell(folder, student=str(error))
        except ValueError as error:  # the file does not define what it is to replace
            _tell(folder, request=str(error))
        finally:
            faulthandler.cancel_dump_traceback_later()


def run(folder: Path, request: dict[str, Any], wind_up: Any) -> None:
    """Gather the evidence; `wind_up` starts the clock anew for each check."""
    with replaced(request["replace"]) as replacements:
        subject = Subject(GPTConfig(**request["config"]), *request["sizes"], _state(folder))
        for precision, name in request["checks"]:
            (folder / "check.txt").write_text(name, encoding="utf-8")
            wind_up()
            evidence = gather(CHECKS[name], subject, precision, replacements.files)
            save(folder / f"{precision}-{list(CHECKS).index(name)}.npz", evidence)
            if evidence.error:
                break
        _tell(folder, calls=dict(replacements.calls))


def _state(folder: Path) -> dict[str, np.ndarray] | None:
    path = folder / "state.npz"
    return dict(np.load(path, allow_pickle=False)) if path.exists() else None


def _tell(folder: Path, **words: Any) -> None:
    """The last word: a process that ends without it was ended by the student's code."""
    (folder / "end.part").write_text(json.dumps(words), encoding="utf-8")
    (folder / "end.part").replace(folder / "end.json")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
