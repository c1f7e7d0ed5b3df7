"""The planted mistakes of a room, each on the line where it sits, with what the report said and which test caught it."""

import difflib

from parity_tests.mistakes.judge import plant
from parity_tests.mistakes.kept import verdicts
from parity_tests.mistakes.planted import MISTAKES
from reader.answers import lines_of
from reader.witnesses import witnesses


def guards(room: str) -> list[dict]:
    """What a page shows of the mistakes in its room, as the script reads it."""
    right, found = lines_of(room), verdicts()
    shown = []
    for mistake in (one for one in MISTAKES if one.file == f"{room}.py"):
        wrong = plant(mistake, "\n".join(right) + "\n").splitlines()
        opcodes = difflib.SequenceMatcher(None, right, wrong, autojunk=False).get_opcodes()
        changes = [(begin + 1, end + 1) for tag, begin, end, _, _ in opcodes if tag != "equal"]
        diff = [(line[0], line[2:].strip()) for line in difflib.ndiff(right, wrong) if line[:2] in ("- ", "+ ")]
        verdict = found.get(mistake.name, {"test": "", "report": mistake.report, "spread": ""})
        witness = witnesses().get(verdict["test"])
        shown.append(
            {
                "name": mistake.name,
                "why": mistake.why,
                "number": changes[0][0],
                "struck": [number for change in changes for number in range(*change)],
                "diff": [line for line in diff if not line[1].startswith("#")],
                "at": witness.address if witness else "",
                **{key: verdict[key] for key in ("report", "test", "spread")},
            }
        )
    return sorted(shown, key=lambda one: one["number"])
