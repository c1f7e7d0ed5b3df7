"""How equal twins are made, and how far apart two results are: one definition for the tests and for the report.

The error of an element is |a - b| divided by the scale of its tensor, the largest |value| in either of the two. Not by
the element itself: rounding follows the size of what was added up, so an element that cancels to nearly 0 would look
wrong where nothing is. The gradient of the key bias, `c_attn.bias[C:2C]`, is the extreme case: exactly 0 in theory,
noise in practice. It is measured on the scale of the query and value biases in the same tensor: absolutely, not against
itself. Where AdamW has turned that noise into steps, in float32, `key_bias` says what to leave out.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import numpy_gpt
from numpy_gpt import GPTConfig

FLOAT64 = 1e-10  # the proof; measured: 4e-14 at most
FLOAT32 = 5e-5  # the practice; measured over 2,000 models of at least 10 features: 1.2e-5 at most, mostly below 1e-6
TOLERANCE = {"float64": FLOAT64, "float32": FLOAT32}
CLOSER = 1e-3  # a guess that explains a difference leaves at most this share of it


def to_numpy(x: Any) -> np.ndarray:
    """An array, tensor (torch's or TensorFlow's), Parameter or number as a NumPy array."""
    if isinstance(x, numpy_gpt.Parameter):
        x = x.data
    if hasattr(x, "detach"):
        x = x.detach().cpu()
    return np.asarray(x)


def relative_error(a: Any, b: Any) -> float:
    """The largest error of an element, as defined above; infinite where only one side is finite."""
    return worst_element("", a, b)[-1]


def worst_element(name: str, a: Any, b: Any) -> tuple[str, tuple[int, ...], float, float, float]:
    """(name, index, a there, b there, error) of the element where a and b differ most."""
    a, b = to_numpy(a), to_numpy(b)
    if a.shape != b.shape:
        raise ValueError(f"{name or 'a'} has shape {a.shape} on one side and {b.shape} on the other.")
    if a.size == 0:
        return name, (), 0.0, 0.0, 0.0
    wide_a, wide_b = a.astype(np.float64), b.astype(np.float64)
    with np.errstate(invalid="ignore"):
        difference = np.abs(wide_a - wide_b)
    same = (wide_a == wide_b) | (np.isnan(wide_a) & np.isnan(wide_b))
    difference = np.where(same, 0.0, np.where(np.isfinite(difference), difference, np.inf))
    index = tuple(int(i) for i in np.unravel_index(difference.argmax(), a.shape))
    values = np.abs(np.concatenate([wide_a.reshape(-1), wide_b.reshape(-1)]))
    scale = float(values[np.isfinite(values)].max(initial=0.0))
    worst = float(difference[index])
    return name, index, float(wide_a[index]), float(wide_b[index]), worst / scale if 0 < worst < np.inf else worst


def is_explained(a: np.ndarray, b: np.ndarray, guess: np.ndarray) -> bool:
    """Whether the guess is a, which differs from b: equal to rounding, and where b itself is near, far nearer than b."""
    apart = relative_error(a, guess)
    far = relative_error(a, b) if a.shape == b.shape and a.dtype == b.dtype else math.inf
    return apart <= TOLERANCE.get(a.dtype.name, 0.0) and far > 0 and apart <= CLOSER * far


def key_bias(name: str, length: int) -> slice:
    """The part of the parameter `name` that is a bias on keys: empty for all but `c_attn.bias`."""
    return slice(length // 3, 2 * length // 3) if name.endswith("c_attn.bias") else slice(0, 0)


def assert_close(a: Any, b: Any, tolerance: float, name: str = "value") -> None:
    """Assert that a and b differ by no more than the tolerance; the message names the worst element."""
    assert_all_close({name: a}, {name: b}, tolerance)


def assert_all_close(a: Mapping[str, Any], b: Mapping[str, Any], tolerance: float) -> None:
    """Assert that both have the same names in the same order, and no values further apart than the tolerance."""
    assert list(a) == list(b)
    name, index, x, y, error = max((worst_element(name, a[name], b[name]) for name in a), key=lambda worst: worst[-1])
    assert error <= tolerance, f"{name}{list(index)}: {x!r} and {y!r}, error {error:.1e} where {tolerance:.0e} may be"


def twins(config: GPTConfig, seed: int, dtype: Any = "float64") -> tuple[numpy_gpt.GPTModel, Any]:
    """Both models with the same weights, as `one_twin` makes them: NumPy's and PyTorch's."""
    import torch_gpt  # not above: a student's process needs no PyTorch, which takes seconds to load

    return one_twin(numpy_gpt, config, seed, dtype), one_twin(torch_gpt, config, seed, dtype)


def one_twin(twin: Any, config: GPTConfig, seed: int, dtype: Any = "float64") -> Any:
    """The twin's model in evaluation mode, its weights and its dropout generator drawn from the seed.

    The weights are far from an initialisation's: every matrix passes on as much as it gets, so that attention is not
    uniform, and every bias and gain differs from 0 and 1, so that forgetting one shows.
    """
    name = np.dtype(dtype).name
    model = twin.GPTModel(config, np.random.default_rng(seed), getattr(twin, name), initialize=False).eval()
    shapes = {key: np.zeros(tuple(array.shape), name) for key, array in model.state_dict().items()}
    model.load_state_dict(random_state(shapes, seed))
    return model


def random_state(state: Mapping[str, np.ndarray], seed: int) -> dict[str, np.ndarray]:
    """Weights with the names, shapes and types of `state`, none of them trivial."""
    rng = np.random.default_rng([seed, 1])
    new = {}
    for name, array in state.items():
        draw = rng.standard_normal(array.shape)
        if array.ndim >= 2:
            draw /= np.sqrt(array.shape[-1])
        else:
            draw = 0.3 * draw + (1.0 if name.endswith("weight") else 0.0)
        new[name] = draw.astype(array.dtype)
    return new


def gradients(model: Any) -> dict[str, np.ndarray]:
    """Every parameter's gradient by key, from either twin."""
    return {name: to_numpy(parameter.grad) for name, parameter in model.named_parameters()}


def losses(
    pair: tuple[Any, Any], ids: np.ndarray, targets: np.ndarray, ignore_index: int = -100
) -> tuple[float, float]:
    """Forward and backward through both: the losses, with the gradients left in the models."""
    import torch

    import torch_gpt

    model, twin = pair
    criterion = numpy_gpt.CrossEntropy(ignore_index)
    loss = criterion(model(ids), targets)
    model.backward(criterion.backward())
    twin_loss = torch_gpt.CrossEntropy(ignore_index)(twin(torch.from_numpy(ids)), torch.from_numpy(targets))
    twin_loss.backward()
    return float(loss), float(twin_loss.detach())


def central_differences(function: Callable[[np.ndarray], float], x: np.ndarray, step: float = 1e-5) -> np.ndarray:
    """∂f/∂x for a scalar f, (f(x + h) - f(x - h)) / 2h for each element; in float64 good to about 1e-9 of f's scale."""
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        moved = x.copy()
        moved[index] = x[index] + step
        above = function(moved)
        moved[index] = x[index] - step
        gradient[index] = (above - function(moved)) / (2 * step)
    return gradient
