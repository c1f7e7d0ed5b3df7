"""The generator of the texts that ship: the instruction set, the textbook and the labelled messages of one village.

Everything is drawn from fixed seeds, so `python -m village` makes the files in `shared_gpt/text/data` again, byte for byte.
"""

import json
from pathlib import Path

from village.instructions import make_instructions, read_facts
from village.labels import make_labels
from village.textbook import make_textbook

__all__ = ["make_instructions", "make_labels", "make_textbook", "read_facts", "write_files"]


def write_files(folder: str | Path) -> None:
    """Write instructions.json (one entry on each line), labels.tsv (label TAB message) and marren/textbook.txt."""
    folder = Path(folder)
    entries = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in make_instructions())
    rows = "".join(f"{label}\t{text}\n" for label, text in make_labels())
    # Bytes, so that the line endings are the same on every system.
    (folder / "instructions.json").write_bytes(f"[\n{entries}\n]\n".encode())
    (folder / "labels.tsv").write_bytes(rows.encode())
    (folder / "marren").mkdir(exist_ok=True)
    (folder / "marren" / "textbook.txt").write_bytes(make_textbook().encode())
