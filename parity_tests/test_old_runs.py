"""Runs, checkpoints and token files that were written before the packages were divided still do what they did: see old_runs/."""

import io
import json
import os
import shutil
from pathlib import Path

import pytest

import numpy_gpt
import torch_gpt
from shared_gpt.cli import main
from shared_gpt.training.run_folder import RunFolder

TWINS = [numpy_gpt, torch_gpt]
OLD_RUNS = Path(__file__).parent / "old_runs"
EXPECTED = json.loads((OLD_RUNS / "expected.json").read_text(encoding="utf-8"))


@pytest.fixture
def old_runs(tmp_path, monkeypatch) -> Path:
    """A copy, in which the paths in the runs' files hold."""
    folder = shutil.copytree(OLD_RUNS, tmp_path / "old")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "80")
    return folder


def test_there_is_something_of_each_kind():
    commands = " ".join(EXPECTED["printed"])
    for word in (
        "generate",
        "chat",
        "classify",
        "evaluate",
        "inspect",
        "pretrain",
        "instructions",
        "labels",
        "tokens.bin",
    ):
        assert word in commands
    assert set(EXPECTED["resumed"]) == {"pretrain", "instructions", "labels"}


@pytest.mark.parametrize("twin", TWINS)
@pytest.mark.parametrize("command", EXPECTED["printed"])
def test_a_command_prints_what_it_printed(twin, command, old_runs, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO(EXPECTED["asked"]))
    assert main(twin, command.split()) == 0
    assert capsys.readouterr().out.replace(os.sep, "/") == EXPECTED["printed"][command]


@pytest.mark.parametrize("twin", TWINS)
@pytest.mark.parametrize("run", EXPECTED["resumed"])
def test_a_run_goes_on_as_it_went_on(twin, run, old_runs, capsys):
    rows = EXPECTED["resumed"][run]
    command = ["pretrain"] if run == "pretrain" else ["finetune", run]
    steps = int(rows[-1]["step"])
    assert main(twin, [*command, "--out", run, "--resume", "--steps", str(steps)]) == 0
    assert f"changed since then: steps {steps - 2} → {steps}" in capsys.readouterr().out
    resumed = RunFolder(run).rows()
    assert len(resumed) == len(rows)
    for row, expected in zip(resumed, rows):
        for key, value in expected.items():
            assert row[key] == (None if value is None else pytest.approx(value, rel=1e-4)), (row["step"], key)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("pretrain --out pretrain --resume --text messages.tsv", "text "),
        ("finetune instructions --out instructions --resume --data other.json", "data "),
        ("finetune instructions --out instructions --resume --weights huggingface --tokenizer stories", "2048 tokens"),
        ("finetune labels --out labels --resume --weights instructions", "weights sha256 "),
    ],
)
def test_an_old_run_knows_its_data_and_weights_again(command, message, old_runs, capsys):
    (old_runs / "other.json").write_bytes((old_runs / "questions.json").read_bytes() + b"\n")
    assert main(numpy_gpt, command.split()) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
