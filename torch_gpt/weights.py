"""load_gpt2, load_run, save_gpt2: weights from files into a model, and back."""

import os

import torch
from shared_gpt.checkpoints import CheckpointError, open_checkpoint, save_checkpoint

from torch_gpt.model import GPTModel
from torch_gpt.shapes import DType, float32


def load_gpt2(source: str | os.PathLike, dtype: DType = float32) -> GPTModel:
    """A model in evaluation mode with the weights that a path or a name holds.

    source: a folder or file of OpenAI's (model.ckpt.index and its data), of Hugging Face's (safetensors, one file or
    several, or pytorch_model.bin), or of a run of this project; or "gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl", which are
    looked for on this machine and else downloaded. Each tensor goes straight to its place, cast to dtype: no second copy of
    the model is held. Raises CheckpointError (a ValueError), FileNotFoundError, ImportError or OSError before a model
    is returned: it is whole or not there.
    """
    with open_checkpoint(source) as checkpoint:
        model = GPTModel(checkpoint.config, dtype=dtype, initialize=False)
        checkpoint.read_all(
            {key: parameter.data.numpy() for key, parameter in model.named_parameters()}
        )
    return model.eval()


def load_run(folder: str | os.PathLike) -> GPTModel:
    """The model of a run: its best weights, or the last where no best were kept, in the dtype it was trained in."""
    with open_checkpoint(folder) as checkpoint:
        if checkpoint.layout != "run":
            raise CheckpointError(
                f"{folder} is no run of this project; load it with load_gpt2."
            )
        dtype = getattr(torch, checkpoint.dtype)
    return load_gpt2(folder, dtype)


def save_gpt2(model: GPTModel, folder: str | os.PathLike, layout: str = "huggingface") -> None:
    """Save a model where transformers (layout "huggingface") or OpenAI's program ("openai") can load it; loading it here
    brings back every bit. Raises ValueError for what the layout cannot hold, OSError for a full disk; then nothing is left.
    """
    state = {key: tensor.cpu().numpy() for key, tensor in model.state_dict().items()}
    save_checkpoint(folder, model.config, state, layout)
