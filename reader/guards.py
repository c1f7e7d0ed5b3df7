"""The planted mistakes of a room, each on the line where it sits, with what the report said and which test caught it.

Judging all of them takes minutes, so the verdicts lie in data/verdicts.json. `python -m reader bake` judges anew those whose
text has changed, and a test says when that is due.
"""

import difflib
import hashlib
import json
from pathlib import Path

from parity_tests.mirror import NUMPY
from parity_tests.mistakes.judge import judge, judges, plant
from parity_tests.mistakes.mistake import Mistake
from parity_tests.mistakes.planted import MISTAKES
from reader.spread import spread
from reader.witnesses import address_of_test
from shared_gpt.files import written_beside

VERDICTS = Path(__file__).parent / "data" / "verdicts.json"


def fingerprint(mistake: Mistake) -> str:
    """Of what a verdict depends on: the mistake's text, and what the report is expected to say."""
    text = "\n".join((mistake.file, mistake.find, mistake.put, mistake.report))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def verdicts() -> dict[str, dict]:
    """By the mistake's name: its fingerprint, `test`, `report` and `spread` (see spread.py)."""
    return json.loads(VERDICTS.read_text(encoding="utf-8")) if VERDICTS.exists() else {}


def stale() -> list[Mistake]:
    """Those that have no verdict, or another text than the one that was judged."""
    found = verdicts()
    return [one for one in MISTAKES if found.get(one.name, {}).get("fingerprint") != fingerprint(one)]


def bake(everything: bool = False) -> int:
    """Judge the stale mistakes, or all of them, and keep each verdict as it comes; returns how many were judged."""
    chosen = MISTAKES if everything else stale()
    found = verdicts()
    with judges(1) as pool:
        for mistake, verdict in zip(chosen, pool.map(_judged, chosen)):
            found[mistake.name] = verdict
            ordered = {one.name: found[one.name] for one in MISTAKES if one.name in found}
            with written_beside(VERDICTS) as file:
                file.write((json.dumps(ordered, indent=1, ensure_ascii=False) + "\n").encode())
    return len(chosen)


def _judged(mistake: Mistake) -> dict:
    verdict = judge(mistake)
    test = verdict.failed_test.removeprefix("parity_tests/").split("[")[0]
    report = verdict.report.split("\n")[0]
    return {"fingerprint": fingerprint(mistake), "test": test, "report": report, "spread": spread(mistake)}


def guards(room: str) -> list[dict]:
    """What a page shows of the mistakes in its room, as the script reads it."""
    path, found = NUMPY / f"{room}.py", verdicts()
    source = path.read_text(encoding="utf-8") if path.exists() else ""
    shown = []
    for mistake in (one for one in MISTAKES if one.file == f"{room}.py"):
        wrong = plant(mistake, source)
        changed = [line for line in difflib.ndiff(source.splitlines(), wrong.splitlines()) if line[:2] in ("- ", "+ ")]
        verdict = found.get(mistake.name, {"test": "", "report": mistake.report, "spread": ""})
        number = _line_of_change(source.splitlines(), wrong.splitlines())
        shown.append(
            {
                "name": mistake.name,
                "why": mistake.why,
                "number": number,
                "line": f"n{number}",
                "diff": [[line[0], line[2:].strip()] for line in changed if not line[2:].lstrip().startswith("#")],
                "report": verdict["report"],
                "test": verdict["test"],
                "at": address_of_test(verdict["test"]),
                "spread": verdict["spread"],
            }
        )
    return shown


def _line_of_change(right: list[str], wrong: list[str]) -> int:
    """The first line, from 1, that the mistake changes or leaves out."""
    changes = difflib.SequenceMatcher(None, right, wrong, autojunk=False).get_opcodes()
    return next(a0 for tag, a0, _, _, _ in changes if tag != "equal") + 1
