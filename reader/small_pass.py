"""The pass whose numbers the pages show: forward, backward, one step of AdamW and a draw, then one with LoRA; in both twins."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

import numpy_gpt
import torch_gpt
from numpy_gpt import sampling
from parity_tests.mirror import NUMPY, TORCH
from reader import tiny
from reader.tracing import Record, Tracer
from torch_gpt import sampling as torch_sampling


def _kept(value: Any) -> Any:
    """A copy of an array, or a tensor that will keep its gradient."""
    if isinstance(value, torch.Tensor):
        if not value.requires_grad:
            return value.clone()
        if not value.is_leaf:
            value.retain_grad()
        return value
    return np.array(value) if isinstance(value, (np.ndarray, np.floating)) else None


@cache
def passes() -> tuple[list[Record], list[Record], dict[str, np.ndarray]]:
    """The records of the NumPy twin and of the PyTorch twin, and PyTorch's parameter gradients by key."""
    ids, targets = tiny.batch()
    found = []
    for twin, folder, draws in ((numpy_gpt, NUMPY, sampling), (torch_gpt, TORCH, torch_sampling)):
        model, criterion = tiny.build(twin), twin.CrossEntropy()
        optimizer = twin.AdamW(model.parameters(), lr=1e-3, weight_decay=0.1)
        paths = {id(module): path for path, module in model.named_modules()} | {id(criterion): "loss"}
        tracer = Tracer(folder, paths, _kept)
        inputs = (ids, targets) if twin is numpy_gpt else (torch.from_numpy(ids), torch.from_numpy(targets))
        with tracer.running():
            logits = model(inputs[0])
            loss = criterion(logits, inputs[1])
            if twin is numpy_gpt:
                model.backward(criterion.backward())
            else:
                loss.backward()
        gradients = {key: np.array(p.grad) for key, p in model.named_parameters()}
        records = _settled(tracer)
        with tracer.running():
            twin.clip_grad_norm(model.parameters(), 1.0)
            optimizer.step()
            last = logits[:, -1] if twin is numpy_gpt else logits.detach()[:, -1]
            draws.draw(
                draws.probabilities(draws.penalize_repetition(last, ids.tolist(), 1.2), 0.8, 20, 0.9),
                np.array([0.3, 0.7]),
            )
        branches, more = _lora_records(twin, folder)
        found.append([*records, *_settled(tracer), *branches])
    return found[0], found[1], gradients | more


def _settled(tracer: Tracer) -> list[Record]:
    """Its records so far as arrays, with the gradients of tensors, which a later step would overwrite; it begins anew."""
    for record in tracer.records:
        if isinstance(record.value, torch.Tensor):
            tensor, record.value = record.value, np.array(record.value.detach())
            record.node = tensor.grad_fn
            record.gradient = None if tensor.grad is None else np.array(tensor.grad)
    records, tracer.records = tracer.records, []
    return records


def _lora_records(twin: Any, folder: Path) -> tuple[list[Record], dict[str, np.ndarray]]:
    """A pass of the same model with LoRA's branches, as they are after some training, and the branches' gradients."""
    model, criterion = tiny.build(twin), twin.CrossEntropy()
    twin.apply_lora(model, rank=2, alpha=4, targets=("c_attn",), dropout=0.1)
    model.wte.weight.requires_grad = True  # so that the gradient goes on below the lowest branch
    rng = np.random.default_rng(1)
    state = {
        key: 0.1 * rng.normal(size=tuple(array.shape)) for key, array in model.state_dict().items() if ".lora_B" in key
    }
    model.load_state_dict(dict(model.state_dict()) | state)
    ids, targets = (array if twin is numpy_gpt else torch.from_numpy(array) for array in tiny.batch())
    tracer = Tracer(folder, {id(module): path for path, module in model.named_modules()}, _kept)
    with tracer.running():
        loss = criterion(model(ids), targets)
        model.backward(criterion.backward()) if twin is numpy_gpt else loss.backward()
    gradients = {key: np.array(p.grad) for key, p in model.named_parameters() if ".lora_" in key}
    return [record for record in _settled(tracer) if record.room == "lora"], gradients
