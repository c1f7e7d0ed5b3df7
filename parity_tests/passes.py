"""One forward and one backward pass through a layer in four independent ways, with the results under the same names.

Each takes an input x and dy, the gradient with respect to the output, and returns `output`, `dx` and each parameter's gradient
under its name. Integers as input (ids) have no dx.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from numpy_gpt import Module, no_grad
from parity_tests.optional import tf
from parity_tests.report.measure import central_differences, random_state, to_numpy

Results = dict[str, np.ndarray]


def randomized(*layers: Any, seed: int = 0) -> Any:
    """Give layers of one kind the same weights, none of them trivial, and return the layers."""
    state = random_state(layers[0].state_dict(), seed)
    for layer in layers:
        layer.load_state_dict(state)
    return layers


def by_hand(layer: Module, x: np.ndarray, dy: np.ndarray) -> Results:
    """The NumPy twin's own backward."""
    y = layer(x)
    dx = layer.backward(dy)
    results = {"output": y} if dx is None else {"output": y, "dx": dx}
    return results | {name: p.grad for name, p in layer.named_parameters() if p.grad is not None}


def by_autograd(layer: Callable[[torch.Tensor], torch.Tensor], x: np.ndarray, dy: np.ndarray) -> Results:
    """PyTorch's autograd, for the twin and for PyTorch's own layers and functions."""
    tensor = torch.tensor(x)
    tensor.requires_grad_(tensor.is_floating_point())
    y = layer(tensor)
    y.backward(torch.tensor(dy))
    results = {"output": y, "dx": tensor.grad} if tensor.requires_grad else {"output": y}
    parameters = layer.named_parameters() if isinstance(layer, torch.nn.Module) else ()
    gradients = {name: p.grad for name, p in parameters if p.grad is not None}
    return {name: to_numpy(value) for name, value in (results | gradients).items()}


def by_tape(function: Callable[..., Any], state: Mapping[str, Any], x: np.ndarray, dy: np.ndarray) -> Results:
    """TensorFlow's GradientTape on a function (x, **weights), its weights named as in the state dict."""
    weights = {name: tf.constant(np.array(array)) for name, array in state.items()}
    x = tf.constant(x)
    sources = weights if x.dtype.is_integer else {"dx": x, **weights}
    with tf.GradientTape() as tape:
        tape.watch(sources)
        y = function(x, **weights)
    found = tape.gradient(y, sources, output_gradients=tf.constant(dy))
    return {"output": y.numpy()} | {name: tf.convert_to_tensor(g).numpy() for name, g in found.items()}


@no_grad()
def by_differences(layer: Module, x: np.ndarray, dy: np.ndarray) -> Results:
    """Central differences of the scalar Σ dy · y, in float64."""
    results = {"output": layer(x)}
    if np.issubdtype(x.dtype, np.floating):
        results["dx"] = central_differences(lambda moved: float((layer(moved) * dy).sum()), x)
    for name, parameter in layer.named_parameters():
        kept = parameter.data

        def moved_output(moved, parameter=parameter):
            parameter.data = moved
            return float((layer(x) * dy).sum())

        results[name] = central_differences(moved_output, kept)
        parameter.data = kept
    return results
