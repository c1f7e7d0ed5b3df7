"""tensorflow_gpt: the same GPT as a Keras user writes it, from Keras' own layers, losses and optimizer."""

import os
import sys

from shared_gpt import __version__
from shared_gpt.config import GPTConfig
from shared_gpt.streams import complain, errors_kept_back

for name, value in (("TF_CPP_MIN_LOG_LEVEL", "3"), ("TF_ENABLE_ONEDNN_OPTS", "0"), ("KERAS_BACKEND", "tensorflow")):
    os.environ.setdefault(name, value)
try:
    with errors_kept_back():  # a page about its hardware
        import keras
        import tensorflow

        tensorflow.config.list_physical_devices()  # reports on drivers that it does not find
    if keras.backend.backend() != "tensorflow":
        raise ImportError(f"Keras computes with {keras.backend.backend()}; start Python with KERAS_BACKEND=tensorflow")
except ImportError as error:
    wheels = f"TensorFlow 2.21 has wheels for Python 3.10 to 3.13; this is {sys.version.split()[0]}."
    problem = f"tensorflow_gpt needs TensorFlow ({error}): pip install 'numpy-gpt[tensorflow]'. {wheels}"
    if sys.argv[0] == "-m":  # `python -m tensorflow_gpt` comes by here first, and wants no traceback
        complain("tensorflow-gpt", problem)
        sys.exit(2)
    raise ImportError(problem) from None

from tensorflow_gpt import lora
from tensorflow_gpt.generate import generate, stream
from tensorflow_gpt.layers import Dense, Dropout
from tensorflow_gpt.lora import apply_lora, lora_state_dict, merge_lora, merged_state_dict, unmerge_lora
from tensorflow_gpt.model import GPTModel, add_class_head, freeze_below_last_block, predict_classes
from tensorflow_gpt.perplexity import perplexity, token_losses
from tensorflow_gpt.train import AdamW, cross_entropy, evaluate, gradients, tf_dataset, train
from tensorflow_gpt.weights import load_gpt2, load_lora, load_run, save_gpt2, save_lora

float32, float64 = "float32", "float64"
