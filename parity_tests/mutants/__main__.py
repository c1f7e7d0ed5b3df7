"""Small changes at random in numpy_gpt's rooms and in shared_gpt/text: does the suite notice every one?

python -m parity_tests.mutants --sample 200       # that many, drawn at random
python -m parity_tests.mutants sampling.py        # every mutant of one file
"""

import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from parity_tests.mutants.closest import closest, files, rest
from parity_tests.mutants.equivalent import reason
from parity_tests.mutants.judge import ROOT, judge, load_libraries
from parity_tests.mutants.mutate import Mutant, mutants
from shared_gpt.streams import run_program

KINDS = ("killed by the closest tests", "killed by the rest", "equivalent", "survived")
LIKELY = 12  # tests that killed other mutants of a file, which run first


def main(
    part: Annotated[str, tyro.conf.Positional] = "",
    sample: int | None = None,
    seed: int = 0,
    seconds: float = 60.0,
    minutes: float | None = None,
    and_rest: bool = True,
    log: Path | None = None,
) -> int:
    """Change numpy_gpt's rooms and shared_gpt/text in one small way at a time, and print the changes that no test notices.

    The exit status is 0 if every mutant is killed, or known to change nothing.

    Args:
        part: only files with this in their path
        sample: so many mutants, drawn at random; else all
        seed: draws them
        seconds: a mutant whose tests take longer is taken to run for ever, and counts as killed
        minutes: stop after so long, and count what has been judged
        and_rest: whether the rest of the tests runs where the closest ones do not notice
        log: a file to which a line of JSON is written for each mutant; those that it holds already are not judged again
    """
    chosen = draw([m for m in every_mutant() if part in m.file], sample, seed)
    if not chosen:
        raise ValueError(f"No file has {part!r} in its path; the files are {', '.join(files())}.")
    load_libraries()
    counts: Counter[str] = Counter()
    began = time.monotonic()
    for number, (mutant, kind) in enumerate(judged(chosen, seconds, and_rest, log), start=1):
        counts[kind] += 1
        if kind == "survived":
            print(f"{mutant.file}:{mutant.line}, {mutant.place}\n    {mutant.code}\n    {mutant.change}", flush=True)
        if number % 50 == 0:
            print(f"{number} of {len(chosen)} after {(time.monotonic() - began) / 60:.0f} min", file=sys.stderr)
        if minutes and time.monotonic() - began > 60 * minutes:
            break
    print(summary(counts, time.monotonic() - began))
    return 1 if counts["survived"] else 0


def every_mutant() -> list[Mutant]:
    return [mutant for file in files() for mutant in mutants(file, (ROOT / file).read_text(encoding="utf-8"))]


def draw(those: list[Mutant], sample: int | None, seed: int) -> list[Mutant]:
    """So many of them at random, in random order; all of them, in theirs, where no number is given."""
    if sample is None:
        return those
    if sample < 1:
        raise ValueError(f"--sample is {sample}; give at least 1.")
    order = np.random.default_rng(seed).permutation(len(those))[:sample]
    return [those[i] for i in order]


def judged(chosen: list[Mutant], seconds: float, and_rest: bool, log: Path | None) -> Iterator[tuple[Mutant, str]]:
    """Each mutant with one of KINDS."""
    known, sound = read_log(log), set()
    killers: dict[str, list[str]] = defaultdict(list)  # by file, the latest first
    for mutant in chosen:
        if reason(mutant):
            yield mutant, "equivalent"
            continue
        line = [mutant.file, mutant.line, mutant.code, mutant.change, mutant.start]
        if (verdict := known.get(str(line))) is None:
            for test in set(closest(mutant.file)) - sound:
                check_sound(test)
                sound.add(test)
            verdict = judge_with(mutant, seconds, and_rest, killers[mutant.file])
            if log:
                with log.open("a", encoding="utf-8") as file:
                    file.write(json.dumps([line, verdict], ensure_ascii=False) + "\n")
        if verdict[0] == KINDS[0]:
            killers[mutant.file] = [verdict[1], *(name for name in killers[mutant.file] if name != verdict[1])][:LIKELY]
        yield mutant, verdict[0]


def judge_with(mutant: Mutant, seconds: float, and_rest: bool, likely: list[str]) -> list[str]:
    """One of KINDS, and the test that failed."""
    if failed := judge(mutant, closest(mutant.file), seconds, likely):
        return [KINDS[0], failed]
    if and_rest and (failed := judge(mutant, rest(mutant.file), 10 * seconds)):
        return [KINDS[1], failed]
    return ["survived", ""]


def check_sound(test: str) -> None:
    """RuntimeError if a test file fails where nothing was changed."""
    if failed := judge(None, [test], 600):
        raise RuntimeError(f"{failed} fails without any mutant, so it can judge none; mend it first.")


def read_log(log: Path | None) -> dict[str, list[str]]:
    if log is None or not log.exists():
        return {}
    return {str(line): verdict for line, verdict in map(json.loads, log.read_text(encoding="utf-8").splitlines())}


def summary(counts: Counter[str], seconds: float) -> str:
    number = sum(counts.values())
    changing = number - counts["equivalent"]
    lines = [f"\n{number:,} mutants in {seconds / 60:.0f} min:"]
    lines += [f"{counts[kind]:7,} {kind}" for kind in KINDS]
    share = 1 - counts["survived"] / max(changing, 1)
    return "\n".join([*lines, f"{share:.2%} of those that change anything are killed."])


if __name__ == "__main__":
    sys.exit(run_program("mutants", lambda: tyro.cli(main, prog="python -m parity_tests.mutants")))
