"""`python -m parity_tests [COMMAND] [options]`: how far the twins agree, for a person to read."""

import sys

from shared_gpt.streams import run_program


def main(args: list[str] | None = None) -> int:
    """Run the command and return the exit status; an error is one line."""
    return run_program("gpt-parity", lambda: run(sys.argv[1:] if args is None else args))


def run(args: list[str]) -> int:
    """Run the command, `report` where none is named."""
    import tyro

    from parity_tests.report.curve import Curve
    from parity_tests.report.report import Report
    from parity_tests.report.where import StudentError

    commands = {"report": Report, "curve": Curve}
    name = args[0] if args and args[0] in commands else ""
    choice = f"Commands: {', '.join(commands)}; report where none is named." if not name else ""
    command = commands[name or "report"]
    request = tyro.cli(
        command,
        prog=f"gpt-parity {name}".strip(),
        description="\n\n".join(filter(None, [command.__doc__, choice])),
        args=args[1:] if name else args,
        config=(tyro.conf.FlagCreatePairsOff,),
    )
    try:
        return request.run()
    except StudentError as error:
        print(error)
        return 1


if __name__ == "__main__":
    sys.exit(main())
