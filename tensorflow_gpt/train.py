"""Training: Keras' AdamW with the conventions of the twins, for compile and fit, or for the loop that the commands run."""

import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from shared_gpt.checks.optim import check_hyperparameters, check_max_norm, check_optimizer_state, check_parameters
from shared_gpt.checks.train import check_accumulate, check_batches, check_evaluated, check_step, check_training
from shared_gpt.text.batches import IGNORE_INDEX
from shared_gpt.training.processes import ALONE, Processes
from tensorflow_gpt.layers import Dropout
from tensorflow_gpt.lora import adapted
from tensorflow_gpt.model import GPTModel
from tensorflow_gpt.parameters import Parameter

Batch = tuple[np.ndarray, np.ndarray]  # inputs and targets (B, T)


def cross_entropy(dtype: str = "float32") -> keras.losses.Loss:
    """The mean over all targets that are not ignored, from logits; dtype: the model's (Keras would cast to float32)."""
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=IGNORE_INDEX, dtype=dtype)


def tf_dataset(batches: Iterable[Batch]) -> tf.data.Dataset:
    """Batches as fit takes them, of any lengths. (From a bare generator Keras takes the shapes of the first two for all.)"""
    spec = tf.TensorSpec((None, None), tf.int64)
    return tf.data.Dataset.from_generator(lambda: iter(batches), output_signature=(spec, spec))


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
        # Keras would hold the learning rate in floatx, and TensorFlow make float32 of a Python number before it makes float64.
        super().__init__(lambda: lr, epsilon=eps)
        self.weight_decay, self.beta_1, self.beta_2 = tf.constant((weight_decay, *betas), variables[0].dtype)
        self._learning_rate = self.add_variable((), dtype=variables[0].dtype, name="learning_rate")
        self.learning_rate = lr
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
        m, v = ([p.turned(x) for p, x in zip(self.params, own)] for own in (self._momentums, self._velocities))
        return {"steps": self.steps, "m": m, "v": v}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Copy a state taken from an optimizer of the same parameters, of a twin as well."""
        check_optimizer_state({"m": self.params, "v": self.params}, state)
        self.iterations.assign(state["steps"])
        for p, own, moment in zip(2 * self.params, self._momentums + self._velocities, [*state["m"], *state["v"]]):
            own.assign(p.turned(moment))


class Progress(NamedTuple):
    """What one step did: the loss before it, the gradient's length before clipping, the learning rate."""

    step: int
    loss: float
    grad_norm: float
    lr: float


def train(
    model: GPTModel,
    optimizer: AdamW,
    batches: Iterator[Batch],
    steps: int,
    learning_rate: Callable[[int], float],
    accumulate: int = 1,
    max_norm: float = 1.0,
    first_step: int = 0,
    processes: Processes = ALONE,
) -> Iterator[Progress]:
    """Train, and report after each step. Each takes `accumulate` batches as if they were one, of which every counted target
    weighs the same. Raises FloatingPointError, and leaves the weights as they are, for a loss or gradient that is not finite.
    """
    check_accumulate(accumulate)
    check_max_norm(max_norm)
    optimizer.max_norm = max_norm
    own = {id(parameter.variable): parameter for parameter in model.parameters()}
    trained = [own.get(id(parameter.variable), parameter) for parameter in optimizer.params]
    variables = [parameter.variable for parameter in trained]
    dropouts = [layer for layer in model.modules() if isinstance(layer, Dropout)]
    compute = tf.function(partial(gradients, model, variables, training=True), reduce_retracing=True)
    update = tf.function(optimizer.apply)
    for step in range(first_step, steps):
        optimizer.learning_rate = lr = learning_rate(step)
        for dropout in dropouts:
            dropout.reseed()
        chosen = list(islice(batches, accumulate))
        check_batches(chosen, accumulate, step)
        check_training(chosen, own, trained, sum(layer.merged for layer in adapted(model).values()))
        counts = [(targets != IGNORE_INDEX).sum() for _, targets in chosen]
        shares = tf.constant(np.divide(counts, max(sum(counts), 1)), model.dtype)
        parts = [compute(*map(tf.constant, batch), share) for batch, share in zip(chosen, shares)]
        loss = sum(float(loss) for loss, _ in parts)
        grads = [tf.add_n(same) for same in zip(*(grads for _, grads in parts))]
        grad_norm = float(tf.linalg.global_norm(grads))
        check_step(loss, grad_norm, {parameter.key: g.numpy() for parameter, g in zip(trained, grads)})
        update(grads)
        yield Progress(step + 1, loss, grad_norm, lr)


def gradients(
    model: GPTModel, variables: list, inputs: Any, targets: Any, share: Any = 1, training: bool = False
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """`share` times the loss, and its gradient with respect to each variable in Keras' layout."""
    with tf.GradientTape() as tape:
        loss = share * cross_entropy(model.dtype)(targets, model(inputs, training=training))
    return loss, [tf.convert_to_tensor(g) for g in tape.gradient(loss, variables)]


def evaluate(model: GPTModel, batches: Iterable[Batch]) -> float:
    """The mean loss over all counted targets, without dropout. (Keras' evaluate weighs batches by their rows.)"""
    mean = keras.metrics.Mean(dtype=model.dtype)
    for inputs, targets in batches:
        loss = cross_entropy(model.dtype)(targets, model.logits(inputs))
        mean.update_state(loss, sample_weight=(targets != IGNORE_INDEX).sum())
    check_evaluated(int(mean.count))
    return float(mean.result())
