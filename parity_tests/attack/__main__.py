"""`python -m parity_tests.attack --tries 100000`: the attack, a table of what came of it, and every try that went wrong."""

import argparse
import sys
import time

from parity_tests.attack.attack import GOOD, OUTCOMES, Try, attack, count
from parity_tests.attack.targets import TARGETS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m parity_tests.attack", description=__doc__)
    parser.add_argument("--tries", type=int, default=2000, help="tries over all formats together")
    parser.add_argument("--first", type=int, default=0, help="number of the first try, which seeds it")
    parser.add_argument("--only", action="append", choices=list(TARGETS), help="only this format (may be repeated)")
    args = parser.parse_args()
    names = args.only or list(TARGETS)
    each = -(-args.tries // len(names))
    everything: list[Try] = []
    wrong: list[tuple[str, Try]] = []
    start = time.perf_counter()
    print(f"{'format':<28}" + "".join(f"{outcome:>14}" for outcome in OUTCOMES), flush=True)
    for name in names:
        tries = list(attack(name, range(args.first, args.first + each)))
        everything += tries
        wrong += [(name, done) for done in tries if done.outcome not in GOOD]
        print_row(name, tries)
    print_row("together", everything)
    print(
        f"{len(everything):,} tries in {time.perf_counter() - start:,.0f} s; the slowest took "
        f"{max(done.seconds for done in everything):.2f} s, the largest {max(done.megabytes for done in everything):.0f} MB"
    )
    for name, done in wrong[:50]:
        print(f"{done.outcome}: --only {name!r} --first {done.number} --tries 1: {done.file}, {done.words!r}")
    return 1 if wrong else 0


def print_row(name: str, tries: list[Try]) -> None:
    counts = count(tries)
    print(f"{name:<28}" + "".join(f"{counts[outcome]:>14,}" for outcome in OUTCOMES), flush=True)


if __name__ == "__main__":
    sys.exit(main())
