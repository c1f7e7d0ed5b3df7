"""The report as a user meets it: what it prints and saves, and what it says to a student whose code is wrong."""

import inspect
import json
import math
import re
import textwrap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numpy_gpt
import torch_gpt
from numpy_gpt import GPTConfig
from parity_tests.__main__ import main
from parity_tests.report import picture
from parity_tests.report.diagnose import first_parting, likely_reason
from parity_tests.report.replace import replaced
from parity_tests.report.report import Report, first_finding
from parity_tests.report.subject import Subject
from parity_tests.report.trace import Trace, trace_numpy, trace_torch
from parity_tests.report.wording import describe

BLOCK = "ln_1 attn.c_attn attn.attn_dropout attn.c_proj attn.resid_dropout attn ln_2 mlp.c_fc mlp.gelu mlp.c_proj mlp.dropout mlp"
FORWARD = ["wte", "wpe", "drop"]
FORWARD += [name for h in ("h.0", "h.1") for name in [*(f"{h}.{part}" for part in BLOCK.split()), h]]
FORWARD += ["ln_f", "lm_head", "GPTModel", "loss"]

ATTENTION = '''
import numpy as np
from numpy_gpt.layers import Dropout, Linear
from numpy_gpt.module import Module


class MultiHeadAttention(Module):
    """Query by query in loops, as a beginner might write it: another program, the same numbers."""

    def __init__(self, config, rng, dtype=np.float32):
        super().__init__()
        self.H = config.n_heads
        self.c_attn = Linear(config.emb_dim, 3 * config.emb_dim, config.qkv_bias, dtype)
        self.c_proj = Linear(config.emb_dim, config.emb_dim, dtype=dtype)
        self.attn_dropout = Dropout(config.drop_rate, rng)
        self.resid_dropout = Dropout(config.drop_rate, rng)

    def forward(self, x, cache=None, padding=None):
        B, T, C = x.shape
        D = C // self.H
        q, k, v = (part.reshape(B, T, self.H, D).transpose(0, 2, 1, 3) for part in np.split(self.c_attn(x), 3, axis=2))
        if cache is not None:
            k, v = cache.append(k, v)
        S = k.shape[2]
        p = np.zeros((B, self.H, T, S), x.dtype)
        for t in range(T):
            for b in range(B):
                first = 0 if padding is None else int(padding[b])
                seen = slice(first, S - T + t + 1)
                a = np.einsum("hd,hsd->hs", q[b, :, t], k[b, :, seen]) / float(D) ** 0.5
                if a.shape[1]:
                    e = np.exp(a - a.max(axis=1, keepdims=True))
                    p[b, :, t, seen] = e / e.sum(axis=1, keepdims=True)
        dropped = self.attn_dropout(p)
        self.save_for_backward(q, k, v, p, dropped)
        y = np.einsum("bhts,bhsd->bthd", dropped, v).reshape(B, T, C)
        return self.resid_dropout(self.c_proj(y))

    def backward(self, dy):
        q, k, v, p, dropped = self.pop_saved()
        B, H, T, D = q.shape
        dc = self.c_proj.backward(self.resid_dropout.backward(dy)).reshape(B, T, H, D).transpose(0, 2, 1, 3)
        dv = np.einsum("bhts,bhtd->bhsd", dropped, dc)
        dp = self.attn_dropout.backward(np.einsum("bhtd,bhsd->bhts", dc, v))
        da = p * (dp - np.sum(dp * p, axis=-1, keepdims=True)) / float(D) ** 0.5
        dq = np.einsum("bhts,bhsd->bhtd", da, k)
        dk = np.einsum("bhts,bhtd->bhsd", da, q)
        parts = [part.transpose(0, 2, 1, 3).reshape(B, T, H * D) for part in (dq, dk, dv)]
        return self.c_attn.backward(np.concatenate(parts, axis=-1))
'''


def report(capsys, tmp_path, *options):
    """The exit status, the lines printed, and what went to the error stream."""
    capsys.readouterr()
    status = main([*options, "--out", str(tmp_path / "out")])
    printed = capsys.readouterr()
    return status, printed.out.splitlines(), printed.err


def student(tmp_path, text, name="mine.py"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.fixture
def no_picture(monkeypatch):
    """No picture is drawn, which would take as long as all the rest."""
    monkeypatch.setattr(picture, "draw", lambda *_: None)


def test_the_twins_agree(no_picture, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    status, lines, _ = report(capsys, tmp_path)
    assert status == 0
    assert re.fullmatch(r"The twins agree: 33 modules, 28 parameters, 24 more checks; worst error .*", lines[0])
    table = lines[lines.index(next(line for line in lines if line.startswith("modules"))) + 1 :]
    assert [line.split()[0] for line in table[: len(FORWARD)]] == FORWARD
    assert all(len(line) <= 80 for line in table[:-1] if not line.startswith(("Picture", "worst")))
    assert lines[-1] == lines[0]
    for name, _ in numpy_gpt.GPTModel(Report().subject().config).named_parameters():
        assert sum(line.startswith(f"{name} ") for line in table) == 1
    for row in table[: len(FORWARD) - 1]:  # all but the loss: two values and two gradients each
        assert len(re.findall(r"same|\d\.\de[-+]\d\d", row)) == 4


def test_what_it_saves(capsys, tmp_path):
    report(capsys, tmp_path, "--seed", "3")
    numbers = json.loads((tmp_path / "out" / "parity.json").read_text(encoding="utf-8"))
    assert numbers["agree"] is True
    assert numbers["seed"] == 3
    assert numbers["findings"] == []
    assert [
        e["name"] for e in numbers["entries"] if e["section"] == "modules" and e["quantity"] == "value"
    ] == FORWARD * 2
    assert all(e["error"] <= e["tolerance"] for e in numbers["entries"])
    assert (tmp_path / "out" / "parity.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["parity.json", "parity.png"]


@given(
    heads=st.sampled_from([1, 2, 3]),
    width=st.sampled_from([3, 4, 5]),
    layers=st.sampled_from([1, 3]),
    vocab=st.sampled_from([1, 2, 17]),
    context=st.sampled_from([1, 2, 7]),
    batch=st.sampled_from([1, 3]),
    bias=st.booleans(),
    tie=st.booleans(),
    seed=st.integers(0, 2**31),
)
@settings(max_examples=6)
def test_any_config(heads, width, layers, vocab, context, batch, bias, tie, seed):
    config = GPTConfig(vocab, context, heads * width, heads, layers, 0.3, bias, tie)
    finding = first_finding(Subject(config, seed, batch, context))
    assert finding is None, describe(finding)


def test_a_checkpoint(no_picture, capsys, tmp_path):
    model = numpy_gpt.GPTModel(GPTConfig(19, 8, 12, 3, 1), np.random.default_rng(5))
    numpy_gpt.save_gpt2(model, tmp_path / "weights")
    status, lines, _ = report(capsys, tmp_path, "--checkpoint", str(tmp_path / "weights"))
    assert status == 0
    assert "V=19 C=12 H=3 D=4 n_layers=1 tied; B=2 T=8; given weights" in "\n".join(lines)
    status, _, error = report(capsys, tmp_path, "--checkpoint", str(tmp_path / "weights"), "--n-heads", "2")
    assert status == 2
    assert "brings its own sizes" in error


def test_a_students_own_attention(no_picture, capsys, tmp_path):
    before = numpy_gpt.attention.MultiHeadAttention
    status, lines, _ = report(
        capsys, tmp_path, "--replace", f"attention.MultiHeadAttention={student(tmp_path, ATTENTION)}"
    )
    assert status == 0, lines[0]
    assert numpy_gpt.block.MultiHeadAttention is numpy_gpt.MultiHeadAttention is before


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        ('bhts,bhtd->bhsd", da, q', 'bhts,bhsd->bhtd", da, q', "dk takes the transposed"),
        (" / float(D) ** 0.5\n        dq", "\n        dq", "1/√D is missing"),
        ("dv = np", "dv = -np", "v alone is of the wrong sign"),
        ("S - T + t + 1", "t + 1", "With pieces through the cache: h.0.attn, forward"),
        ("float(D) ** 0.5\n                if", "np.sqrt(D)\n                if", "agree"),
        (
            "self.save_for_backward(q, k, v, p, dropped)",
            "self.kept = q, k, v, p, dropped",
            "With two passes wait: h.1.attn, backward",
        ),
    ],
)
def test_a_students_mistakes(no_picture, capsys, tmp_path, right, wrong, expected):
    assert ATTENTION.count(right) == 1
    text = ATTENTION.replace(right, wrong)
    if "self.kept" in wrong:
        text = text.replace("self.pop_saved()", "self.kept")
    status, lines, _ = report(capsys, tmp_path, "--replace", f"attention.MultiHeadAttention={student(tmp_path, text)}")
    assert expected in lines[0]
    assert status == (0 if expected == "agree" else 1)
    numbers = json.loads((tmp_path / "out" / "parity.json").read_text(encoding="utf-8"))
    assert numbers["agree"] is (expected == "agree")
    assert (expected == "agree") or numbers["findings"][0] == lines[0]


def test_the_picture_of_a_mistake(capsys, tmp_path):
    path = student(tmp_path, "def gelu_backward(dy, x):\n    return dy\n")
    status, lines, _ = report(
        capsys, tmp_path, "--replace", f"functional.gelu_backward={path}", "--precision", "float64"
    )
    assert status == 1
    assert lines[0].startswith("h.1.mlp.gelu, backward (GELU in layers.py): ")
    assert lines[-2].startswith("The twins differ: ")
    assert lines[-1] == lines[0]
    assert (tmp_path / "out" / "parity.png").read_bytes().startswith(b"\x89PNG")


def test_an_error_in_a_students_code(no_picture, capsys, tmp_path):
    text = ATTENTION.replace(
        "return self.c_attn.backward(np.", "x = self.nothing\n        return self.c_attn.backward(np."
    )
    line = 1 + text[: text.index("self.nothing")].count("\n")
    status, lines, _ = report(capsys, tmp_path, "--replace", f"attention.MultiHeadAttention={student(tmp_path, text)}")
    assert status == 1
    assert lines[0].startswith("h.1.attn, backward (MultiHeadAttention in attention.py): ")
    assert f"your mine.py, line {line}, in backward: AttributeError: " in lines[0]
    assert lines[1] == "    x = self.nothing"


def test_an_error_of_ours_that_a_student_caused(no_picture, capsys, tmp_path):
    text = ATTENTION.replace("self.c_attn.backward(np.concatenate(parts, axis=-1))", "self.c_attn.backward(parts[0])")
    status, lines, _ = report(capsys, tmp_path, "--replace", f"attention.MultiHeadAttention={student(tmp_path, text)}")
    assert status == 1
    assert "h.1.attn, backward" in lines[0]
    assert "wrong shape: (2, 11, 30) where (2, 11, 90) belongs" in lines[0]
    assert "your mine.py, line" in lines[1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def gelu_backward(dy, x):\n    return dy *\n", "your mine.py, line 2: SyntaxError"),
        ("import nothing_of_this_name\n", "your mine.py, line 1: ModuleNotFoundError"),
    ],
)
def test_a_file_that_cannot_be_loaded(capsys, tmp_path, text, expected):
    status, lines, _ = report(capsys, tmp_path, "--replace", f"functional.gelu_backward={student(tmp_path, text)}")
    assert status == 1
    assert lines[0].startswith(expected)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("attention.MultiHeadAttentoin={}", "has no 'MultiHeadAttentoin' to replace; it defines"),
        ("atention.MultiHeadAttention={}", "has no room 'atention'"),
        ("attention={}", "write room.Name=file.py"),
        ("attention.MultiHeadAttention", "write room.Name=file.py"),
        ("attention.Linear={}", "has no 'Linear' to replace"),
        ("layers.Linear.sideways={}", "numpy_gpt.layers.Linear has no 'sideways' to replace"),
        ("module.Module={}", "replace one of its methods"),
        ("layers.Linear={}", "mine.py defines no Linear; it defines gelu"),
        ("layers.Linear=nowhere.py", "nowhere.py of --replace layers.Linear=nowhere.py does not exist"),
    ],
)
def test_a_name_that_does_not_fit(capsys, tmp_path, spec, expected):
    path = student(tmp_path, "import numpy as np\n\ndef gelu(x):\n    return x\n")
    status, lines, error = report(capsys, tmp_path, "--replace", spec.format(path))
    assert status == 2
    assert lines == []
    assert expected in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_functions_and_methods_are_replaced_wherever_they_are_used_and_put_back(tmp_path):
    path = student(
        tmp_path,
        "from numpy_gpt.functional import gelu as theirs\n"
        "def gelu(x):\n    return 3 * theirs(x)\n"
        "def backward(self, dy):\n    self.pop_saved()\n    return 7 * dy\n",
    )
    layer, x = numpy_gpt.GELU(), np.linspace(-2, 2, 5)
    plain = layer(x)
    before = numpy_gpt.GELU.backward
    with replaced([f"functional.gelu={path}", f"layers.GELU.backward={path}"]):
        np.testing.assert_array_equal(layer(x), 3 * plain)
        np.testing.assert_array_equal(layer.backward(x), 7 * x)
    np.testing.assert_array_equal(layer(x), plain)
    assert numpy_gpt.GELU.backward is before


@pytest.mark.parametrize(
    "option", [["--n-heads", "7"], ["--preset", "gpt3"], ["--length", "14"], ["--batch-size", "0"]]
)
def test_what_cannot_be_built(capsys, tmp_path, option):
    status, lines, error = report(capsys, tmp_path, *option)
    assert status == 2
    assert lines == []
    assert error.startswith("gpt-parity: ")
    assert error.count("\n") == 1


def traces():
    """A trace of each twin, and the facts for `likely_reason`."""
    subject = Subject(GPTConfig(61, 13, 30, 5, 2))
    ids, targets = next(subject.batches())
    model, twin = (subject.model(package, "float64") for package in (numpy_gpt, torch_gpt))
    return (
        trace_numpy(model, numpy_gpt.CrossEntropy(), ids, targets),
        trace_torch(twin, torch_gpt.CrossEntropy(), ids, targets),
        subject.facts(),
    )


def test_traces_hold_the_same_and_torchs_hooks_are_gone():
    ours, theirs, _ = traces()
    assert set(ours) == {key for key in theirs if key[0] != "parameter"}
    assert ours.error is None
    assert ours.running == []
    places = {place for place, _ in ours}
    assert places == {"input", "output", "dy", "dx", "gradient"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda b: -b, "of the wrong sign"),
        (lambda b: math.sqrt(6) * b, "off by a factor of 2.449 = √D"),
        (lambda b: b / 6, "off by a factor of 0.1667 = 1/D"),
        (lambda b: 1.234 * b, "off by a factor of 1.234"),
        (lambda b: b.swapaxes(0, 1), "wrong shape: (11, 2, 30) where (2, 11, 30) belongs"),
        (lambda b: b.T, "transposed: (30, 11, 2) where (2, 11, 30) belongs"),
        (lambda b: b[:, ::-1], "the same numbers in other places"),
        (lambda b: b.astype(np.float32), "dtype: float32 where float64 belongs"),
        (lambda b: b * 0, "zero throughout"),
        (lambda b: np.where(b > 1, np.nan, b), "NaN in"),
        (lambda b: b + np.arange(11)[:, None], "each row is off by one number"),
        (lambda b: b + np.arange(30), "every row is off by the same vector"),
        (lambda b: b + np.outer(np.arange(11) % 2, np.arange(30.0)), "only 10 of 22 differ"),
        (lambda b: b + np.random.default_rng(0).standard_normal(b.shape), ""),
    ],
)
def test_reasons(change, expected):
    _, theirs, facts = traces()
    key = ("output", "h.1.mlp")
    mistaken = Trace()
    mistaken[key] = change(theirs[key])
    reason = likely_reason(key, mistaken, theirs, facts)
    assert expected in reason
    assert bool(expected) == bool(reason)


def test_a_square_matrix_transposed():
    _, theirs, facts = traces()
    key = ("gradient", "h.0.attn.c_proj.weight")
    mistaken = Trace()
    mistaken[key] = theirs[key].T.copy()
    assert likely_reason(key, mistaken, theirs, facts) == "transposed"


def test_rounding_parts_nothing_and_the_first_of_two_differences_counts():
    ours, theirs, facts = traces()
    assert first_parting(ours, theirs, 1e-10, facts) is None
    ours["dx", "h.1.ln_2"] = 2 * ours["dx", "h.1.ln_2"]
    ours["gradient", "wte.weight"] = 3 * ours["gradient", "wte.weight"]
    parting = first_parting(ours, theirs, 1e-10, facts)
    assert (parting.module, parting.direction, parting.reason) == ("h.1.ln_2", "backward", "off by a factor of 2")


GELU_BACKWARD = "def gelu_backward(dy, x):\n    return dy\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "def gelu(x):\n    while True:\n        x = x + 0\n",
            "your mine.py, line [23], in gelu: it was still running",
        ),
        ("while True:\n    pass\n", "While mine.py was being loaded: your mine.py, line [12]: it was still running"),
        ("import os\n\ndef gelu(x):\n    os._exit(0)\n", r"your code ended the program \(exit status 0\)"),
        ("import os\n\nos._exit(0)\n", "While mine.py was being loaded: your code ended the program"),
        (
            "import sys\n\ndef gelu(x):\n    sys.exit(0)\n",
            "h.0.mlp.gelu, forward .* your mine.py, line 4, in gelu: SystemExit",
        ),
        ("def gelu(x):\n    x * 2\n", "h.0.mlp.gelu, forward .*: your mine.py, line 1: your `gelu` gave None"),
        ("def gelu():\n    return 0\n", r"your mine.py, line 1: your `gelu` must take \(x\), because"),
    ],
)
def test_code_that_gives_nothing_back(no_picture, capsys, tmp_path, text, expected):
    path = student(tmp_path, text)
    status, lines, _ = report(capsys, tmp_path, "--replace", f"functional.gelu={path}", "--seconds", "4")
    assert status == 1
    assert re.match(expected, lines[0])


def test_a_forward_without_cache_and_padding(capsys, tmp_path):
    text = ATTENTION.replace("def forward(self, x, cache=None, padding=None)", "def forward(self, x)")
    status, lines, _ = report(capsys, tmp_path, "--replace", f"attention.MultiHeadAttention={student(tmp_path, text)}")
    assert status == 1
    assert "your `forward` must take (x, cache=None, padding=None), because a block hands over the keys" in lines[0]


def test_a_class_whose_forward_gives_none(no_picture, capsys, tmp_path):
    text = ATTENTION.replace("return self.resid_dropout(self.c_proj(y))", "self.resid_dropout(self.c_proj(y))")
    status, lines, _ = report(capsys, tmp_path, "--replace", f"attention.MultiHeadAttention={student(tmp_path, text)}")
    assert status == 1
    assert re.match(
        r"h.0.attn, forward \(MultiHeadAttention.*: your mine.py, line 18: your `forward` gave None", lines[0]
    )


def test_a_judge_changed_by_the_students_file_judges_all_the_same(no_picture, capsys, tmp_path):
    """The change is made in every place that compares; the judge runs in another process."""
    text = "from parity_tests.report import comparison, diagnose, measure, table\n"
    text += "same = lambda name, a, b: (name, (), 0.0, 0.0, 0.0)\n"
    text += "comparison.worst_element = measure.worst_element = same\n"
    text += "diagnose.first_parting = comparison.first_parting = lambda *_: None\n"
    path = student(tmp_path, text + GELU_BACKWARD)
    status, lines, _ = report(capsys, tmp_path, "--replace", f"functional.gelu_backward={path}")
    assert status == 1
    assert lines[0].startswith("h.1.mlp.gelu, backward")


def test_a_replacement_that_no_check_calls_is_an_error(no_picture, capsys, tmp_path):
    path = student(tmp_path, "class NoGradBlocks:\n    pass\n")
    status, lines, error = report(capsys, tmp_path, "--replace", f"module.NoGradBlocks={path}")
    assert status == 2
    assert lines == []
    assert "No check of the report called your module.NoGradBlocks" in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("find", "put"),
    [
        ("(x_hat * x_hat).sum(axis=-1, keepdims=True) / C", "(x_hat * x_hat).sum(axis=-1, keepdims=True) / (C - 1)"),
        ("1 / np.sqrt(variance + eps)", "1 / (np.sqrt(variance) + eps)"),
    ],
)
def test_a_wrong_forward_of_layer_norm(no_picture, capsys, tmp_path, find, put):
    source = inspect.getsource(numpy_gpt.functional._normalize)
    assert source.count(find) == 1
    path = student(tmp_path, "import numpy as np\nfrom numpy_gpt.functional import *\n\n" + source.replace(find, put))
    status, lines, _ = report(capsys, tmp_path, "--replace", f"functional._normalize={path}")
    assert status == 1
    assert lines[0].startswith("h.0.ln_1, forward (LayerNorm in layers.py): its output is the first to differ")
    assert "likely" in lines[0]


def test_brief_and_what_the_students_code_prints(no_picture, capsys, tmp_path):
    path = student(tmp_path, GELU_BACKWARD.replace("    return", "    print('here', dy.shape)\n    return"))
    status, lines, _ = report(capsys, tmp_path, "--replace", f"functional.gelu_backward={path}", "--brief")
    assert status == 1
    assert lines[-1] == lines[0]
    assert lines[-2].startswith("The twins differ: ")
    assert not [line for line in lines if line.startswith("h.1.mlp.c_proj ")]  # which agrees
    printed = next(i for i, line in enumerate(lines) if line.startswith("Your code printed "))
    assert lines[printed + 1].startswith("  here (2, 11, 120)")
    assert lines[printed + 11].startswith("  ... and ")


SOFTMAX = "import numpy as np\ndef softmax(x):\n    e = np.exp({})\n    return e / np.maximum(e.sum({}, keepdims=True), 1e-300)\n"


@pytest.mark.parametrize(
    ("target", "text", "expected"),
    [
        (
            "sampling.keep_top_p",
            "def keep_top_p(p, top_p):\n    return 0 * p\n",
            "keep_top_p (sampling.py): its result for",
        ),
        ("sampling.draw", "def draw(p, u):\n    return p.argmax(axis=-1)\n", "draw (sampling.py): the tokens it draws"),
        (
            "train.train_step",
            "def train_step(model, optimizer, micro_batches, max_norm=1.0, processes=None):\n    return 0.0, 0.0\n",
            "train_step (train.py): the loss is the first to differ",
        ),
        ("functional.softmax", SOFTMAX.format("x", "axis=-1"), "the maximum of each row is not taken off first"),
        (
            "functional.softmax",
            SOFTMAX.format("x - np.maximum(x.max(axis=-2, keepdims=True), -1e300)", "axis=-2"),
            "softmax runs over the queries",
        ),
        (
            "functional.softmax_backward",
            "def softmax_backward(dp, p):\n    return dp * p * (1 - p)\n",
            "softmax's backward is dp p (1 - p)",
        ),
        ("lora.LoRALinear.forward", "SCALE", "LoRA's branch is not scaled by alpha / R"),
        ("attention.MultiHeadAttention.backward", "DV", "k is off by a factor of 2.449 = √D; v is off by"),
    ],
)
def test_mistakes_in_every_room_are_found_and_placed(no_picture, capsys, tmp_path, target, text, expected):
    if text == "SCALE":
        text = textwrap.dedent(inspect.getsource(numpy_gpt.LoRALinear.forward)).replace("self.scale * ", "")
        text = "from numpy_gpt.lora import *\n\n" + text.replace("super()", "super(LoRALinear, self)")
    elif text == "DV":
        text = textwrap.dedent(inspect.getsource(numpy_gpt.MultiHeadAttention.backward))
        text = text.replace("[dq, dk, dv]", "[dq, dk * math.sqrt(D), dv * math.sqrt(D)]")
        text = "import math\nimport numpy as np\nfrom numpy_gpt.attention import *\n\n" + text
    status, lines, _ = report(
        capsys, tmp_path, "--replace", f"{target}={student(tmp_path, text)}", "--precision", "float64"
    )
    assert status == 1
    assert expected in lines[0]
