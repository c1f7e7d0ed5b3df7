"""load_gpt2, load_run, save_gpt2, save_lora, load_lora: from files into a model, and back, through shared_gpt's readers."""

from collections.abc import Mapping

from shared_gpt.checkpoints import CheckpointError, adapters, open_checkpoint, save_checkpoint
from shared_gpt.checks.lora import check_merge
from tensorflow_gpt.lora import adapted, apply_lora, dense_layers, load_lora_state_dict, lora_state_dict
from tensorflow_gpt.model import GPTModel


def load_gpt2(source, dtype="float32", n_heads=None):
    """A model with the weights that a path or a name holds: all that the twins' load_gpt2 takes."""
    with open_checkpoint(source, n_heads) as checkpoint:
        model = GPTModel(checkpoint.config, dtype=dtype, initialize=False)
        for key, parameter in model.named_parameters():
            parameter.assign(checkpoint.read(key, dtype))
    return model


def load_run(folder):
    """The model of a run, in the dtype that it was trained in: its best weights, or the last ones where no best were kept."""
    with open_checkpoint(folder) as checkpoint:
        if checkpoint.layout != "run":
            raise CheckpointError(f"{folder} is no run of this project; load it with load_gpt2.")
    return load_gpt2(folder, checkpoint.dtype)


def save_gpt2(model, folder, layout="huggingface"):
    """Save a model where transformers ("huggingface"), OpenAI's program ("openai") or the book's code ("book") loads it."""
    save_checkpoint(folder, model.config, model.state_dict(), layout)


def save_lora(model, folder):
    """Save the branches as an adapter that the twins, and Hugging Face's PEFT, load onto the same base."""
    layers = adapted(model)
    check_merge(len(layers), sum(layer.merged for layer in layers.values()), merging=True)
    layer = next(iter(layers.values()))
    targets = tuple(dict.fromkeys(map(adapters.target_name, layers)))
    state, base = lora_state_dict(model), adapters.weights_fingerprint(model.state_dict())
    adapters.write_adapter(folder, adapters.Adapter(layer.rank, layer.alpha, targets, layer.dropout.rate, state, base))


def load_lora(model, source):
    """Copy branches into the model's, or into new ones where it has none: an adapter's folder, written here, by a twin or by
    PEFT, or what lora_state_dict gave."""
    if not isinstance(source, Mapping):
        adapter = adapters.read_adapter(source)
        shapes = {path: layer.weight.shape for path, layer in dense_layers(model).items()}
        settings = [(layer.rank, layer.alpha) for layer in adapted(model).values()]
        adapters.check_adapter(adapter, adapters.weights_fingerprint(model.state_dict()), shapes, settings)
        if not settings:
            apply_lora(model, adapter.rank, adapter.alpha, adapter.targets, adapter.dropout)
        source = adapter.state
    load_lora_state_dict(model, source)
