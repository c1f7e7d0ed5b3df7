"""open_checkpoint: find out what a path or a name holds, and open it."""

import os
from pathlib import Path

from shared_gpt.checkpoints import shipped
from shared_gpt.checkpoints.adapters import WEIGHTS, check_adapter, read_adapter, weights_fingerprint
from shared_gpt.checkpoints.book import is_book, open_book
from shared_gpt.checkpoints.checkpoint import Checkpoint, Contents
from shared_gpt.checkpoints.fitting import check
from shared_gpt.checkpoints.folder import FORMS, weights_in
from shared_gpt.checkpoints.hub import NAMES, find_by_name
from shared_gpt.checkpoints.huggingface import open_huggingface
from shared_gpt.checkpoints.openai import open_openai
from shared_gpt.checkpoints.pytorch_bin import PytorchBin
from shared_gpt.checkpoints.run_files import is_run, open_run
from shared_gpt.checkpoints.safetensors_file import SafetensorsFile
from shared_gpt.checkpoints.shards import Shards
from shared_gpt.checkpoints.stored import CheckpointError, TensorFile
from shared_gpt.checkpoints.tensor_bundle import bundle_prefix
from shared_gpt.json_values import short

HUB_OWNER = "openai-community/"  # as PEFT notes the names of GPT-2's weights


def open_checkpoint(source: str | os.PathLike, n_heads: int | None = None, classifier: bool = False) -> Checkpoint:
    """What a path (a folder, or the file itself) or a name ("marren", "marren-chat", "gpt2", "gpt2-medium", "gpt2-large",
    "gpt2-xl") holds. A LoRA adapter is opened as its base with the branches added, where it names its base.

    n_heads: how many attention heads the model has, where its files do not say; no shape shows it. Everything is checked
    against the config before a weight is read. Raises CheckpointError (a ValueError) for files that are damaged or do not
    fit together, and for a classifier where none is asked for; FileNotFoundError for what is not there, ImportError for a
    format whose library is not installed.
    """
    contents = open_contents(weights_path(source))
    try:
        settle_heads(contents, n_heads)
        return with_branches(check(contents, classifier), contents)
    except BaseException:
        contents.file.close()
        raise


def settle_heads(contents: Contents, n_heads: int | None) -> None:
    """Note the number of heads that was asked for. Raises CheckpointError where the files say another."""
    if n_heads is not None and contents.sizes.setdefault("n_heads", n_heads) != n_heads:
        raise CheckpointError(
            f"{contents.sizes_from} gives {contents.path} {short(contents.sizes['n_heads'])} attention heads, not {n_heads}; "
            "leave --n-heads out."
        )


def weights_path(source: str | os.PathLike) -> Path:
    """The one file (or prefix of a TensorFlow checkpoint) that a path or a name stands for; names are looked up on this
    machine and downloaded if need be."""
    path = shipped.local_path(source or "no name")  # an empty one would be the folder that one is in
    if path.is_dir():
        return weights_in(path)
    if path.is_file() or bundle_prefix(path):
        return path
    if str(source) in NAMES:
        return find_by_name(str(source))
    raise FileNotFoundError(
        f"{source or 'An empty name'} is no file and no folder; give one that is there, or a name: "
        f"{', '.join((*shipped.NAMES, *NAMES))}."
    )


def open_contents(path: Path) -> Contents:
    """Open a file in the format that its name says."""
    if prefix := bundle_prefix(path):
        return open_openai(prefix)
    if path.name.endswith(".safetensors.index.json"):
        return open_huggingface(path, Shards(path, SafetensorsFile))
    if path.name.endswith(".bin.index.json"):
        return open_huggingface(path, Shards(path, PytorchBin))
    if path.name == WEIGHTS:
        return open_adapted(path)
    if path.suffix == ".safetensors":
        file = SafetensorsFile(path)
        try:
            return open_run(file) if is_run(file) else open_named(path, file)
        except BaseException:
            file.close()
            raise
    if path.suffix in (".bin", ".pt", ".pth"):
        return open_named(path, PytorchBin(path))
    raise CheckpointError(f"{path} has a name that says nothing about its format; known are: {FORMS}.")


def open_named(path: Path, file: TensorFile) -> Contents:
    """The contents of a file whose names tell whose layout it has."""
    return open_book(path, file) if is_book(file) else open_huggingface(path, file)


def open_adapted(path: Path) -> Contents:
    """The contents of the base that an adapter names, with the adapter."""
    adapter = read_adapter(path.parent)
    if not adapter.base_name:
        raise CheckpointError(
            f"{path.parent} holds LoRA's branches alone and does not name their base; load the base and give it these: load_lora."
        )
    contents = open_contents(weights_path(adapter.base_name.removeprefix(HUB_OWNER)))
    contents.adapter, contents.adapter_folder = adapter, path.parent
    contents.notes.append(f"LoRA's branches of rank {adapter.rank} from {path.parent} are added when it is loaded")
    return contents


def with_branches(checkpoint: Checkpoint, contents: Contents) -> Checkpoint:
    """The checkpoint whose weights are read with the adapter's branches added, if there is an adapter and it fits."""
    if contents.adapter:
        state = {key: checkpoint.read(key, "float32") for key in checkpoint.tensors} if contents.adapter.base else {}
        linears = {key.removesuffix(".weight"): checkpoint.names[key].shape for key in checkpoint.tensors}
        check_adapter(contents.adapter, weights_fingerprint(state), linears, [])
        checkpoint.branches = contents.adapter.branches()
    return checkpoint
