"""Compare what a file contains with its config: one error names what does not fit, before any weight is read."""

import numpy as np

from shared_gpt.checkpoints.checkpoint import Checkpoint, Contents
from shared_gpt.checkpoints.names import HEAD, QKV_BIAS, in_model, weight_names
from shared_gpt.checkpoints.run_files import CLASS_HEAD
from shared_gpt.checkpoints.stored import BLOCK, CheckpointError, read_array
from shared_gpt.config import GPT2_SIZES, GPTConfig

FLOATS = ("float16", "bfloat16", "float32", "float64")
SHOWN_BY = {  # size -> the weight whose shape shows it, and the axis
    "vocab_size": ("wte.weight", 0),
    "emb_dim": ("wte.weight", 1),
    "context_length": ("wpe.weight", 0),
}


def check(contents: Contents, classifier: bool = False) -> Checkpoint:
    """The checkpoint that these contents make, or one error that names what does not fit."""
    file, keys = contents.file, contents.keys
    if not keys:
        held = ", ".join(list(file.tensors)[:3]) or "nothing"
        raise CheckpointError(f"{contents.path} holds no tensor of a GPT-2, but {held}; is it the right file?")
    if not classifier:
        refuse_fine_tuned_parts(contents)
    config = complete_config(contents)
    config = config.replace(tie_embeddings=settle_head(contents, config))
    settle_qkv_bias(contents, config)
    names = weight_names(config)
    problems = [f"{name} is unexpected" for name in contents.unexpected]
    problems += [f"{keys[key]} is unexpected" for key in keys if key not in names]
    for key, name in names.items():
        shape = name.shape_in(contents.layout)
        if key not in keys:
            problems += [f"{key} {shape} is missing"] if in_model(key, config) else []
        elif contents.shape(key) != shape:
            problems.append(f"{keys[key]} is {contents.shape(key)} instead of {shape}")
        elif (dtype := file.tensors[keys[key]].dtype) not in FLOATS:
            problems.append(f"{keys[key]} is {dtype} instead of one of {', '.join(FLOATS)}")
    if problems:
        more = f"; and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise CheckpointError(
            f"{contents.path} does not fit {contents.sizes_from} ({sizes_in_words(config)}): {'; '.join(problems[:3])}{more}. "
            "Give the weights and the config of one model."
        )
    tensors = {key: file.tensors[keys[key]] for key in names if in_model(key, config)}
    if (
        claimed := sum(t.nbytes for key, t in tensors.items() if key != HEAD)
    ) > file.size:  # the head may lie where wte does
        raise CheckpointError(f"{contents.path} has {file.size} bytes but claims {claimed} of weights; fetch it again.")
    return Checkpoint(contents.path, contents.layout, config, file, names, tensors, contents.ignored, contents.notes)


def refuse_fine_tuned_parts(contents: Contents) -> None:
    """Refuse a fine-tuning run's file that holds no model to write text with, and say what it is for."""
    if contents.layout == "run" and (bias := contents.file.tensors.get("model.lm_head.bias")):
        raise CheckpointError(
            f"{contents.path} holds a classifier of {bias.shape[0]} classes, which writes no text; sort texts with it: "
            f"classify --weights {contents.path.parent if contents.path.is_file() else contents.path}."
        )
    if contents.adapter_folder and (contents.adapter_folder / CLASS_HEAD).is_file():
        raise CheckpointError(
            f"{contents.adapter_folder} holds a classifier, which writes no text; sort texts with it: classify --weights "
            f"{contents.adapter_folder}."
        )
    if contents.layout == "run" and any(".lora_A" in name for name in contents.file.tensors):
        raise CheckpointError(
            f"{contents.path} holds LoRA's matrices apart from the weights, for --resume; load best.safetensors beside it, "
            "where they are merged."
        )


def complete_config(contents: Contents) -> GPTConfig:
    """The config that the files state. What they leave out is read off the tensors' shapes, as far as those can tell."""
    sizes = dict(contents.sizes)
    blocks = 1 + max((int(key.split(".")[1]) for key in contents.keys if key.startswith("h.")), default=-1)
    for size, (key, axis) in SHOWN_BY.items():
        if size not in sizes:
            if key not in contents.keys or len(contents.shape(key)) != 2:
                raise CheckpointError(f"{contents.path} holds no matrix {key}: it is no whole GPT-2; fetch it again.")
            sizes[size] = contents.shape(key)[axis]
    sizes.setdefault("n_layers", blocks)
    if "n_heads" not in sizes:
        same_size = [s for s in GPT2_SIZES.values() if all(s[key] == sizes[key] for key in ("emb_dim", "n_layers"))]
        if not same_size:
            raise CheckpointError(
                f"{contents.sizes_from} does not say how many attention heads {contents.path} has, and its tensors "
                "cannot; say it with --n-heads (n_heads in Python), or put the model's config.json or hparams.json beside it."
            )
        sizes["n_heads"] = same_size[0]["n_heads"]
        contents.notes.append(
            f"{sizes['n_heads']} heads, as in GPT-2 of this width; {contents.sizes_from} does not say"
        )
    if sizes.get("tie_embeddings", True) is None:
        del sizes["tie_embeddings"]
    try:
        config = GPTConfig(**sizes)
    except ValueError as error:
        raise CheckpointError(f"{contents.sizes_from}: {str(error)[:300]}") from error
    if config.n_layers > blocks:
        raise CheckpointError(
            f"{contents.path} holds {blocks} blocks where {contents.sizes_from} says n_layers {config.n_layers}; "
            "give the weights and the config of one model."
        )
    return config


def settle_head(contents: Contents, config: GPTConfig) -> bool:
    """Whether the head is the token embedding: by the config or, where that does not say, by comparing the two. A head that
    repeats the embedding is ignored; one that differs is refused if the config calls it tied."""
    stated = contents.sizes.get("tie_embeddings")
    if HEAD not in contents.keys or stated is False:
        return stated is not False
    same = "wte.weight" in contents.keys and equal_tensors(contents, HEAD, "wte.weight")
    if stated and not same:
        raise CheckpointError(
            f"{contents.path}: tensor {contents.keys[HEAD]} differs from {contents.keys.get('wte.weight')}, but "
            f'{contents.sizes_from} says that they are tied; write "tie_word_embeddings": false there to load the head.'
        )
    if same:
        contents.ignored[contents.keys.pop(HEAD)] = "the same as wte.weight: the head is tied"
    return same


def settle_qkv_bias(contents: Contents, config: GPTConfig) -> None:
    """Leave out the biases of q, k and v for a model without: other programs' files always hold them, as zeros."""
    for key in [key for key in contents.keys if key.endswith(QKV_BIAS) and not config.qkv_bias]:
        if contents.file.tensors[contents.keys[key]].dtype not in FLOATS:
            continue  # refused below, with all that does not fit
        if np.any(read_array(contents.file, contents.keys[key])):
            raise CheckpointError(
                f"{contents.path}: tensor {contents.keys[key]} is not zero, but {contents.sizes_from} says that there is "
                'no bias; write "qkv_bias": true there to load it.'
            )
        contents.ignored[contents.keys.pop(key)] = "zeros: the model has no biases for q, k and v"


def equal_tensors(contents: Contents, one: str, other: str) -> bool:
    """Whether two tensors hold the same bytes."""
    tensors = [contents.file.tensors[contents.keys[key]] for key in (one, other)]
    if tensors[0].dtype != tensors[1].dtype or tensors[0].shape != tensors[1].shape:
        return False
    readers = [contents.file.reader(tensor.name) for tensor in tensors]
    for start in range(0, tensors[0].nbytes, BLOCK):
        blocks = [bytearray(min(BLOCK, tensors[0].nbytes - start)) for _ in readers]
        for reader, block in zip(readers, blocks):
            reader.readinto(memoryview(block))
        if blocks[0] != blocks[1]:
            return False
    return True


def sizes_in_words(config: GPTConfig) -> str:
    sizes = ("vocab_size", "context_length", "emb_dim", "n_heads", "n_layers")
    return ", ".join(f"{size} {getattr(config, size)}" for size in sizes)
