"""Which of a folder's files are its weights."""

import re
from pathlib import Path

from shared_gpt.checkpoints.openai import find_prefix
from shared_gpt.checkpoints.run_files import BEST, CLASS_HEAD, LAST, PREVIOUS
from shared_gpt.checkpoints.stored import CheckpointError

FORMS = (
    "OpenAI's model.ckpt.index with its data file, model.safetensors, model.safetensors.index.json, pytorch_model.bin, "
    f"a run's {BEST} or {LAST}, or the book's model.pth"
)
HUB_FIRST = ("model.safetensors", "model.safetensors.index.json")  # the order in which transformers looks
HUB_SECOND = ("pytorch_model.bin", "pytorch_model.bin.index.json")


def weights_in(folder: Path) -> Path:
    """The one file (or prefix of a TensorFlow checkpoint) that holds a folder's weights. Raises FileNotFoundError where
    there is none, CheckpointError where there are several."""
    found = candidates(folder)
    if not found:
        raise FileNotFoundError(f"{folder} holds no weights; expected is one of: {FORMS}.")
    if any(path.name in HUB_FIRST for path in found):  # a repository of the hub holds one model in several formats
        found = [path for path in found if path.name not in HUB_SECOND]
    if len(found) > 1:
        names = ", ".join(candidate.name for candidate in found[:5])
        raise CheckpointError(
            f"{folder} holds several models ({names}); name one of these files instead of the folder."
        )
    return found[0]


def candidates(folder: Path) -> list[Path]:
    """Everything in a folder that could be meant as its weights. Of a run's two files the best counts, and several files
    that one index joins count as one."""
    found = [prefix] if (prefix := find_prefix(folder)) else []
    files = {path.name: path for path in sorted(folder.iterdir()) if path.is_file()}
    run = next((files[name] for name in (BEST, LAST, PREVIOUS) if name in files), None)
    found += [run] if run else []
    stems = {
        name.removesuffix(".index.json")
        for name in files
        if name.endswith((".safetensors.index.json", ".bin.index.json"))
    }
    for name, path in files.items():
        joined = re.sub(r"-\d{5}-of-\d{5}(?=\.\w+$)", "", name)
        if name.endswith(".index.json") and name.removesuffix(".index.json") in stems:
            found.append(path)
        elif (joined != name and joined in stems) or name in (BEST, LAST, PREVIOUS, CLASS_HEAD):
            continue
        elif name.endswith(".safetensors") or re.fullmatch(r"pytorch_model.*\.bin", name):
            found.append(path)
    # Beside other weights such a file is something else, such as the state of a generator.
    return found or [path for name, path in files.items() if name.endswith(".pth")]
