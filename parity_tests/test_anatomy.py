"""The figures of `anatomy` are those of the real model: its parameters, what it keeps, what its products cost."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

import numpy_gpt
import torch_gpt
from numpy_gpt import CrossEntropy, GPTConfig, GPTModel
from parity_tests.strategies import configs
from shared_gpt.anatomy import anatomy, totals
from shared_gpt.cli import main

SIZES = {"gpt2-small": 124_439_808, "gpt2-medium": 354_823_168, "gpt2-large": 774_030_080, "gpt2-xl": 1_557_611_200}


@pytest.mark.parametrize("preset", SIZES)
def test_parameters_of_gpt2(preset):
    config = GPTConfig.preset(preset)
    parts = anatomy(config, 1)
    assert totals(parts, 0).parameters == SIZES[preset]
    # Kaplan et al. 2020, table 1: 2 operations per weight and token, and 2 n_layers T C for the scores and as many for their use
    matrices = 12 * config.n_layers * config.emb_dim**2 + config.vocab_size * config.emb_dim
    T = config.context_length
    assert sum(p.operations * p.copies for p in parts) == 2 * T * (matrices + 2 * config.n_layers * T * config.emb_dim)


@given(configs(), st.sampled_from([0.0, 0.2]), st.integers(1, 3), st.sampled_from(["float32", "float64"]))
def test_parts_are_what_the_model_holds_and_keeps(config, drop_rate, B, dtype):
    config = config.replace(drop_rate=drop_rate)
    T = config.context_length
    model = GPTModel(config, dtype=getattr(numpy_gpt, dtype))
    criterion = CrossEntropy()
    ids = np.random.default_rng(0).integers(config.vocab_size, size=(B, T))
    criterion(model(ids), ids)
    parameters, kept, seen = {}, {}, set()
    for path, module in [*model.named_modules(), ("loss", criterion)]:
        name = ".".join("*" if word.isdigit() else word for word in path.split(".")).replace(".attn_dropout", "")
        own = [p for p in vars(module).values() if isinstance(p, numpy_gpt.Parameter) and id(p) not in seen]
        seen |= set(map(id, own))
        parameters[name] = parameters.get(name, 0) + sum(p.data.size for p in own)
        kept[name] = kept.get(name, 0) + kept_bytes(module, seen)
    for part in anatomy(config, B, itemsize=np.dtype(dtype).itemsize):
        assert (part.name, parameters.pop(part.name)) == (part.name, part.parameters * part.copies)
        assert (part.name, kept.pop(part.name)) == (part.name, part.kept * part.copies)
    assert not any(parameters.values())
    assert not any(kept.values())


def kept_bytes(module, seen: set) -> int:
    """Bytes of the arrays saved by a module that no module before it has saved; views count as the array behind them."""
    total = 0
    for values in module._saved.stack:
        for array in values:
            if isinstance(array, np.ndarray):
                while array.base is not None:
                    array = array.base
                if id(array) not in seen:
                    seen.add(id(array))
                    total += array.nbytes
    return total


@given(configs(), st.integers(1, 3))
def test_operations_are_those_that_pytorch_counts(config, B):
    T = config.context_length
    ids = torch.randint(config.vocab_size, (B, T))
    model = torch_gpt.GPTModel(config)
    parts = anatomy(config, B)
    with FlopCounterMode(display=False) as counter:
        loss = torch_gpt.CrossEntropy()(model(ids), ids)
    assert counter.get_total_flops() == sum(part.operations * part.copies for part in parts)
    with FlopCounterMode(display=False) as counter:
        loss.backward()
    assert counter.get_total_flops() == totals(parts, 0).operations * 2 / 3


@pytest.mark.parametrize("twin", [numpy_gpt, torch_gpt])
def test_the_command(twin, tmp_path, capsys):
    out = tmp_path / "anatomy.png"
    options = ["--preset", "gpt2-small", "--batch-size", "4", "--context", "256", "--teraflops", "0.1"]
    assert main(twin, ["anatomy", *options, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "124,439,808" in said
    assert "h.*.mlp.c_fc" in said
    assert max(len(line) for line in said.splitlines() if not line.startswith("Picture: ")) <= 80
    assert out.stat().st_size > 10_000
    assert main(twin, ["anatomy", "--context", "100000"]) == 2
    assert "context_length of 64" in capsys.readouterr().err
