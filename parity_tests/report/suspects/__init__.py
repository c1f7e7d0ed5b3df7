"""Mistakes that people make in GPT-2's formulas, computed from the reference's own values, to be recognised by their result.

A file for each room of numpy_gpt. Each function reads the reference trace and yields (what was done wrong, the array that this
gives). To add one: compute the mistaken value below the formula that it belongs to.
"""

from parity_tests.report.suspects import attention, functional, layers, loss
from parity_tests.report.suspects.suspect import Suspects
from parity_tests.report.trace import Key, Trace


def known_mistakes(key: Key, theirs: Trace) -> Suspects:
    """The suspects for the value at `key`."""
    place, name = key
    module, _, last = name.rpartition(".")
    kind = (module if place == "gradient" else name).rpartition(".")[2]
    if kind == "gelu" and place in ("output", "dx"):
        yield from functional.gelu(place, name, theirs)
    elif kind in ("ln_1", "ln_2", "ln_f") and place in ("output", "dx"):
        yield from functional.layer_norm(place, name, theirs)
    elif place == "gradient" and kind in ("ln_1", "ln_2", "ln_f") and last == "weight":
        yield from functional.gain_gradient(module, theirs)
    elif place == "output" and ("parameter", f"{name}.lora_A") in theirs:
        yield from layers.lora_output(name, theirs)
    elif kind == "attn_dropout" and place == "input":
        yield from attention.attention_weights(module, theirs)
    elif kind == "c_attn" and place == "dy":
        yield from attention.attention_gradient(module, theirs)
    elif kind == "c_fc" and place == "dy":
        yield "the backward of gelu is skipped", theirs["dx", f"{module}.c_proj"]
    elif place == "gradient" and last == "bias" and kind in ("c_attn", "c_proj", "c_fc"):
        yield from layers.bias_gradient(module, theirs)
    elif place == "gradient" and name in ("wte.weight", "wpe.weight"):
        yield from layers.table_gradient(module, theirs)
    elif key == ("dx", "loss"):
        yield from loss.cross_entropy(theirs)
