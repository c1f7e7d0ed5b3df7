"""`python -m numpy_gpt COMMAND`."""

import sys

from shared_gpt.cli import numpy_command

if __name__ == "__main__":
    sys.exit(numpy_command())
