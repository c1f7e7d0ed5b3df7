"""`python -m torch_gpt COMMAND`."""

import sys

import torch_gpt
from numpy_gpt.cli import main as run_command


def main() -> int:
    return run_command(torch_gpt)


if __name__ == "__main__":
    sys.exit(main())
