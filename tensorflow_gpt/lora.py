"""LoRA: every Dense that is named gets a branch; these train, the rest is frozen."""

import numpy as np

from shared_gpt.checks.lora import check_lora, check_merge
from tensorflow_gpt.layers import Dense
from tensorflow_gpt.parameters import key_of


def dense_layers(model):
    """Every Dense of the model by path."""
    return {key_of(layer.path): layer for layer in model.modules() if isinstance(layer, Dense)}


def adapted(model):
    """The layers with a branch, by path."""
    return {path: layer for path, layer in dense_layers(model).items() if layer.rank}


def apply_lora(model, rank, alpha, targets=("c_attn", "c_proj", "c_fc"), dropout=0.0, rng=None):
    """Freeze the model and give every Dense that a target names a branch; returns these by path.

    A target is a layer's name, `c_proj`, or the end of its path, `mlp.c_proj`. rng draws A, the same numbers as in the twins
    (None: seed 0). A model that was compiled needs `compile` anew.
    """
    ends = tuple(f".{target}" for target in targets)
    chosen = {path: layer for path, layer in dense_layers(model).items() if f".{path}".endswith(ends)}
    tied = ["lm_head"] if model.lm_head is None and ".lm_head".endswith(ends) else []
    shapes = dict.fromkeys(tied, model.wte.embeddings.shape)
    shapes |= {path: layer.weight.shape for path, layer in chosen.items()}
    check_lora(rank, alpha, dropout, targets, shapes, tied, list(adapted(model)), rng)
    rng = np.random.default_rng(0) if rng is None else rng
    for parameter in model.parameters():
        parameter.variable.trainable = False
    for layer in chosen.values():
        layer.add_branch(rank, alpha, dropout, rng)
    model.forget_graphs()
    return chosen


def merge_lora(model, sign=+1):
    """Add every branch to its kernel, so that the model costs what it cost before; unmerge_lora takes them out again."""
    layers = adapted(model).values()
    check_merge(len(layers), sum(layer.merged for layer in layers), merging=sign > 0)
    for layer in layers:
        layer.kernel.assign_add(sign * layer.alpha / layer.rank * (layer.lora_A @ layer.lora_B))
        layer.merged = sign > 0
    model.forget_graphs()


def unmerge_lora(model):
    """Take every branch out of its kernel: the kernel as it was, to rounding."""
    merge_lora(model, -1)


def merged_state_dict(model):
    """The state dict of the base model with every branch added to its weight; the model stays as it is."""
    state = model.state_dict()
    for path, layer in adapted(model).items():
        A, B = state.pop(f"{path}.lora_A"), state.pop(f"{path}.lora_B")
        if not layer.merged:
            state[f"{path}.weight"] += layer.alpha / layer.rank * (B @ A)
    return state


def lora_state_dict(model):
    """Copies of the branches' arrays by key, the only ones that training changes."""
    return model.state_dict(".lora_")


def load_lora_state_dict(model, state):
    """Copy what lora_state_dict gave, here or in a twin, into the branches. Where a key does not fit, nothing is changed."""
    model.load_state_dict(state, ".lora_")
