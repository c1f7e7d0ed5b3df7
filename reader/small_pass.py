"""The pass whose numbers the pages show: forward, backward, one step of AdamW and a draw, then one with LoRA; in both twins."""

from collections.abc import Callable
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch

import numpy_gpt
import torch_gpt
from reader import tiny
from reader.tracing import Record, traced


@cache
def passes() -> tuple[list[Record], list[Record], dict[str, np.ndarray]]:
    """The records of the NumPy twin and of the PyTorch twin, and PyTorch's parameter gradients by key."""
    found = []
    for twin in (numpy_gpt, torch_gpt):
        plain, gradients = _pass(twin, tiny.build(twin), then=partial(_step_and_draw, twin))
        with_lora, more = _pass(twin, _model_with_lora(twin))
        found.append([*plain, *(record for record in with_lora if record.room == "lora")])
    return found[0], found[1], gradients | {key: more[key] for key in more if ".lora_" in key}


def _pass(twin: Any, model: Any, then: Callable[..., None] | None = None) -> tuple[list[Record], dict[str, np.ndarray]]:
    """What a twin's forward and backward pass record, and what `then` does after it; the parameters' gradients."""
    criterion = twin.CrossEntropy()
    ids, targets = (array if twin is numpy_gpt else torch.from_numpy(array) for array in tiny.batch())
    paths = {id(module): path for path, module in model.named_modules()} | {id(criterion): "loss"}
    tracing = partial(traced, Path(twin.__file__).parent, paths, _kept)
    with tracing() as records:
        logits = model(ids)
        loss = criterion(logits, targets)
        model.backward(criterion.backward()) if twin is numpy_gpt else loss.backward()
    gradients = {key: np.array(p.grad) for key, p in model.named_parameters() if p.grad is not None}
    records = _settled(records)  # before a step overwrites gradients
    if then:
        with tracing() as later:
            then(model, logits if twin is numpy_gpt else logits.detach())
        records += _settled(later)
    return records, gradients


def _step_and_draw(twin: Any, model: Any, logits: Any) -> None:
    sampling = import_module(f"{twin.__name__}.sampling")
    optimizer = twin.AdamW(model.parameters(), lr=1e-3, weight_decay=0.1)
    twin.clip_grad_norm(model.parameters(), 1.0)
    optimizer.step()
    last = sampling.penalize_repetition(logits[:, -1], tiny.batch()[0].tolist(), 1.2)
    sampling.draw(sampling.probabilities(last, 0.8, 20, 0.9), np.array([0.3, 0.7]))


def _model_with_lora(twin: Any) -> Any:
    """The same model with LoRA's branches, as they are after some training."""
    model, rng = tiny.build(twin), np.random.default_rng(1)
    twin.apply_lora(model, rank=2, alpha=4, targets=("c_attn",), dropout=0.1)
    model.wte.weight.requires_grad = True  # so that the gradient goes on below the lowest branch
    state = dict(model.state_dict())
    state |= {key: 0.1 * rng.normal(size=tuple(array.shape)) for key, array in state.items() if ".lora_B" in key}
    model.load_state_dict(state)
    return model


def _kept(value: Any) -> Any:
    """A copy of an array, or a tensor that will keep its gradient."""
    if isinstance(value, torch.Tensor):
        if not value.requires_grad:
            return value.clone()
        if not value.is_leaf:
            value.retain_grad()
        return value
    return np.array(value) if isinstance(value, (np.ndarray, np.floating)) else None


def _settled(records: list[Record]) -> list[Record]:
    """The records as arrays, with the gradients of tensors."""
    for record in records:
        if isinstance(record.value, torch.Tensor):
            tensor, record.value = record.value, np.array(record.value.detach())
            record.node = tensor.grad_fn
            record.gradient = None if tensor.grad is None else np.array(tensor.grad)
    return records
