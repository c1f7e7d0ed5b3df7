"""Checkpoints written by the programs that people get them from: transformers, PyTorch, TensorFlow.

Nothing here uses shared_gpt.checkpoints. OpenAI's network is written out once more in TensorFlow, over the variables as the file
has them: a judge of names, shapes and orientation that shares no table with the reader.
"""

import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from numpy_gpt import GPTConfig
from parity_tests.optional import tf

DEEP = GPTConfig(vocab_size=31, context_length=11, emb_dim=12, n_heads=3, n_layers=13)  # h10 sorts before h2


def transformers_model(config: GPTConfig, seed: int = 0):
    """A GPT2LMHeadModel in float64 and evaluation mode, no weight, bias or gain of which is trivial."""
    from transformers import GPT2Config, GPT2LMHeadModel

    model = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=config.vocab_size,
            n_positions=config.context_length,
            n_embd=config.emb_dim,
            n_head=config.n_heads,
            n_layer=config.n_layers,
            tie_word_embeddings=config.tie_embeddings,
            bos_token_id=0,
            eos_token_id=0,
        )
    )
    model = model.double().eval()
    rng = np.random.default_rng([seed, 7])
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            draw = rng.standard_normal(tuple(parameter.shape))
            if draw.ndim == 2:
                draw /= math.sqrt(draw.shape[-1] if "wte" in name or "head" in name else draw.shape[0])
            else:
                draw = 0.3 * draw + (1.0 if "ln_" in name and name.endswith("weight") else 0.0)
            parameter.copy_(torch.from_numpy(draw))
    return model


@cache
def deep_model():
    """One model of 13 blocks, for all tests that do not change it."""
    return transformers_model(DEEP)


def transformers_logits(model, ids: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return model(torch.from_numpy(ids)).logits.numpy()


def some_ids(config: GPTConfig, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([seed, 8]).integers(config.vocab_size, size=(2, config.context_length))


def openai_variables(model) -> dict[str, np.ndarray]:
    """The weights of a GPT2LMHeadModel under the names and in the shapes of OpenAI's checkpoints."""
    state = {name: tensor.numpy() for name, tensor in model.transformer.state_dict().items()}
    variables = {"model/wte": state["wte.weight"], "model/wpe": state["wpe.weight"]}
    for i in range(model.config.n_layer):
        for part in ("attn/c_attn", "attn/c_proj", "mlp/c_fc", "mlp/c_proj"):
            theirs = f"h.{i}.{part.replace('/', '.')}"
            variables[f"model/h{i}/{part}/w"] = state[f"{theirs}.weight"][np.newaxis]
            variables[f"model/h{i}/{part}/b"] = state[f"{theirs}.bias"]
        for norm in ("ln_1", "ln_2"):
            variables[f"model/h{i}/{norm}/g"] = state[f"h.{i}.{norm}.weight"]
            variables[f"model/h{i}/{norm}/b"] = state[f"h.{i}.{norm}.bias"]
    return variables | {"model/ln_f/g": state["ln_f.weight"], "model/ln_f/b": state["ln_f.bias"]}


def write_openai(folder: Path, model, **more: np.ndarray) -> Path:
    """OpenAI's layout, written by TensorFlow; `more` adds variables."""
    folder.mkdir(parents=True, exist_ok=True)
    save_bundle(folder / "model.ckpt", openai_variables(model) | more)
    c = model.config
    hparams = {
        "n_vocab": c.vocab_size,
        "n_ctx": c.n_positions,
        "n_embd": c.n_embd,
        "n_head": c.n_head,
        "n_layer": c.n_layer,
    }
    (folder / "hparams.json").write_text(json.dumps(hparams), encoding="utf-8")
    lines = 'model_checkpoint_path: "model.ckpt"\nall_model_checkpoint_paths: "model.ckpt"\n'
    (folder / "checkpoint").write_text(lines, encoding="utf-8")
    return folder


def save_bundle(prefix: Path, tensors: dict) -> None:
    """A TensorFlow checkpoint, by the operation that tf.train.Saver runs."""
    names = sorted(tensors)
    values = [tensors[name] for name in names]
    tf.raw_ops.SaveV2(prefix=str(prefix), tensor_names=names, shape_and_slices=[""] * len(names), tensors=values)


def openai_logits(folder: Path, ids: np.ndarray) -> np.ndarray:
    """OpenAI's network over the variables that TensorFlow reads from a folder."""
    hparams = json.loads((folder / "hparams.json").read_text(encoding="utf-8"))
    reader = tf.train.load_checkpoint(str(folder))
    B, T = ids.shape

    def get(name: str) -> Any:
        return tf.constant(reader.get_tensor(f"model/{name}"))

    def convolve(name: str, x: Any) -> Any:
        return tf.nn.conv1d(x, get(f"{name}/w"), stride=1, padding="VALID") + get(f"{name}/b")

    def normalise(name: str, x: Any) -> Any:
        centred = x - tf.reduce_mean(x, axis=-1, keepdims=True)
        variance = tf.reduce_mean(centred * centred, axis=-1, keepdims=True)
        return centred / tf.sqrt(variance + 1e-5) * get(f"{name}/g") + get(f"{name}/b")

    def heads(x: Any) -> Any:
        return tf.transpose(tf.reshape(x, (B, T, hparams["n_head"], -1)), (0, 2, 1, 3))

    x = tf.gather(get("wte"), ids) + get("wpe")[:T]
    future = np.triu(np.ones((T, T)), k=1) * -1e10
    for i in range(hparams["n_layer"]):
        q, k, v = map(heads, tf.split(convolve(f"h{i}/attn/c_attn", normalise(f"h{i}/ln_1", x)), 3, axis=-1))
        weights = tf.nn.softmax(q @ tf.transpose(k, (0, 1, 3, 2)) / math.sqrt(q.shape[-1]) + future)
        x += convolve(f"h{i}/attn/c_proj", tf.reshape(tf.transpose(weights @ v, (0, 2, 1, 3)), x.shape))
        h = convolve(f"h{i}/mlp/c_fc", normalise(f"h{i}/ln_2", x))
        h = 0.5 * h * (1 + tf.tanh(math.sqrt(2 / math.pi) * (h + 0.044715 * h * h * h)))
        x += convolve(f"h{i}/mlp/c_proj", h)
    return tf.linalg.matmul(normalise("ln_f", x), get("wte"), transpose_b=True).numpy()
