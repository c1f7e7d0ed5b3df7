"""Wrong answers to exercises, other than the planted mistakes: each gets the sentence that a student needs, and none passes."""

import re
from pathlib import Path

import pytest

from exercises.judging import judge_source
from exercises.path import find_exercise
from exercises.wording import say
from parity_tests.test_report_book import BOOK

HEAD = "import math\n\nimport numpy as np\n\n"

# What is wrong, the exercise, the student's function, and what its lines must say.
WRONG = [
    (
        "transposed reshape",
        "heads",
        "def split_heads(x, n_heads):\n    B, T, C = x.shape\n    return x.reshape(B, n_heads, T, C // n_heads)\n\n\n"
        "def merge_heads(x):\n    B, H, T, D = x.shape\n    return x.swapaxes(1, 2).reshape(B, T, H * D)\n",
        r"Where split_heads: its result, in float64 Likely heads split by reshape alone",
    ),
    (
        "softmax over the wrong axis",
        "softmax",
        "def softmax(x):\n    e = np.exp(x - x.max(axis=0))\n    return e / e.sum(axis=0)\n",
        r"Likely softmax over the wrong axis: each row is a distribution",
    ),
    (
        "scale alpha",
        "lora-forward",
        "from numpy_gpt.layers import Linear\n\n\ndef forward(self, x):\n    y = Linear.forward(self, x)\n    if self.merged:\n"
        "        return y\n    dropped = self.dropout(x)\n"
        "    z = self.alpha * (dropped @ self.lora_A.data.T).reshape(-1, self.rank)\n"
        "    self.save_for_backward(dropped, z)\n    return y + (z @ self.lora_B.data.T).reshape(y.shape)\n",
        r"Likely LoRA's branch scaled by alpha: s is alpha / rank",
    ),
    (
        "clip each alone",
        "clipping",
        "def clip_grad_norm(params, max_norm):\n    grads = [p.grad for p in params if p.grad is not None]\n"
        "    norm = math.sqrt(sum(float((g * g).sum()) for g in grads))\n    for g in grads:\n"
        "        g *= min(1.0, max_norm / (math.sqrt(float((g * g).sum())) + 1e-6))\n    return norm\n",
        r"Where clip_grad_norm: the first gradient.* Likely clipping each parameter by itself",
    ),
    (
        "returns None",
        "gelu",
        "def gelu(x):\n    y = 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))\n",
        r"your file\.py, line 5: your `gelu` gave None; does it end with a `return`\?",
    ),
    (
        "float64 in float32",
        "layer-norm",
        "def layer_norm(x, weight, bias, eps=1e-5):\n    m = x.mean(axis=-1, keepdims=True)\n"
        "    r = 1 / np.sqrt(x.var(axis=-1, keepdims=True) + np.float64(eps))\n    return (x - m) * r * weight + bias\n",
        r"Where layer_norm: its result .*in float32 Likely dtype: float64 where float32 belongs; a NumPy scalar",
    ),
    (
        "in-place change of its input",
        "softmax",
        "def softmax(x):\n    m = x.max(axis=-1, keepdims=True, initial=np.finfo(x.dtype).min)\n    x -= m\n    p = np.exp(x)\n"
        "    return p / np.maximum(p.sum(axis=-1, keepdims=True), 1)\n",
        r"Where softmax: whether its arguments stay as they are.* Likely an argument is changed in place; work on a copy",
    ),
    (
        "an extra print",
        "softmax",
        "def softmax(x):\n    m = x.max(axis=-1, keepdims=True, initial=np.finfo(x.dtype).min)\n    p = np.exp(x - m)\n"
        "    print(p.shape)\n"
        "    return p / np.maximum(p.sum(axis=-1, keepdims=True), 1)\n",
        r"the numbers are right, but file\.py prints \d+ lines; take the print out",
    ),
    (
        "endless loop",
        "log-sum-exp",
        "def logsumexp(x):\n    n = 0\n    while n < 10:\n        x = x + 0\n    return x.sum(axis=-1)\n",
        r"your file\.py, line [78]: it was still running after 1 s; is there a loop that does not end\?",
    ),
    (
        "syntax error",
        "gelu",
        "def gelu(x)\n    return x\n",
        r"was not run.* your file\.py, line 5: this is no Python: expected ':'. def gelu\(x\)",
    ),
    (
        "forward of another signature",
        "block",
        "def forward(self, x):\n    x = x + self.attn(self.ln_1(x))\n    return x + self.mlp(self.ln_2(x))\n",
        r"your `forward` must take \(x, cache=None, padding=None\), because it hands both on to its attention",
    ),
    (
        "torch inside",
        "softmax",
        "import torch\n\n\ndef softmax(x):\n    return torch.softmax(torch.from_numpy(x), -1).numpy()\n",
        r"line 5: it imports torch; the exercise is to write this by hand, in NumPy",
    ),
    (
        "an exception",
        "linear",
        "def forward(self, x):\n    y = x @ self.weight.data\n    self.save_for_backward(x)\n    return y + self.bias.data\n",
        r"your file\.py, line 6, in forward: ValueError: matmul",
    ),
    (
        "another name",
        "gelu",
        "def my_gelu(x):\n    return x\n",
        r"your file defines no gelu; it defines my_gelu\. Keep the function's name",
    ),
    (
        "calls the solution",
        "softmax",
        "from numpy_gpt.attention import softmax as s\n\n\ndef softmax(x):\n    return s(x)\n",
        r"your file calls numpy_gpt's own softmax: it is what this exercise asks you to write",
    ),
    (
        "imports the solution",
        "softmax",
        "from numpy_gpt.functional import softmax\n",
        r"it imports softmax from numpy_gpt\.functional, which is the solution",
    ),
    (
        "an exit",
        "gelu",
        "def gelu(x):\n    raise SystemExit(0)\n",
        r"your file\.py, line 6, in gelu: SystemExit: 0",
    ),
    (
        "memory without end",
        "gelu",
        "def gelu(x):\n    kept = []\n    while True:\n        kept.append(np.ones(10**7))\n",
        r"it took more than 1 GB of memory; is there an array that grows\?",
    ),
    (
        "a flood of prints",
        "gelu",
        "def gelu(x):\n    while True:\n        print('x' * 1000)\n",
        r"it printed more than \d+ MB; take the print out of the loop",
    ),
]


@pytest.mark.parametrize(("name", "text", "expected"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG])
def test_the_sentence_that_a_student_needs(name, text, expected):
    seconds = 1.0 if "while n < 10" in text else 20.0
    verdict = judge_source(find_exercise(name), Path("file.py"), HEAD + text, seconds=seconds)
    lines = say(verdict, "gpt-exercise hint")
    assert not verdict.passed
    assert re.search(expected, " ".join(" ".join(lines).split())), "\n".join(lines)
    assert len(lines) <= 15
    assert max(map(len, lines)) <= 80


FORWARD, BACKWARD = BOOK.index("    def forward"), BOOK.index("    def backward")
INHERITED = (
    BOOK[:FORWARD]
    .replace("import numpy as np\n", "import numpy as np\nfrom numpy_gpt import attention\n")
    .replace("(Module)", "(attention.MultiHeadAttention)")
    .replace("super().__init__()", "super().__init__(config, rng, dtype)")
)
CALLED = "    def forward(self, x, cache=None, padding=None):\n        return super().forward(x, cache, padding)\n"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("attention", BOOK, "passed."),
        ("attention", BOOK[:BACKWARD], "passed."),
        ("attention-backward", BOOK, "passed."),
        ("attention-backward", BOOK[:FORWARD] + BOOK[BACKWARD:], "passed."),
        ("attention", BOOK.replace("sqrt(q.shape[-1])", "sqrt(x.shape[-1])"), "Likely scores over √C"),
        ("attention-backward", BOOK.replace("da.swapaxes(-1, -2) @ q", "da @ q"), "Likely dk not transposed"),
        ("attention-backward", BOOK.replace("merge_heads(dv)", "-merge_heads(dv)"), "v alone is of the wrong sign"),
        (
            "attention",
            BOOK[:BACKWARD].replace("out_proj", "last"),
            "make c_attn and c_proj in its __init__, or W_query",
        ),
        ("attention", INHERITED, "defines no forward; write it as a method of the class"),
        ("attention", INHERITED + CALLED, "it is what this exercise asks you to write"),
    ],
)
def test_her_own_structure(name, text, said):
    """A class in the layout of Raschka's book stands in the place of ours; one that falls back on ours does not pass."""
    verdict = judge_source(find_exercise(name), Path("file.py"), text)
    assert said in " ".join(" ".join(say(verdict)).split())
    assert verdict.passed is (said == "passed.")
