"""What the suite and the report say of each planted mistake, kept for the reader's pages, since finding out takes minutes.

`python -m parity_tests.mistakes --keep` judges anew those whose text has changed, and a test says when that is due.
"""

import hashlib
import json

from parity_tests.mistakes.judge import ROOT, judge, judges
from parity_tests.mistakes.mistake import Mistake
from parity_tests.mistakes.planted import MISTAKES
from parity_tests.mistakes.spread import spread
from shared_gpt.files import written_beside

VERDICTS = ROOT / "reader" / "data" / "verdicts.json"


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


def keep(chosen: list[Mistake]) -> None:
    """Judge mistakes, and keep each verdict as it comes."""
    found = verdicts()
    with judges(1) as pool:
        for mistake, verdict in zip(chosen, pool.map(_judged, chosen)):
            found[mistake.name] = verdict
            ordered = {one.name: found[one.name] for one in MISTAKES if one.name in found}
            with written_beside(VERDICTS) as file:
                file.write((json.dumps(ordered, indent=1, ensure_ascii=False) + "\n").encode())


def _judged(mistake: Mistake) -> dict:
    verdict = judge(mistake)
    test = verdict.failed_test.removeprefix("parity_tests/").split("[")[0]
    report = verdict.report.split("\n")[0]
    return {"fingerprint": fingerprint(mistake), "test": test, "report": report, "spread": spread(mistake)}
