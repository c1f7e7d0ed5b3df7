"""gpt-exercise COMMAND, or `python -m exercises COMMAND`: the path from a blank method to a GPT of one's own."""

import sys

from exercises.commands import ALL
from shared_gpt.streams import run_program
from shared_gpt.suggestions import did_you_mean

PROGRAM = "gpt-exercise"


def main(args: list[str] | None = None) -> int:
    """Run a command and return its exit status; an error is one line."""
    return run_program(PROGRAM, lambda: run(sys.argv[1:] if args is None else args))


def run(args: list[str]) -> int:
    """Parse the command and run it; without one, show the path."""
    import tyro

    if args and not args[0].startswith("-") and args[0] not in ALL:
        raise ValueError(f"There is no command {args[0]!r}{did_you_mean(args[0], ALL)} All commands: {PROGRAM} --help")
    if not args:
        args = ["list"]
    if args[0] in ALL:
        command, prog, options = ALL[args[0]], f"{PROGRAM} {args[0]}", args[1:]
        request = tyro.cli(command, prog=prog, description=command.__doc__, args=options, config=_CONFIG)
    else:
        request = tyro.extras.subcommand_cli_from_dict(
            ALL, prog=PROGRAM, description=__doc__, args=args, config=_CONFIG
        )
    return request.run() or 0


def _config() -> tuple:
    import tyro

    return tyro.conf.FlagCreatePairsOff, tyro.conf.OmitArgPrefixes


_CONFIG = _config()

if __name__ == "__main__":
    sys.exit(main())
