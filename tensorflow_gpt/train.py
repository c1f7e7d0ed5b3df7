"""Training: with Keras' compile and fit, or step by step as the commands do."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from shared_gpt.checks.optim import check_max_norm
from shared_gpt.checks.train import check_accumulate, check_batches, check_evaluated, check_step, check_training
from shared_gpt.text.batches import IGNORE_INDEX
from shared_gpt.training.processes import ALONE, Processes
from tensorflow_gpt.layers import Dropout
from tensorflow_gpt.lora import adapted
from tensorflow_gpt.model import GPTModel
from tensorflow_gpt.optim import AdamW

Batch = tuple[np.ndarray, np.ndarray]  # inputs and targets (B, T)


def cross_entropy(dtype: str = "float32") -> keras.losses.Loss:
    """The mean over all targets that are not ignored, from logits; dtype: the model's (Keras would cast to float32)."""
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=IGNORE_INDEX, dtype=dtype)


class LearningRate(keras.callbacks.Callback):
    """For fit: the learning rate of each step, of 0, 1, … as `TrainSettings.learning_rate` counts."""

    def __init__(self, learning_rate: Callable[[int], float]):
        super().__init__()
        self.learning_rate = learning_rate

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        self.model.optimizer.learning_rate = self.learning_rate(int(self.model.optimizer.iterations))


def tf_dataset(batches: Iterable[Batch]) -> tf.data.Dataset:
    """Batches as fit takes them, of any lengths. (From a bare generator Keras takes the shapes of the first two for all.)"""
    spec = tf.TensorSpec((None, None), tf.int64)
    return tf.data.Dataset.from_generator(lambda: iter(batches), output_signature=(spec, spec))


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
    dropouts = [module for module in model.modules() if isinstance(module, Dropout)]
    variables = [parameter.variable for parameter in optimizer.params]
    own = dict(model.named_parameters())
    names = {id(parameter.variable): name for name, parameter in own.items()}
    trained = [own.get(names.get(id(parameter.variable)), parameter) for parameter in optimizer.params]
    optimizer.max_norm = max_norm
    compute = tf.function(partial(gradients, model, variables, training=True), reduce_retracing=True)
    update = tf.function(lambda grads: optimizer.apply(grads, variables))
    for step in range(first_step, steps):
        optimizer.learning_rate = lr = learning_rate(step)
        for dropout in dropouts:
            dropout.reseed()
        chosen = list(islice(batches, accumulate))
        check_batches(chosen, accumulate, step)
        check_training(chosen, own, trained, sum(layer.merged for layer in adapted(model).values()))
        counts = [int((targets != IGNORE_INDEX).sum()) for _, targets in chosen]
        shares = tf.constant([count / max(sum(counts), 1) for count in counts], model.dtype)
        parts = [compute(*map(tf.constant, batch), share) for batch, share in zip(chosen, shares)]
        loss = sum(float(loss) for loss, _ in parts)
        grads = [tf.add_n(same) for same in zip(*(grads for _, grads in parts))]
        grad_norm = float(tf.linalg.global_norm(grads))
        check_step(loss, grad_norm, {names[id(v)]: g.numpy() for v, g in zip(variables, grads)})
        update(grads)
        yield Progress(step + 1, loss, grad_norm, lr)


def gradients(
    model: GPTModel, variables: list, inputs: Any, targets: Any, share: Any = 1, training: bool = False
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """`share` times the loss, and its gradient with respect to each variable in Keras' layout."""
    with tf.GradientTape() as tape:
        loss = share * cross_entropy(model.dtype)(targets, model(inputs, training=training))
    return loss, [tf.convert_to_tensor(g) for g in tape.gradient(loss, variables)]


def loss_and_gradients(model: GPTModel, inputs: np.ndarray, targets: np.ndarray) -> tuple[float, dict[str, np.ndarray]]:
    """The loss without dropout, and its gradient with respect to every trainable parameter, by our keys in our layout."""
    trained = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    loss, grads = gradients(model, [parameter.variable for parameter in trained.values()], inputs, targets)
    return float(loss), {name: parameter.turned(g) for (name, parameter), g in zip(trained.items(), grads)}


def evaluate(model: GPTModel, batches: Iterable[Batch]) -> float:
    """The mean loss over all counted targets, without dropout. (Keras' evaluate weighs batches by their rows.)"""
    criterion = cross_entropy(model.dtype)
    loss, total = 0.0, 0
    for inputs, targets in batches:
        count = int((targets != IGNORE_INDEX).sum())
        loss += float(criterion(targets, model.logits(inputs))) * count
        total += count
    check_evaluated(total)
    return loss / total
