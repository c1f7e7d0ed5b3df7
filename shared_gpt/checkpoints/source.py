"""open_checkpoint: find out what a path or a name holds, and open it."""

import os
import re
from pathlib import Path

from shared_gpt.checkpoints.checkpoint import Checkpoint, Contents
from shared_gpt.checkpoints.fitting import check
from shared_gpt.checkpoints.huggingface import open_huggingface
from shared_gpt.checkpoints.openai import find_prefix, open_openai
from shared_gpt.checkpoints.pytorch_bin import PytorchBin
from shared_gpt.checkpoints.run_files import BEST, LAST, is_run, open_run
from shared_gpt.checkpoints.safetensors_file import SafetensorsFile
from shared_gpt.checkpoints.shards import Shards
from shared_gpt.checkpoints.stored import CheckpointError
from shared_gpt.checkpoints.tensor_bundle import bundle_prefix

FORMS = (
    "OpenAI's model.ckpt.index with its data file, model.safetensors, model.safetensors.index.json, pytorch_model.bin, "
    f"or a run's {BEST} or {LAST}"
)


def open_checkpoint(source: str | os.PathLike) -> Checkpoint:
    """What a path (a folder, or the file itself) or a name ("gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl") holds.

    Everything is checked against the config before a weight is read. Raises CheckpointError (a ValueError) for files that
    are damaged or do not fit together, FileNotFoundError for what is not there, ImportError for a format whose library is
    not installed.
    """
    contents = open_contents(locate(source))
    try:
        return check(contents)
    except BaseException:
        contents.file.close()
        raise


def locate(source: str | os.PathLike) -> Path:
    """The one file (or prefix of a TensorFlow checkpoint) that a source stands for; names are looked up and downloaded."""
    path = Path(source).expanduser()
    if path.is_dir():
        found = candidates(path)
        if not found:
            raise FileNotFoundError(f"{path} holds no weights; expected is one of: {FORMS}.")
        if len(found) > 1:
            names = ", ".join(candidate.name for candidate in found[:5])
            raise CheckpointError(
                f"{path} holds several models ({names}); name one of these files instead of the folder."
            )
        return found[0]
    if path.is_file() or bundle_prefix(path):
        return path
    from shared_gpt.checkpoints.hub import NAMES, find_by_name

    if str(source) in NAMES:
        return find_by_name(str(source))
    raise FileNotFoundError(
        f"{source} is no file and no folder; give one that is there, or a name: {', '.join(NAMES)}."
    )


def candidates(folder: Path) -> list[Path]:
    """Everything in a folder that could be meant as the weights."""
    found = [prefix] if (prefix := find_prefix(folder)) else []
    files = {path.name: path for path in sorted(folder.iterdir()) if path.is_file()}
    run = next((files[name] for name in (BEST, LAST) if name in files), None)
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
        elif (joined != name and joined in stems) or name in (BEST, LAST):
            continue
        elif name.endswith(".safetensors") or re.fullmatch(r"pytorch_model.*\.bin", name):
            found.append(path)
    return found


def open_contents(path: Path) -> Contents:
    """Open the file at a path by what it is called."""
    if prefix := bundle_prefix(path):
        return open_openai(prefix)
    if path.name.endswith(".safetensors.index.json"):
        return open_huggingface(path, Shards(path, SafetensorsFile))
    if path.name.endswith(".bin.index.json"):
        return open_huggingface(path, Shards(path, PytorchBin))
    if path.suffix == ".safetensors":
        file = SafetensorsFile(path)
        try:
            return open_run(file) if is_run(file) else open_huggingface(path, file)
        except BaseException:
            file.close()
            raise
    if path.suffix in (".bin", ".pt", ".pth"):
        return open_huggingface(path, PytorchBin(path))
    raise CheckpointError(f"{path} has a name that says nothing of its format; known are: {FORMS}.")
