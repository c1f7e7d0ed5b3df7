"""docs/python.md: its program runs as it stands, in both packages."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[1] / "docs" / "python.md"
CODE = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1]


def test_the_program_is_short():
    assert len([line for line in CODE.splitlines() if line]) <= 31


@pytest.mark.parametrize("package", ["numpy_gpt", "torch_gpt"])
def test_the_program_on_the_page_runs(package, tmp_path, monkeypatch, capsys):
    code = CODE
    if package == "torch_gpt":
        lines = {
            "import numpy_gpt as gpt": "import torch, torch_gpt as gpt",
            "inputs, targets = next(batches)": "inputs, targets = map(torch.from_numpy, next(batches))",
            "model.backward(criterion.backward())": "loss.backward()",
        }
        for ours, theirs in lines.items():
            assert code.count(ours) == 1
            code = code.replace(ours, theirs)
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(code, str(PAGE), "exec"), names)
    assert names["loss"] < 4.9  # ln 512, of guessing, is 6.2
    shown = capsys.readouterr().out
    assert "perplexity of what it never saw: " in shown
    assert "In the morning" in shown
    assert sorted(path.name for path in (tmp_path / "my-model").iterdir()) == ["config.json", "model.safetensors"]
