"""python -m village [folder]: make the generated files again, in `shared_gpt/text/data` or in the folder."""

import sys
from pathlib import Path

from village import write_files

if __name__ == "__main__":
    write_files(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent / "shared_gpt" / "text" / "data")
