"""`python -m parity_tests --tensorflow`: Keras' word beside the PyTorch twin's."""

import json
from functools import cache

import numpy as np
import pytest

import numpy_gpt
import torch_gpt
from parity_tests.__main__ import main
from parity_tests.report import third_opinion
from parity_tests.report.checks import CHECKS
from parity_tests.report.comparison import KERAS, Comparison
from parity_tests.report.subject import Subject
from parity_tests.report.table import show
from shared_gpt.config import GPTConfig

SUBJECT = Subject(GPTConfig(29, 9, 12, 2, 1), length=7)
KEY = "h.0.mlp.c_fc.weight"


def entries(check: str):
    comparison = Comparison(SUBJECT, "float64", third=third_opinion.compare)
    comparison.run({check: CHECKS[check]})
    return comparison.entries, [entry for entry in comparison.entries if entry.twin == KERAS]


def test_the_report_has_a_third_column(capsys, tmp_path, monkeypatch):
    some = {name: CHECKS[name] for name in ("one pass", "left padding", "LoRA", "perplexity")}
    monkeypatch.setattr("parity_tests.report.report.CHECKS", some)
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["--tensorflow", "--n-layers", "1", "--out", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "TensorFlow agrees in " in lines[0]
    column = next(line for line in lines if line.rstrip().endswith("TensorFlow")).index("TensorFlow")
    rows = {line[:24].strip(): line for line in lines if len(line) > column}
    saved = json.loads((tmp_path / "parity.json").read_text(encoding="utf-8"))["entries"]
    judged = {entry["name"]: entry["precision"] for entry in saved if entry["twin"] == KERAS}
    assert set(judged) >= {"h.0.attn", KEY, "GPTModel", "loss", "LoRA", "perplexity"}
    assert set(judged.values()) == {"float64"}
    for name in judged:
        assert len(rows[name]) <= 80
        assert rows[name][column:].strip(), name
    assert not rows["left padding"][column:].strip()
    assert (tmp_path / "parity.png").exists()


def test_a_mistake_in_the_numpy_twin_shows_in_both_columns(monkeypatch):
    backward = numpy_gpt.layers.GELU.backward
    monkeypatch.setattr(numpy_gpt.layers.GELU, "backward", lambda self, dy: 1.001 * backward(self, dy))
    everything, judged = entries("one pass")
    wrong = {entry.name for entry in judged if not entry.agrees}
    assert KEY in wrong
    assert "ln_f.weight" not in wrong
    assert wrong == {
        e.name for e in everything if e not in judged and not e.agrees and e.name in {j.name for j in judged}
    }


def test_a_mistake_in_the_torch_twin_shows_in_its_column_alone(monkeypatch, capsys, tmp_path):
    forward = torch_gpt.layers.GELU.forward
    monkeypatch.setattr(torch_gpt.layers.GELU, "forward", lambda self, x: 1.001 * forward(self, x))
    everything, judged = entries("one pass")
    assert all(entry.agrees for entry in judged)
    assert not all(entry.agrees for entry in everything)
    show(SUBJECT, everything, [], 0.0, tmp_path)
    said = capsys.readouterr().out
    assert "TensorFlow agrees with numpy_gpt in all" in said
    assert "look in torch_gpt" in said


@pytest.mark.parametrize("check", list(third_opinion.OPINIONS))
def test_each_opinion_can_fail(check, monkeypatch):
    """Its entries agree, and differ once Keras computes something else."""
    opinion = cache(third_opinion.OPINIONS[check])
    monkeypatch.setitem(third_opinion.OPINIONS, check, opinion)
    _, judged = entries(check)
    assert judged
    assert all(entry.agrees for entry in judged)

    def mistaken(subject, precision):
        trace = opinion(subject, precision)
        for key, array in trace.items():
            trace[key] = np.where(array == array.flat[-1], 1.001 * array + 1e-3, array)
        return trace

    monkeypatch.setitem(third_opinion.OPINIONS, check, mistaken)
    _, judged = entries(check)
    assert not all(entry.agrees for entry in judged)
