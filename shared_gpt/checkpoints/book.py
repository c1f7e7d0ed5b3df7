"""The layout of the book *Build a Large Language Model (From Scratch)*: what `torch.save(model.state_dict(), "model.pth")`
writes in its chapter 5, and in which its author publishes GPT-2's weights.

Queries, keys and values have a matrix each there. Here they are one, c_attn, whose rows are those of the three, so that the
three tensors' bytes, one after the other, are c_attn's. Every block also holds its causal mask, a constant. How many heads
the attention has can be read off no shape, and the file does not say: a config.json beside it may, in the book's own
words, or whoever opens it.

Source: Raschka 2024, sections 3.6, 4.2 to 4.6, and 5.4.
"""

import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from shared_gpt.checkpoints.checkpoint import Contents
from shared_gpt.checkpoints.names import HEAD, QKV, QKV_BIAS, Name, in_model, our_key, weight_names
from shared_gpt.checkpoints.stored import CheckpointError, StoredTensor, TensorFile, TensorReader
from shared_gpt.config import GPTConfig
from shared_gpt.files import read_json

PROJECTIONS = ("W_query", "W_key", "W_value")  # in the order of c_attn's rows
MASK = re.compile(r"trf_blocks\.\d+\.att\.mask")
WRAPPED = re.compile(r"^(_orig_mod\.|module\.)+")  # what torch.compile and DistributedDataParallel put before each name


def is_book(file: TensorFile) -> bool:
    """Whether a file names its tensors as the book does."""
    return any(WRAPPED.sub("", name).startswith(("tok_emb.", "trf_blocks.")) for name in file.tensors)


class JoinedFile:
    """A file whose three projections of a block appear as one tensor, under a name with W_* in it."""

    def __init__(self, file: TensorFile):
        self.file, self.size = file, file.size
        self.tensors: dict[str, StoredTensor] = {}
        self.parts: dict[str, list[str]] = {}  # the name here -> the names in the file
        for name, tensor in file.tensors.items():
            found = re.fullmatch(r"(.+\.att\.)W_(?:query|key|value)(\.weight|\.bias)", name)
            joined = found[1] + QKV + found[2] if found else name
            if joined not in self.parts:
                self.parts[joined] = [found[1] + part + found[2] for part in PROJECTIONS] if found else [name]
                self.tensors[joined] = self.join(joined) if found else tensor

    def join(self, joined: str) -> StoredTensor:
        names = self.parts[joined]
        if missing := [name for name in names if name not in self.file.tensors]:
            raise CheckpointError(
                f"{self.file.path} lacks {missing[0]}; an attention has {', '.join(PROJECTIONS)}: fetch it again."
            )
        first, *rest = (self.file.tensors[name] for name in names)
        if not first.shape or any((part.shape, part.dtype) != (first.shape, first.dtype) for part in rest):
            kinds = ", ".join(f"{part.shape} of {part.dtype}" for part in (first, *rest))
            raise CheckpointError(
                f"{self.file.path}: tensor {joined} is made of {kinds}, but the three are alike in a GPT; fetch it again."
            )
        shape = (3 * first.shape[0], *first.shape[1:])
        return StoredTensor(first.file, joined, first.dtype, shape, first.offset, 3 * first.nbytes)

    def reader(self, name: str) -> TensorReader:
        parts = self.parts[name]
        if len(parts) == 1:
            return self.file.reader(parts[0])
        return JoinedReader([(self.file.reader(part), self.file.tensors[part].nbytes) for part in parts])

    def close(self) -> None:
        self.file.close()


class JoinedReader:
    """Reads several tensors as if their bytes followed one another. parts: readers, and how many bytes each of them has."""

    def __init__(self, parts: list[tuple[TensorReader, int]]):
        self.parts = parts

    def readinto(self, buffer: memoryview) -> None:
        while buffer:
            (reader, left), *rest = self.parts
            count = min(left, len(buffer))
            reader.readinto(buffer[:count])
            self.parts = [(reader, left - count), *rest] if count < left else rest
            buffer = buffer[count:]


def open_book(path: Path, file: TensorFile) -> Contents:
    """The contents of a file of the book's code, with what a config.json beside it says in the book's words."""
    refuse_other_models(path, file)
    config = path.with_name("config.json")
    stated = read_json(config, CheckpointError) if config.is_file() else {}
    sizes = {key.name: stated[key.name] for key in fields(GPTConfig) if key.name in stated}
    joined = JoinedFile(file)
    contents = Contents(path, "book", joined, sizes, str(config))
    for name in joined.tensors:
        plain = WRAPPED.sub("", name)
        if key := our_key(plain, "book"):
            contents.keys[key] = name
        elif MASK.fullmatch(plain):
            contents.ignored[name] = "the causal mask, a constant"
        else:
            contents.unexpected.append(name)
    contents.sizes = {"qkv_bias": any(key.endswith(QKV_BIAS) for key in contents.keys)} | sizes
    return contents


def refuse_other_models(path: Path, file: TensorFile) -> None:
    """Refuse what the book makes of a model in chapter 6 and appendix E, and say why."""
    if bias := file.tensors.get("out_head.bias"):
        raise CheckpointError(
            f"{path} holds a classifier of {bias.size} classes, as the book's chapter 6 makes it, which writes no text; "
            "give the model from before."
        )
    if lora := next((name for name in file.tensors if ".lora." in name), None):
        raise CheckpointError(
            f"{path} holds LoRA's matrices apart from the weights ({lora}), and not the alpha that scales them; add them "
            "to the weights in the book's code and save that."
        )


def book_state(config: GPTConfig, get: Callable[[Name], np.ndarray]) -> dict[str, Any]:
    """The state dict that the book's GPTModel of this config loads, as torch's tensors; `get` gives a weight as it is here.
    A tied head, and the mask of all blocks, are stored once."""
    import torch

    names = weight_names(config)
    state: dict[str, Any] = {}
    for key, name in names.items():
        if key == HEAD and config.tie_embeddings:
            state[name.book] = state[names["wte.weight"].book]
        if not in_model(key, config):
            continue
        tensor = torch.from_numpy(np.array(get(name), order="C"))
        parts = zip(PROJECTIONS, tensor.chunk(3)) if QKV in name.book else [(QKV, tensor)]
        state |= {name.book.replace(QKV, part): values for part, values in parts}
    N = config.context_length
    mask = torch.triu(torch.ones(N, N), diagonal=1)
    return state | {f"trf_blocks.{i}.att.mask": mask for i in range(config.n_layers)}
