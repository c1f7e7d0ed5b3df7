"""`python -m torch_gpt COMMAND`."""

import sys

from numpy_gpt.cli import torch_command

if __name__ == "__main__":
    sys.exit(torch_command())
