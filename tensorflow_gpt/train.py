"""Training: Keras' AdamW with the conventions of the twins, for compile and fit, or for the loop that the commands run."""

import math
from collections import namedtuple
from functools import partial
from itertools import islice

import keras
import numpy as np
import tensorflow as tf

from shared_gpt.checks.optim import (
    check_grads,
    check_hyperparameters,
    check_max_norm,
    check_optimizer_state,
    check_parameters,
)
from shared_gpt.checks.train import check_accumulate, check_batches, check_evaluated, check_step, check_training
from shared_gpt.text.batches import IGNORE_INDEX
from shared_gpt.training.memory import keep_freed_memory
from shared_gpt.training.processes import ALONE
from tensorflow_gpt.layers import Dense, Dropout
from tensorflow_gpt.parameters import Parameter

# What one step did: the loss before it, the gradient's length before clipping, the learning rate.
Progress = namedtuple("Progress", "step loss grad_norm lr")


def cross_entropy(dtype="float32"):
    """The mean over all targets that are not ignored, from logits; dtype: the model's (Keras would cast to float32)."""
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=IGNORE_INDEX, dtype=dtype)


def tf_dataset(batches):
    """Batches as fit takes them, of any lengths. (From a bare generator Keras takes the shapes of the first two for all.)"""
    spec = tf.TensorSpec((None, None), tf.int64)
    return tf.data.Dataset.from_generator(lambda: iter(batches), output_signature=(spec, spec))


class AdamW(keras.optimizers.AdamW):
    """For the parameters of one model, of which matrices and tables decay, biases and gains do not.

    Keras adds epsilon to √v, the twins to √v̂ = √(v / (1 - β₂ᵗ)): the same step where Keras is given eps √(1 - β₂ᵗ).
    Clipping scales by max_norm / norm in Keras; the twins, like PyTorch, divide by norm + 1e-6.
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01, max_norm=math.inf):
        check_hyperparameters(lr, betas, eps, weight_decay)
        check_max_norm(max_norm)
        params = [p if isinstance(p, Parameter) else Parameter(p) for p in params]  # or Keras' variables as they are
        trained = tuple(parameter for parameter in params if parameter.requires_grad)
        variables = [parameter.variable for parameter in trained]
        check_parameters(variables)
        keep_freed_memory()
        # Keras would hold the learning rate in floatx, and TensorFlow make float32 of a Python number before it makes float64.
        super().__init__(lambda: lr, epsilon=eps)
        self.weight_decay, self.beta_1, self.beta_2 = tf.constant((weight_decay, *betas), variables[0].dtype)
        self._learning_rate = self.add_variable((), np.array(lr), variables[0].dtype, name="learning_rate")
        self.params, self.max_norm = trained, max_norm
        self.exclude_from_weight_decay([variable for variable in variables if len(variable.shape) < 2])
        self.build(variables)

    def apply(self, grads, trainable_variables=None):
        check_grads(grads)
        # Of a table TensorFlow gives the rows that were looked up, one looked up twice as two.
        grads = [tf.convert_to_tensor(g) for g in grads]
        scale = tf.minimum(self.max_norm / (tf.linalg.global_norm(grads) + 1e-6), 1)
        super().apply([g * scale for g in grads], trainable_variables)

    def update_step(self, gradient, variable, learning_rate):
        eps, t = self.epsilon, tf.cast(self.iterations + 1, variable.dtype)
        self.epsilon = eps * tf.sqrt(1 - self.beta_2**t)
        super().update_step(gradient, variable, learning_rate)
        self.epsilon = eps

    @property
    def steps(self):
        return int(self.iterations)

    def state_dict(self):
        """Steps taken, and both moments of each parameter in our layout."""
        m, v = ([p.turned(x) for p, x in zip(self.params, own)] for own in (self._momentums, self._velocities))
        return {"steps": self.steps, "m": m, "v": v}

    def load_state_dict(self, state):
        """Copy a state taken from an optimizer of the same parameters, of a twin as well."""
        check_optimizer_state({"m": self.params, "v": self.params}, state)
        self.iterations.assign(state["steps"])
        for p, own, moment in zip(2 * self.params, self._momentums + self._velocities, [*state["m"], *state["v"]]):
            own.assign(p.turned(moment))


def train(model, optimizer, batches, steps, learning_rate, accumulate=1, max_norm=1.0, first_step=0, processes=ALONE):
    """Train on an iterator of batches, inputs and targets (B, T); yield a Progress after each step. A step takes `accumulate`
    batches as if they were one, of which every counted target weighs the same. Raises FloatingPointError, and leaves the weights
    as they are, for a loss or gradient that is not finite.
    """
    check_accumulate(accumulate)
    check_max_norm(max_norm)
    optimizer.max_norm = max_norm
    own = {id(parameter.variable): parameter for parameter in model.parameters()}
    trained = [own.get(id(parameter.variable), parameter) for parameter in optimizer.params]
    variables = [parameter.variable for parameter in trained]
    dense = [layer for layer in model.modules() if isinstance(layer, Dense)]
    dropouts = [layer for layer in model.modules() if isinstance(layer, Dropout) and layer.rate > 0]
    compute = tf.function(partial(gradients, model, variables, training=True), reduce_retracing=True)
    update = tf.function(optimizer.apply)
    for step in range(first_step, steps):
        optimizer.learning_rate = lr = learning_rate(step)
        for dropout in dropouts:
            dropout.seed_generator.state.assign(dropout.rng.integers(2**32, size=2, dtype=np.uint32))
        chosen = list(islice(batches, accumulate))
        check_batches(chosen, accumulate, step)
        check_training(chosen, own, trained, sum(layer.merged for layer in dense))
        counts = [(targets != IGNORE_INDEX).sum() for _, targets in chosen]
        shares = tf.constant(np.divide(counts, max(sum(counts), 1)), model.dtype)
        parts = [compute(*map(tf.constant, batch), share) for batch, share in zip(chosen, shares)]
        loss = sum(float(loss) for loss, _ in parts)
        grads = [tf.add_n(same) for same in zip(*(grads for _, grads in parts))]
        grad_norm = float(tf.linalg.global_norm(grads))
        check_step(loss, grad_norm, {parameter.key: g.numpy() for parameter, g in zip(trained, grads)})
        update(grads)
        yield Progress(step + 1, loss, grad_norm, lr)


def gradients(model, variables, inputs, targets, share=1, training=False):
    """`share` times the loss, and its gradient with respect to each variable in Keras' layout."""
    with tf.GradientTape() as tape:
        loss = share * cross_entropy(model.dtype)(targets, model(inputs, training=training))
    return loss, [tf.convert_to_tensor(g) for g in tape.gradient(loss, variables)]


def evaluate(model, batches):
    """The mean loss over all counted targets, without dropout. (Keras' evaluate weighs batches by their rows.)"""
    mean = keras.metrics.Mean(dtype=model.dtype)
    for inputs, targets in batches:
        loss = cross_entropy(model.dtype)(targets, model.logits(inputs))
        mean.update_state(loss, sample_weight=(targets != IGNORE_INDEX).sum())
    check_evaluated(int(mean.count))
    return float(mean.result())
