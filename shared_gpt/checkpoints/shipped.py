"""The models that ship with the project, by name: trained from the texts that ship by `python -m village models`."""

import os
from pathlib import Path

from shared_gpt.files import expanded

FOLDER = Path(__file__).parent.parent / "models"
NAMES = ("marren", "marren-chat", "marren-spam")
MADE_BY = {"instructions": "marren-chat", "labels": "marren-spam"}  # what each kind of fine-tuning made


def local_path(source: str | os.PathLike) -> Path:
    """The path that a source of weights stands for: a shipped model's folder by its name, else the path itself, whether it is
    there or not. A name comes before a path; for a folder of the same name write ./marren."""
    return FOLDER / source if str(source) in NAMES else expanded(source)
