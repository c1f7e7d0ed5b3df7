"""Where derivations arrive: the layers' own backward passes, called with the arrays that a derivation names."""

import math

import numpy as np

from numpy_gpt import functional
from numpy_gpt.attention import MultiHeadAttention
from numpy_gpt.block import FeedForward, TransformerBlock
from numpy_gpt.layers import Dropout, Embedding, Linear
from numpy_gpt.lora import LoRALinear
from numpy_gpt.loss import CrossEntropy
from numpy_gpt.model import GPTModel
from numpy_gpt.module import Module, no_grad
from shared_gpt.config import GPTConfig

float64 = np.float64


def visible(t: int, s: int) -> float:
    """1 where query t may see key s."""
    return float(s <= t)


def gelu(x: float) -> float:
    return float(functional.gelu(np.array([float(x)]))[0])


def linear_backward(dy, x, W, b):
    layer = Linear(*W.T.shape, dtype=float64)
    layer.weight.data[...], layer.bias.data[...] = W, b
    layer(x)
    return layer.backward(dy), layer.weight.grad, layer.bias.grad


def embedding_backward(dy, ids, W):
    layer = Embedding(*W.shape, dtype=float64)
    layer(ids)
    layer.backward(dy)
    return layer.weight.grad


def dropout_backward(dy, keep, rate):
    layer = Dropout(float(rate), np.random.default_rng(0))
    layer.save_for_backward(keep == 1)
    return layer.backward(dy)


def attention_backward(dc, q, k, v):
    """dq, dk, dv of one head, by a layer whose projections only pick q, k and v out of its input.

    The layer's head is three times as wide as q, the rest zeros; √3 makes up for its scale.
    """
    D = q.shape[1]
    config = GPTConfig(vocab_size=1, context_length=len(q), emb_dim=3 * D, n_heads=1, n_layers=1, drop_rate=0.0)
    layer = MultiHeadAttention(config, np.random.default_rng(0), float64)
    for part, factor in enumerate((math.sqrt(3), 1, 1)):
        place = slice(3 * D * part, 3 * D * part + D), slice(D * part, D * part + D)
        layer.c_attn.weight.data[place] = factor * np.eye(D)
    layer.c_proj.weight.data[...] = np.eye(3 * D)
    layer(np.concatenate([q, k, v], axis=1)[None])
    dy = np.concatenate([dc, np.zeros((len(dc), 2 * D))], axis=1)
    return np.split(layer.backward(dy[None])[0], 3, axis=1)


def feed_forward_backward(dy, x, U, W):
    """The gradient with respect to x; U (F, C) and W (C, F) are padded to the layer's width of 4 C."""
    C = x.shape[1]
    config = GPTConfig(vocab_size=1, context_length=len(x), emb_dim=C, n_heads=1, n_layers=1, drop_rate=0.0)
    layer = FeedForward(config, np.random.default_rng(0), float64)
    layer.c_fc.weight.data[: len(U)], layer.c_proj.weight.data[:, : len(U)] = U, W
    layer(x[None])
    return layer.backward(dy[None])[0]


def _scattered(module: Module) -> Module:
    """The module with weights that are neither small nor alike."""
    rng = np.random.default_rng(1)
    for parameter in module.parameters():
        parameter.data[...] = 0.5 * rng.normal(size=parameter.shape) + (len(parameter.shape) == 1)
    return module


def _config(x: np.ndarray, vocab_size: int = 1) -> GPTConfig:
    return GPTConfig(vocab_size, context_length=x.shape[0], emb_dim=x.shape[1], n_heads=2, n_layers=1, drop_rate=0.0)


def _block(x: np.ndarray) -> Module:
    return _scattered(TransformerBlock(_config(x), np.random.default_rng(0), float64))


@no_grad()
def block(x):
    return _block(x)(x[None])[0]


def block_backward(dy, x):
    layer = _block(x)
    layer(x[None])
    return layer.backward(dy[None])[0]


def _model(W: np.ndarray, P: np.ndarray) -> GPTModel:
    model = _scattered(GPTModel(_config(P, len(W)), np.random.default_rng(0), float64))
    model.wte.weight.data[...], model.wpe.weight.data[...] = W, P
    return model


@no_grad()
def logits(ids, W, P):
    return _model(W, P)(ids[None])[0]


def model_backward(dz, ids, W, P):
    model = _model(W, P)
    model(ids[None])
    model.backward(dz[None])
    return model.wte.weight.grad, model.wpe.weight.grad


def cross_entropy_backward(z, targets):
    criterion = CrossEntropy()
    criterion(z, targets)
    return criterion.backward()


def lora_backward(dy, x, W, A, B):
    """dA, dB, dx with alpha / rank = 0.5."""
    base = Linear(*W.T.shape, dtype=float64)
    base.weight.data[...] = W
    base.weight.requires_grad = base.bias.requires_grad = False
    layer = LoRALinear(base, len(A), len(A) / 2, 0.0, np.random.default_rng(0))
    layer.lora_A.data[...], layer.lora_B.data[...] = A, B
    layer(x)
    dx = layer.backward(dy)
    return layer.lora_A.grad, layer.lora_B.grad, dx
