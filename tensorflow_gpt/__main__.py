"""`python -m tensorflow_gpt COMMAND`."""

import sys

from shared_gpt.cli import tensorflow_command

if __name__ == "__main__":
    sys.exit(tensorflow_command())
