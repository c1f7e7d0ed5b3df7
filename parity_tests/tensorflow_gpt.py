"""The same GPT-2 a third time, in TensorFlow: a judge that shares no line and no kernel with the twins.

It is made from a twin's state dict, with the same keys and shapes. It uses TensorFlow's own softmax, moments and cross-entropy,
and gets its gradients from GradientTape. It can train, with AdamW in the twins' order, and fine-tune with LoRA. It has no
dropout: compare at drop_rate 0 or in evaluation mode.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from numpy_gpt import GPTConfig


def gelu(x: tf.Tensor) -> tf.Tensor:
    """The tanh form, as a sigmoid: (1 + tanh u) / 2 = σ(2u). TensorFlow's own keeps its constant in float32 only."""
    return x * tf.sigmoid(2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))


class TensorFlowGPT:
    """A GPT-2 from a state dict of arrays; every weight trains until `add_lora`."""

    def __init__(self, config: GPTConfig, state: Mapping[str, Any]):
        self.config = config
        self.weights = {name: tf.Variable(np.array(array)) for name, array in state.items()}
        self.lora_scale = 0.0
        self.trainable = dict(self.weights)

    def add_lora(self, adapter: Mapping[str, Any], alpha: float) -> None:
        """Low-rank branches y += alpha / R · B A x beside the layers that the adapter names; from here on only they train.

        adapter: `h.0.attn.c_attn.lora_A` (R, in), `….lora_B` (out, R), …; its keys name the targets, its shapes the rank.
        """
        self.trainable = {name: tf.Variable(np.array(array)) for name, array in adapter.items()}
        self.weights.update(self.trainable)
        self.lora_scale = alpha / next(array.shape[0] for name, array in adapter.items() if name.endswith("lora_A"))

    def linear(self, name: str, x: tf.Tensor) -> tf.Tensor:
        y = x @ tf.transpose(self.weights[f"{name}.weight"])
        if f"{name}.bias" in self.weights:
            y += self.weights[f"{name}.bias"]
        if f"{name}.lora_A" in self.weights:
            low = x @ tf.transpose(self.weights[f"{name}.lora_A"])
            y += self.lora_scale * (low @ tf.transpose(self.weights[f"{name}.lora_B"]))
        return y

    def layer_norm(self, name: str, x: tf.Tensor) -> tf.Tensor:
        mean, variance = tf.nn.moments(x, axes=[-1], keepdims=True)
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        return tf.nn.batch_normalization(x, mean, variance, bias, weight, 1e-5)

    def attention(self, name: str, x: tf.Tensor) -> tf.Tensor:
        B, T, C = x.shape
        H, D = self.config.n_heads, self.config.head_dim
        q, k, v = tf.unstack(tf.reshape(self.linear(f"{name}.c_attn", x), (B, T, 3, H, D)), axis=2)
        scores = tf.einsum("bthd,bshd->bhts", q, k) / tf.sqrt(tf.cast(D, x.dtype))
        visible = tf.linalg.band_part(tf.ones((T, T), tf.bool), -1, 0)
        p = tf.nn.softmax(tf.where(visible, scores, x.dtype.min))
        return self.linear(f"{name}.c_proj", tf.reshape(tf.einsum("bhts,bshd->bthd", p, v), (B, T, C)))

    def feed_forward(self, name: str, x: tf.Tensor) -> tf.Tensor:
        return self.linear(f"{name}.c_proj", gelu(self.linear(f"{name}.c_fc", x)))

    def __call__(self, ids: np.ndarray) -> tf.Tensor:
        """Logits (B, T, V) for ids (B, T)."""
        x = tf.gather(self.weights["wte.weight"], ids) + self.weights["wpe.weight"][: ids.shape[1]]
        for i in range(self.config.n_layers):
            x += self.attention(f"h.{i}.attn", self.layer_norm(f"h.{i}.ln_1", x))
            x += self.feed_forward(f"h.{i}.mlp", self.layer_norm(f"h.{i}.ln_2", x))
        head = "wte" if self.config.tie_embeddings else "lm_head"
        return self.linear(head, self.layer_norm("ln_f", x))

    def loss(self, ids: np.ndarray, targets: np.ndarray, ignore_index: int = -100) -> tf.Tensor:
        """Mean cross-entropy over the targets that are not ignored."""
        counted = targets != ignore_index
        logits = tf.boolean_mask(self(ids), counted)
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(targets[counted], logits))

    def gradients(self, ids: np.ndarray, targets: np.ndarray, ignore_index: int = -100) -> tuple[tf.Tensor, dict]:
        """The loss, and its gradient with respect to every trainable parameter, by key."""
        with tf.GradientTape() as tape:
            loss = self.loss(ids, targets, ignore_index)
        found = tape.gradient(loss, self.trainable)
        return loss, {name: tf.convert_to_tensor(gradient) for name, gradient in found.items()}


class AdamW:
    """Decoupled decay on variables of two or more dimensions, then Adam's step: the order of the twins and of PyTorch."""

    def __init__(
        self, variables: Mapping[str, tf.Variable], lr: float, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01
    ):
        self.variables, self.lr, self.betas, self.eps, self.weight_decay = variables, lr, betas, eps, weight_decay
        self.t = 0
        self.m = {name: tf.Variable(tf.zeros_like(w)) for name, w in variables.items()}
        self.v = {name: tf.Variable(tf.zeros_like(w)) for name, w in variables.items()}

    def step(self, gradients: Mapping[str, tf.Tensor]) -> None:
        self.t += 1
        beta1, beta2 = self.betas
        for name, g in gradients.items():
            w, m, v = self.variables[name], self.m[name], self.v[name]
            if len(w.shape) >= 2:
                w.assign(w * (1 - self.lr * self.weight_decay))
            m.assign(beta1 * m + (1 - beta1) * g)
            v.assign(beta2 * v + (1 - beta2) * g * g)
            m_hat, v_hat = m / (1 - beta1**self.t), v / (1 - beta2**self.t)
            w.assign_sub(self.lr * m_hat / (tf.sqrt(v_hat) + self.eps))


def train_step(
    model: TensorFlowGPT, optimizer: AdamW, ids: np.ndarray, targets: np.ndarray, max_norm: float | None = None
) -> float:
    """Take one step of training; return the loss before it."""
    loss, gradients = model.gradients(ids, targets)
    if max_norm is not None:
        scale = tf.minimum(1.0, max_norm / (tf.linalg.global_norm(list(gradients.values())) + 1e-6))
        gradients = {name: scale * gradient for name, gradient in gradients.items()}
    optimizer.step(gradients)
    return float(loss)
