"""A trained model with its tokenizer, as the commands that use one begin."""

from pathlib import Path
from types import ModuleType
from typing import Any

from shared_gpt.checkpoints.run_files import load_tensors
from shared_gpt.config import GPTConfig
from shared_gpt.text.bpe.files import find_gpt2
from shared_gpt.text.bpe.tokenizer import BytePairTokenizer
from shared_gpt.text.gpt2 import gpt2_tokenizer
from shared_gpt.text.tokenizer import Tokenizer
from shared_gpt.text.tokenizer_files import FILE, find_tokenizer, load_tokenizer
from shared_gpt.training.run_folder import RunFolder


def load_model(
    twin: ModuleType, weights: str, tokenizer: str | None = None, dtype: str = "float32"
) -> tuple[Any, Tokenizer]:
    """The model of a source and its tokenizer: the one named, else the one beside the weights, else GPT-2's."""
    model = twin.load_gpt2(weights, getattr(twin, dtype))
    chosen = find_tokenizer(tokenizer) if tokenizer else tokenizer_beside(Path(weights))
    if chosen.n_vocab > model.config.vocab_size:
        raise ValueError(
            f"The tokenizer has {chosen.n_vocab} tokens but the model knows {model.config.vocab_size}; "
            "name the one it was trained with: --tokenizer."
        )
    return model, chosen


def tokenizer_beside(weights: Path) -> Tokenizer:
    """The tokenizer in the folder of the weights, or GPT-2's where there is none."""
    folder = weights if weights.is_dir() else weights.parent
    if find_gpt2(folder):
        return BytePairTokenizer.load(folder)
    if weights.exists() and (folder / FILE).is_file():
        return load_tokenizer(folder)
    return gpt2_tokenizer()


def load_classifier(twin: ModuleType, folder: RunFolder) -> tuple[Any, Tokenizer, list[str]]:
    """The model of a finetune labels run with its best weights, its tokenizer, and the names of its classes."""
    classes = folder.read_task("labels", "classes")
    tensors, _ = load_tensors(folder.best)
    dtype = getattr(twin, tensors["model.wte.weight"].dtype.name)
    model = twin.GPTModel(GPTConfig(**folder.read_json(folder.config)), dtype=dtype, initialize=False)
    twin.add_class_head(model, len(classes))
    model.load_state_dict({name.removeprefix("model."): tensor for name, tensor in tensors.items()})
    return model.eval(), load_tokenizer(folder.path), classes
