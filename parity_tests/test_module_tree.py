"""print(model): the tree of modules with shapes and parameter counts, the same text from both twins."""

import re

import numpy as np
import pytest

import numpy_gpt
import torch_gpt
from numpy_gpt import GPTConfig

CONFIG = GPTConfig(61, 13, 30, 5, 3, drop_rate=0.1)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("lora", [False, True])
def test_both_twins_print_the_same_tree(tied, lora):
    pair = [twin.GPTModel(CONFIG.replace(tie_embeddings=tied)) for twin in (numpy_gpt, torch_gpt)]
    if lora:
        for model, twin in zip(pair, (numpy_gpt, torch_gpt)):
            twin.apply_lora(model, 2, 4.0)
    assert str(pair[0]) == str(pair[1])


def test_every_module_is_there_with_its_shapes_and_counts():
    model = numpy_gpt.GPTModel(CONFIG)
    text = str(model)
    assert text.splitlines()[0] == f"GPTModel(  # {model.num_parameters():,} parameters"
    assert "(0-2): 3 x TransformerBlock(" in text
    assert "(c_attn): Linear(weight 90 x 30, bias 90)  # 2,790 parameters" in text
    assert "(ln_1): LayerNorm(eps=1e-05, weight 30, bias 30)  # 60 parameters" in text
    assert "(drop): Dropout(drop_rate=0.1)" in text
    assert "(lm_head): Linear(weight 61 x 30 (tied))" in text
    names = {name for path, _ in model.named_modules() for name in path.split(".") if name and not name.isdigit()}
    assert names == {name for name in re.findall(r"\((\w+)\): ", text) if not name.isdigit()}
    assert max(map(len, text.splitlines())) <= 80


def test_blocks_that_differ_are_shown_apart():
    model = numpy_gpt.GPTModel(CONFIG)
    for parameter in model.h[0].parameters():
        parameter.requires_grad = False
    text = str(model)
    assert "(0): TransformerBlock(" in text
    assert "(1-2): 2 x TransformerBlock(" in text
    assert text.count("(frozen)") == len(list(model.h[0].parameters()))


def test_a_module_alone_is_one_line():
    assert repr(numpy_gpt.GELU()) == repr(torch_gpt.GELU()) == "GELU()"
    layer = numpy_gpt.Dropout(0.25, np.random.default_rng(0))
    assert repr(layer) == "Dropout(drop_rate=0.25)"
