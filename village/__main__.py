"""Writes the generated data files again, into `shared_gpt/text/data` or the folder given."""

import sys
from pathlib import Path

from village import write_files

if __name__ == "__main__":
    write_files(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent / "shared_gpt" / "text" / "data")
