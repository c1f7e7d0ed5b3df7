"""`python -m torch_gpt COMMAND`."""

import sys

from shared_gpt.cli import torch_command

if __name__ == "__main__":
    sys.exit(torch_command())
