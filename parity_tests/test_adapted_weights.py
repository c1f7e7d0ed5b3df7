"""An adapter as weights: it is read as its base with the branches added, or refused in one sentence."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import numpy_gpt
from shared_gpt.checkpoints import CheckpointError, shipped
from shared_gpt.checkpoints.adapters import CONFIG, read_adapter, write_adapter
from shared_gpt.commands.loading import load_classifier, task_folder

BASE, CHAT, SPAM = shipped.NAMES


def test_a_classifier_is_refused_as_a_writer():
    with pytest.raises(CheckpointError, match="classify --weights"):
        numpy_gpt.load_gpt2(SPAM)


def test_a_writer_is_refused_as_a_classifier():
    with pytest.raises(ValueError, match="no finetune labels run"):
        load_classifier(numpy_gpt, task_folder(CHAT))


def copied(folder: Path) -> Path:
    return Path(shutil.copytree(shipped.FOLDER / CHAT, folder / "copy"))


def test_an_adapter_without_the_name_of_its_base_is_refused(tmp_path):
    adapter = copied(tmp_path)
    config = json.loads((adapter / CONFIG).read_text())
    (adapter / CONFIG).write_text(json.dumps(config | {"base_model_name_or_path": None}))
    with pytest.raises(CheckpointError, match="does not name their base"):
        numpy_gpt.load_gpt2(adapter)


def test_an_adapter_of_another_base_is_refused(tmp_path):
    model = numpy_gpt.load_gpt2(BASE)
    model.wte.weight.data[0, 0] += 1
    numpy_gpt.save_gpt2(model, tmp_path / "other")
    adapter = copied(tmp_path)
    config = json.loads((adapter / CONFIG).read_text())
    (adapter / CONFIG).write_text(json.dumps(config | {"base_model_name_or_path": str(tmp_path / "other")}))
    with pytest.raises(CheckpointError, match="trained on other base weights"):
        numpy_gpt.load_gpt2(adapter)


def test_an_adapter_beside_a_base_of_ones_own_is_read_with_it(tmp_path):
    config = numpy_gpt.GPTConfig(vocab_size=50, context_length=8, emb_dim=8, n_heads=2, n_layers=1)
    model = numpy_gpt.GPTModel(config, rng=np.random.default_rng(1))
    numpy_gpt.save_gpt2(model, tmp_path / "base")
    numpy_gpt.apply_lora(model, 2, 4.0, rng=np.random.default_rng(2))
    for key, array in numpy_gpt.lora_state_dict(model).items():
        array[...] = np.random.default_rng(len(key)).normal(size=array.shape)
    numpy_gpt.save_lora(model, tmp_path / "adapter")
    write_adapter(tmp_path / "adapter", replace(read_adapter(tmp_path / "adapter"), base_name=str(tmp_path / "base")))
    ids = np.array([[1, 2, 3]])
    np.testing.assert_allclose(numpy_gpt.load_gpt2(tmp_path / "adapter")(ids), model.eval()(ids), rtol=1e-5, atol=1e-6)
