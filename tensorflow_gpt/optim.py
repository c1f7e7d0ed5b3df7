"""AdamW: Keras' own, with epsilon and clipping where PyTorch and the twins have them."""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf

from shared_gpt.checks.optim import check_hyperparameters, check_max_norm, check_optimizer_state, check_parameters
from tensorflow_gpt.parameters import Parameter


@contextmanager
def floatx(dtype: str) -> Iterator[None]:
    """Keras' default type while the block runs: of learning rates and metrics, for which it has no other setting."""
    usual = keras.config.floatx()
    keras.config.set_floatx(dtype)
    try:
        yield
    finally:
        keras.config.set_floatx(usual)


class AdamW(keras.optimizers.AdamW):
    """For the parameters of one model, of which matrices and tables decay, biases and gains do not.

    Keras adds epsilon to √v, the twins to √v̂ = √(v / (1 - β₂ᵗ)): the same step where Keras is given eps √(1 - β₂ᵗ).
    Clipping scales by max_norm / norm in Keras; the twins, like PyTorch, divide by norm + 1e-6.
    """

    def __init__(
        self,
        params: Iterable[Parameter],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        max_norm: float = math.inf,
    ):
        check_hyperparameters(lr, betas, eps, weight_decay)
        check_max_norm(max_norm)
        trained = tuple(parameter for parameter in params if parameter.requires_grad)
        variables = [parameter.variable for parameter in trained]
        check_parameters(variables)
        with floatx(variables[0].dtype):  # the type of the variable that holds the learning rate
            super().__init__(float(lr), weight_decay, *betas, epsilon=eps)
        # TensorFlow would make float32 of a Python number before it makes float64.
        self.weight_decay, self.beta_1, self.beta_2 = tf.constant((weight_decay, *betas), variables[0].dtype)
        self.params, self.max_norm = trained, max_norm
        self.exclude_from_weight_decay([variable for variable in variables if len(variable.shape) < 2])
        self.build(variables)

    def apply(self, grads: list[Any], trainable_variables: list[Any] | None = None) -> None:
        # Of a table TensorFlow gives the rows that were looked up, one looked up twice as two.
        grads = [tf.convert_to_tensor(g) for g in grads]
        scale = tf.minimum(self.max_norm / (tf.linalg.global_norm(grads) + 1e-6), 1)
        super().apply([g * scale for g in grads], trainable_variables)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        eps, t = self.epsilon, tf.cast(self.iterations + 1, variable.dtype)
        self.epsilon = eps * tf.sqrt(1 - self.beta_2**t)
        super().update_step(gradient, variable, learning_rate)
        self.epsilon = eps

    @property
    def steps(self) -> int:
        return int(self.iterations)

    def state_dict(self) -> dict[str, Any]:
        """Steps taken, and both moments of each parameter in our layout."""
        moments = {"m": self._momentums, "v": self._velocities}
        turned = {name: [p.turned(x) for p, x in zip(self.params, found)] for name, found in moments.items()}
        return {"steps": self.steps, **turned}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Copy a state taken from an optimizer of the same parameters, of a twin as well."""
        check_optimizer_state({"m": self.params, "v": self.params}, state)
        self.iterations.assign(state["steps"])
        for p, own, moment in zip(2 * self.params, self._momentums + self._velocities, [*state["m"], *state["v"]]):
            own.assign(p.turned(moment))
