"""Which test catches each planted mistake, and what the report says of it.

python -m parity_tests.mistakes          # all of them
python -m parity_tests.mistakes dk       # those with this in their name, each with its reason and what the report says
python -m parity_tests.mistakes --keep   # judge those whose text has changed, and keep the verdicts for the reader's pages
"""

import sys
from typing import Annotated

import tyro
from rich.console import Console
from rich.text import Text

from parity_tests.mistakes import kept
from parity_tests.mistakes.judge import judge, judges
from parity_tests.mistakes.planted import MISTAKES
from shared_gpt.streams import run_program


def main(part: Annotated[str, tyro.conf.Positional] = "", keep: bool = False) -> int:
    """Plant mistakes one at a time in a copy of numpy_gpt, and print which test of the suite catches each.

    Args:
        part: only the mistakes with this in their name, with the reason for each and what the report says
        keep: judge only those that have changed since they were judged for the reader's pages, or with a part of a name those,
            and write the verdicts to reader/data/verdicts.json
    """
    chosen = [mistake for mistake in MISTAKES if part.lower() in mistake.name.lower()]
    if not chosen:
        print(f"No mistake has {part!r} in its name; leave the name out to see them all.", file=sys.stderr)
        return 2
    if keep:
        chosen = chosen if part else kept.stale()
        kept.keep(chosen)
        print(f"{len(chosen)} mistakes judged; see {kept.VERDICTS.name}")
        return 0
    console, missed, file = Console(highlight=False), 0, ""
    with judges(2) as pool:
        verdicts = pool.map(judge, chosen)
        for mistake in chosen:
            with console.status(f"{mistake.file}: {mistake.name} ..."):
                verdict = next(verdicts)
            if mistake.file != file:
                file = mistake.file
                console.print(Text(f"\n{file}", "bold"))
            test = verdict.failed_test.removeprefix("parity_tests/")
            missed += not test
            console.print(Text.assemble(("✓ " if test else "✗ "), mistake.name, style="" if test else "bold red"))
            console.print(Text(f"    {test or 'NOT CAUGHT'}", "dim" if test else "bold red"), soft_wrap=True)
            if part:
                console.print(f"    why: {mistake.why}", markup=False, soft_wrap=True)
                console.print(f"    report: {verdict.report or 'the twins agree'}", markup=False, soft_wrap=True)
    style = "bold red" if missed else "bold green"
    console.print(f"\n{len(chosen) - missed} of {len(chosen)} mistakes caught.", style=style)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(run_program("mistakes", lambda: tyro.cli(main, prog="python -m parity_tests.mistakes")))
