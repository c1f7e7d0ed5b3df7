"""Trials of LoRA and of the classifier."""

import numpy as np

from exercises.probes.writing import whole_model
from exercises.trial import Trial
from numpy_gpt import classifier, layers, lora


def branch(t: Trial, dropout: float = 0.0) -> lora.LoRALinear:
    n_in, n_out, rank, alpha = t.size("in", 4, 5), t.size("out", 6, 7), 3, 1.7
    t.sizes |= {"alpha": alpha, "R": rank, "alpha/R": alpha / rank, "R/alpha": rank / alpha}
    base = layers.Linear(n_in, n_out, dtype=t.dtype)
    layer = lora.LoRALinear(base, rank, alpha, dropout, np.random.default_rng(3))
    for parameter in (base.weight, base.bias):
        parameter.requires_grad = False
    return t.randomized(layer)


def lora_forward(t: Trial) -> None:
    layer = branch(t)
    x = t.normal(2, 3, layer.weight.shape[1])
    t.forward("LoRALinear.forward", layer, x)
    dropping = branch(t, 0.25)
    x = t.normal(5, dropping.weight.shape[1])
    t.call("LoRALinear.forward", dropping, x, gives=("its output with dropout on the branch",))
    layer.merge(+1)
    x = t.normal(5, layer.weight.shape[1])
    t.call("LoRALinear.forward", layer, x, gives=("its output once merged",))


def lora_backward(t: Trial) -> None:
    layer = branch(t)
    x = t.normal(2, 3, layer.weight.shape[1])
    dy = t.normal(*layer(x).shape)
    t.call("LoRALinear.backward", layer.backward, dy, gives=("dx",))
    t.slopes("LoRALinear.backward", "dx", layer, x, dy)
    for name in ("lora_A", "lora_B"):
        parameter = getattr(layer, name)
        t.put("LoRALinear.backward", f"{name}'s gradient", parameter.grad)
        kept = parameter.data

        def output(at, parameter=parameter):
            parameter.data = at
            return layer(x)

        t.slopes("LoRALinear.backward", f"{name}'s gradient", output, kept, dy)
        parameter.data = kept
    t.put(
        "LoRALinear.backward", "whether the frozen weight got a gradient", "no" if layer.weight.grad is None else "yes"
    )
    dropping = branch(t, 0.25)
    x = t.normal(5, dropping.weight.shape[1])
    dy = t.normal(*dropping(x).shape)
    t.call("LoRALinear.backward", dropping.backward, dy, gives=("dx with dropout on the branch",))
    t.put("LoRALinear.backward", "lora_A's gradient with dropout on the branch", dropping.lora_A.grad)
    layer = branch(t)
    layer.merge(+1)
    dy = t.normal(*layer(x := t.normal(5, layer.weight.shape[1])).shape)
    t.call("LoRALinear.backward", layer.backward, dy, gives=("dx once merged",))


def lora_merge(t: Trial) -> None:
    layer = branch(t)
    t.call("LoRALinear.delta", layer.delta, gives=("ΔW",))
    x = t.normal(4, layer.weight.shape[1])
    beside = layer(x)
    layer.merge(+1)
    t.put("LoRALinear.merge", "the weight once merged", layer.weight.data)
    t.put("LoRALinear.merge", "the output once merged", layer(x))
    t.law("LoRALinear.merge", "merging changes no output", layer(x), beside)
    layer.merge(-1)
    t.put("LoRALinear.merge", "the weight once taken out again", layer.weight.data)
    t.put("LoRALinear.merge", "the output once taken out again", layer(x))


def apply_lora(t: Trial) -> None:
    own = whole_model(t)
    found = lora.apply_lora(own, 2, 1.7, ("attn.c_proj", "c_fc"), rng=np.random.default_rng(int(t.rng.integers(2**31))))
    t.put("apply_lora", "the layers it adapts", list(found))
    t.put("apply_lora", "what learns", [name for name, p in own.named_parameters() if p.requires_grad])


def predict_classes(t: Trial) -> None:
    own = whole_model(t)
    classifier.add_class_head(own, 3, np.random.default_rng(5))
    own.train()
    ids = t.rng.integers(0, own.config.vocab_size, (3, 6))
    last = np.array([5, 2, 0])
    t.call("predict_classes", classifier.predict_classes, own, ids, last, gives=("the logits",))
    t.put("predict_classes", "whether the model trains on afterwards", "yes" if own.training else "no")
