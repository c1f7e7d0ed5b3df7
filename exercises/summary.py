"""The teacher's page: who is where, who is stuck, and which mistakes are the most common."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from html import escape
from pathlib import Path

from exercises.grading import Grade
from exercises.path import EXERCISES
from shared_gpt.files import written_beside

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #222; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; }
td, th { padding: .25rem .5rem; border: 1px solid #ddd; text-align: left; vertical-align: top; }
.map { overflow-x: auto; } .map td { text-align: center; min-width: 1.4rem; }
.map th.exercise { writing-mode: vertical-rl; transform: rotate(180deg); font-weight: normal; padding: .5rem .1rem; }
td.passed { background: #cfe8d8; } td.wrong { background: #f6d3c9; } td.refused { background: #e3cdea; }
td.open { background: #f1f1f1; } td.number { text-align: right; } code { font-size: .92em; }
"""
MARKS = {"passed": ("passed", "✓"), "wrong": ("wrong", "✗"), "refused": ("refused", "!"), "not written": ("open", "·")}
MOST = 12  # rows of the tables of mistakes


def write_page(path: Path, grades: Sequence[Grade], title: str) -> None:
    """Write the page, whole or not at all."""
    with written_beside(path) as beside:
        beside.write(page(grades, title).encode("utf-8"))


def page(grades: Sequence[Grade], title: str) -> str:
    """The page as text. Everything that comes from a student is escaped."""
    passed = sum(one.verdict.passed for one in grades)
    students = sorted({one.student for one in grades})
    parts = [
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{escape(title)}</title><style>{STYLE}</style>",
        f"<h1>{escape(title)}</h1>",
        f"<p>{len(students)} students, {len(grades)} exercises handed in, {passed} passed.</p>",
        "<h2>Who is where</h2>",
        "<p>✓ passed &nbsp; ✗ not right &nbsp; ! not run (no Python, or beyond the exercise) &nbsp; · not written</p>",
        _map(grades, students),
        "<h2>Where many are stuck</h2>",
        _stuck(grades),
        "<h2>The most common mistakes</h2>",
        _mistakes(grades),
        "<h2>Every finding</h2>",
        _findings(grades),
    ]
    return "\n".join(parts) + "</html>\n"


def _map(grades: Sequence[Grade], students: Sequence[str]) -> str:
    chosen = [e for e in EXERCISES if any(one.exercise is e for one in grades)]
    cells = {(one.student, one.exercise.name): one for one in grades}
    head = "".join(f"<th class='exercise'>{escape(e.name)}</th>" for e in chosen)
    rows = []
    for student in students:
        row = []
        for exercise in chosen:
            one = cells.get((student, exercise.name))
            kind, mark = MARKS.get(one.verdict.state, ("open", "")) if one else ("", "")
            tip = escape(one.verdict.first if one else "", quote=True)
            row.append(f"<td class='{kind}' title='{tip}'>{mark}</td>")
        done = sum(one.verdict.passed for one in grades if one.student == student)
        rows.append(f"<tr><th>{escape(student)}</th><td class='number'>{done}</td>{''.join(row)}</tr>")
    return f"<div class='map'><table><tr><th></th><th>done</th>{head}</tr>{''.join(rows)}</table></div>"


def _stuck(grades: Sequence[Grade]) -> str:
    stuck = defaultdict(list)
    for one in grades:
        if one.verdict.state in ("wrong", "refused"):
            stuck[one.exercise.name].append(one.student)
    order = sorted(stuck.items(), key=lambda item: (-len(item[1]), item[0]))[:MOST]
    rows = [
        f"<tr><td>{escape(name)}</td><td class='number'>{len(who)}</td><td>{escape(', '.join(who))}</td></tr>"
        for name, who in order
    ]
    return _table(("exercise", "students", "who"), rows)


def _mistakes(grades: Sequence[Grade]) -> str:
    counted: Counter = Counter()
    for one in grades:
        if one.verdict.state == "wrong" and one.verdict.found:
            counted[one.exercise.name, one.verdict.found[0].likely or one.verdict.found[0].where] += 1
    rows = [
        f"<tr><td class='number'>{number}</td><td>{escape(name)}</td><td>{escape(what)}</td></tr>"
        for (name, what), number in counted.most_common(MOST)
    ]
    return _table(("times", "exercise", "mistake"), rows)


def _findings(grades: Sequence[Grade]) -> str:
    rows = [
        f"<tr><td>{escape(one.student)}</td><td>{escape(one.exercise.name)}</td><td>{escape(one.verdict.first)}</td></tr>"
        for one in grades
        if not one.verdict.passed
    ]
    return _table(("student", "exercise", "finding"), rows)


def _table(heads: Sequence[str], rows: Sequence[str]) -> str:
    if not rows:
        return "<p>None.</p>"
    return f"<table><tr>{''.join(f'<th>{escape(head)}</th>' for head in heads)}</tr>{''.join(rows)}</table>"
