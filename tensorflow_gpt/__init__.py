"""tensorflow_gpt: the same GPT as a Keras user writes it, from Keras' own layers, losses and optimizer."""

import sys

from tensorflow_gpt.quiet import quiet_start

try:
    with quiet_start():
        import keras
        import tensorflow

        tensorflow.config.list_physical_devices()  # reports on drivers that it does not find
except ImportError as error:
    raise ImportError(
        f"tensorflow_gpt needs TensorFlow ({error}): pip install 'numpy-gpt[tensorflow]'. TensorFlow 2.21 has wheels for "
        f"Python 3.10 to 3.13; this is Python {sys.version_info.major}.{sys.version_info.minor}."
    ) from None
if keras.backend.backend() != "tensorflow":
    raise ImportError(
        f"tensorflow_gpt runs on TensorFlow, but Keras computes with {keras.backend.backend()}; "
        "start Python with KERAS_BACKEND=tensorflow."
    )

from shared_gpt.config import GPTConfig
from tensorflow_gpt import lora
from tensorflow_gpt.classifier import add_class_head, freeze_below_last_block, predict_classes
from tensorflow_gpt.generate import generate, stream
from tensorflow_gpt.layers import Dropout, LoRADense
from tensorflow_gpt.lora import apply_lora, lora_state_dict, merge_lora, merged_state_dict, unmerge_lora
from tensorflow_gpt.model import GPTModel
from tensorflow_gpt.optim import AdamW, floatx
from tensorflow_gpt.perplexity import perplexity, token_losses
from tensorflow_gpt.train import LearningRate, cross_entropy, evaluate, loss_and_gradients, tf_dataset, train
from tensorflow_gpt.weights import load_gpt2, load_lora, load_run, save_gpt2, save_lora

float32, float64 = "float32", "float64"


def own_commands() -> dict[str, type]:
    """The commands of tensorflow-gpt, which are not all that the twins have."""
    from tensorflow_gpt.commands import ALL

    return ALL


__all__ = [
    "AdamW",
    "Dropout",
    "GPTConfig",
    "GPTModel",
    "LearningRate",
    "LoRADense",
    "add_class_head",
    "apply_lora",
    "cross_entropy",
    "evaluate",
    "float32",
    "float64",
    "floatx",
    "freeze_below_last_block",
    "generate",
    "load_gpt2",
    "load_lora",
    "load_run",
    "lora",
    "lora_state_dict",
    "loss_and_gradients",
    "merge_lora",
    "merged_state_dict",
    "own_commands",
    "perplexity",
    "predict_classes",
    "save_gpt2",
    "save_lora",
    "stream",
    "tf_dataset",
    "token_losses",
    "train",
    "unmerge_lora",
]
