"""`python -m numpy_gpt COMMAND`."""

import sys

import numpy_gpt
from numpy_gpt.cli import main as run_command


def main() -> int:
    return run_command(numpy_gpt)


if __name__ == "__main__":
    sys.exit(main())
