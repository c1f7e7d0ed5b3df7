"""OpenAI's original release: a TensorFlow checkpoint, a file `checkpoint` that names it, and hparams.json.

Source: github.com/openai/gpt-2, src/model.py and src/sample.py.
"""

import re
from pathlib import Path

from shared_gpt.checkpoints.checkpoint import Contents
from shared_gpt.checkpoints.names import our_key
from shared_gpt.checkpoints.stored import CheckpointError
from shared_gpt.checkpoints.tensor_bundle import TensorBundle
from shared_gpt.config import GPTConfig
from shared_gpt.files import read_json
from shared_gpt.json_values import short

HPARAMS = {
    "n_vocab": "vocab_size",
    "n_ctx": "context_length",
    "n_embd": "emb_dim",
    "n_head": "n_heads",
    "n_layer": "n_layers",
}
TRAINING_STATE = re.compile(r".*/(Adam|Adam_1|Momentum|Adagrad|RMSProp(_1)?)|(.*/)?(beta[12]_power|global_step)")


def find_prefix(folder: Path) -> Path | None:
    """The prefix of the checkpoint in a folder: the one that the file `checkpoint` names, or the only one; None without any."""
    pointer = folder / "checkpoint"
    if pointer.is_file():
        text = pointer.read_bytes()[:1_000_000].decode("utf-8", "replace")
        named = re.search(r'^model_checkpoint_path:\s*"([^"\n]+)"', text, re.MULTILINE)
        if not named:
            raise CheckpointError(
                f"{pointer} has no line model_checkpoint_path; fetch it again, or name the .index file."
            )
        name = re.split(r"[/\\]", named[1])[-1]  # the writer's folder may be another machine's
        if len(name) > 200 or "\0" in name or not (folder / f"{name}.index").is_file():
            raise FileNotFoundError(f"{pointer} names {short(name)}, but {short(f'{name}.index')} is not beside it.")
        return folder / name
    prefixes = sorted(path.with_suffix("") for path in folder.glob("*.index"))
    if len(prefixes) > 1:
        names = ", ".join(prefix.name for prefix in prefixes[:5])
        raise CheckpointError(
            f"{folder} holds several checkpoints ({names}) and no file `checkpoint` to choose; name one."
        )
    return prefixes[0] if prefixes else None


def open_openai(prefix: Path) -> Contents:
    """The contents of a checkpoint, by its prefix."""
    hparams = prefix.with_name("hparams.json")
    stated = read_json(hparams, CheckpointError) if hparams.is_file() else {}
    sizes = {ours: stated[theirs] for theirs, ours in HPARAMS.items() if theirs in stated}
    bundle = TensorBundle(prefix)
    contents = Contents(Path(f"{prefix}.index"), "openai", bundle, sizes | {"tie_embeddings": True}, str(hparams))
    contents.ignored = dict.fromkeys(bundle.not_numeric, "not numeric")
    for name in bundle.tensors:
        if key := our_key(name, "openai"):
            contents.keys[key] = name
        elif TRAINING_STATE.fullmatch(name):
            contents.ignored[name] = "state of the training"
        else:
            contents.unexpected.append(name)
    return contents


def openai_hparams(config: GPTConfig) -> dict[str, int]:
    """What hparams.json says about a model."""
    if not config.tie_embeddings:
        raise ValueError("OpenAI's layout has no place for a head of its own; save with layout='huggingface'.")
    return {theirs: getattr(config, ours) for theirs, ours in HPARAMS.items()}
