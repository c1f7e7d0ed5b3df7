"""inspect and convert, as a person sees them at 80 columns."""

import os
import re

import numpy as np
import pytest

import numpy_gpt
from numpy_gpt import weights
from parity_tests.checkpoint_files import DEEP, deep_model, write_openai
from shared_gpt.checkpoints import CheckpointError, save_tensors
from shared_gpt.commands.convert import Convert
from shared_gpt.commands.inspect import Inspect


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def shown(capsys, source) -> list[str]:
    Inspect(str(source)).run(numpy_gpt)
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= 80 for line in lines if not line.startswith("/"))
    return [" ".join(line.split()) for line in lines]


def test_inspect_shows_layout_sizes_modules_and_what_is_ignored(tmp_path, capsys):
    write_openai(tmp_path, deep_model(), global_step=np.int64(7))
    lines = shown(capsys, tmp_path)
    size = (tmp_path / "model.ckpt.data-00000-of-00001").stat().st_size
    assert lines[1] == f"OpenAI's TensorFlow checkpoint, {size / 1000:.1f} kB"
    assert "emb_dim=12" in lines[2]
    assert "wte 31 × 12 372 float64" in lines
    assert "h.0…12 attn.c_attn 36 × 12 6,084 float64" in lines  # 13 · (36 · 12 + 36)
    assert "h.0…12 mlp.c_proj 12 × 48 7,644 float64" in lines
    total = numpy_gpt.GPTModel(DEEP).num_parameters()
    assert f"loaded: 160 tensors, {total:,} parameters" in lines
    assert "ignored: global_step (state of the training)" in lines


def test_inspect_names_gpt2s_sizes(tmp_path, capsys, monkeypatch):
    from shared_gpt.checkpoints import inspection

    known = {**inspection.GPT2_SIZES, "gpt2-small": {"emb_dim": 12, "n_heads": 3, "n_layers": 13}}
    monkeypatch.setattr(inspection, "GPT2_SIZES", known)  # the real ones are too large for a test
    deep_model().save_pretrained(tmp_path)
    assert shown(capsys, tmp_path)[2].startswith("the width and depth of gpt2-small (124M): vocab_size=31")


def test_inspect_shows_what_a_run_noted(tmp_path, capsys):
    model = numpy_gpt.GPTModel(DEEP)
    tensors = {f"model.{key}": array for key, array in model.state_dict().items()} | {"optimizer.m.x": np.ones(3)}
    save_tensors(tmp_path / "last.safetensors", tensors, {"config": DEEP.to_dict(), "step": 7, "rng": {"state": 1}})
    lines = shown(capsys, tmp_path)
    assert lines[1].startswith("a run of this project")
    assert "ignored: optimizer.m.x (state of the optimizer)" in lines
    assert lines[-1] == "step: 7"


def test_inspect_lists_a_file_that_is_no_gpt2_before_it_refuses_it(tmp_path, capsys):
    from safetensors.numpy import save_file

    save_file({"blk[red].x": np.ones((3, 4)), "b": np.ones(2, np.float16)}, tmp_path / "x.safetensors")
    with pytest.raises(CheckpointError, match=r"x\.safetensors holds no tensor of a GPT-2, but"):
        Inspect(str(tmp_path / "x.safetensors")).run(numpy_gpt)
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "blk[red].x 3 × 4 12 float64" in lines


def test_inspect_shows_no_control_characters(tmp_path, capsys):
    """A file from elsewhere could move the cursor, or rename the window of the terminal."""
    tensors = {f"model.{key}": array for key, array in numpy_gpt.GPTModel(DEEP).state_dict().items()}
    save_tensors(tmp_path / "last.safetensors", tensors, {"config": DEEP.to_dict(), "note": "\x1b]0;mine\x07\r\x9b2J"})
    Inspect(str(tmp_path)).run(numpy_gpt)
    shown = capsys.readouterr().out
    assert "note: \ufffd]0;mine\ufffd\ufffd\ufffd2J" in shown
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", shown)


def test_convert_writes_what_it_says(tmp_path, capsys):
    write_openai(tmp_path / "openai", deep_model())
    Convert(str(tmp_path / "openai"), tmp_path / "hf", dtype="float32").run(numpy_gpt)
    assert capsys.readouterr().out == f"wrote {tmp_path / 'hf'}: config.json, model.safetensors\n"
    assert sorted(os.listdir(tmp_path / "hf")) == ["config.json", "model.safetensors"]
    expected = weights.load_gpt2(tmp_path / "openai").state_dict()
    loaded = weights.load_gpt2(tmp_path / "hf").state_dict()
    assert all(np.array_equal(loaded[key], expected[key]) for key in expected)
