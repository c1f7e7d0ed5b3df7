"""Each mistake is called what it is: a replacement with one mistake, and the sentence that the report must say."""

import pytest

from parity_tests.copies import SUBJECT, copy_of
from parity_tests.report.checks import CHECKS
from parity_tests.report.comparison import Comparison
from parity_tests.report.evidence import gather
from parity_tests.report.replace import replaced
from parity_tests.report.wording import CLASSES_OF_TEXT, FUNCTIONS, describe


def first_line(target, change, tmp_path):
    path = copy_of(target, tmp_path, change)
    with replaced([f"{target}={path}"]) as replacements:
        evidence = {}
        comparison = Comparison(SUBJECT, "float64", evidence)
        for name, check in CHECKS.items():  # one after the other: the first that fails says it
            evidence[name] = gather(check, SUBJECT, "float64", replacements.files)
            if comparison.run({name: check}).findings:
                return describe(comparison.findings[0])
    return ""


@pytest.mark.parametrize(
    ("target", "find", "put", "said"),
    [
        ("functional.softmax", "axis=-1", "axis=-2", "softmax runs over the queries, where the keys belong"),
        ("functional.softmax", "x - m", "x * 1", "the maximum of each row is not taken off first"),
        (
            "functional.softmax",
            "np.maximum(p.sum(axis=-1, keepdims=True), 1)",
            "p.sum(axis=-1, keepdims=True)",
            "likely a row whose keys are all hidden is divided by its sum, 0",
        ),
        (
            "functional.softmax_backward",
            "    dx -= p * dx.sum(axis=-1, keepdims=True)",
            "    dx *= 1 - p",
            "dp p (1 - p)",
        ),
        ("lora.LoRALinear.forward", "self.scale * ", "self.alpha * ", "scaled by alpha, where alpha / R"),
        (
            "attention.split_heads",
            "x.reshape(B, T, n_heads, C // n_heads).swapaxes(1, 2)",
            "x.reshape(B, n_heads, T, C // n_heads)",
            "the heads are split by a reshape",
        ),
        (
            "attention.hidden_keys",
            "np.arange(T)[:, None] + (S - T)",
            "np.arange(T)[:, None] + (S - T) + 1",
            "off by one: each position sees the next",
        ),
        (
            "attention.MultiHeadAttention.backward",
            "dv = dropped.swapaxes(-1, -2) @",
            "dv = dropped @",
            "dv takes the transposed pᵀ dc",
        ),
        ("attention.MultiHeadAttention.backward", "dscores *= 1 / math.sqrt(D)", "dscores *= 1", "1/√D is missing"),
        (
            "attention.MultiHeadAttention.forward",
            "k.swapaxes(-1, -2)",
            "k.reshape(*k.shape[:2], k.shape[3], k.shape[2])",
            "k is reshaped to (B, H, D, T) where its last two axes should be swapped",
        ),
        (
            "attention.MultiHeadAttention.backward",
            "[dq, dk, dv]",
            "[dq, -dk, dv]",
            "likely k alone is of the wrong sign",
        ),
        (
            "attention.MultiHeadAttention.backward",
            "[dq, dk, dv]",
            "[dq, 3 * dk, -dv]",
            "likely k is off by a factor of 3 = D; v is of the wrong sign",
        ),
        (
            "optim.AdamW.update",
            "w *= 1 - self.lr * decay",
            "g = g + decay * w",
            "the decay is added to the gradient (L2)",
        ),
        (
            "sampling.keep_top_p",
            "before < top_p",
            "before + descending <= top_p",
            "keep_top_p (sampling.py): its result for p",
        ),
        (
            "sampling.probabilities",
            "z /= temperature",
            "z *= temperature",
            "likely the logits are multiplied by the temperature",
        ),
        (
            "sampling.draw",
            "(cumulative <= level[:, None]).sum(axis=-1)",
            "p.argmax(axis=-1)",
            "likely the likeliest token, whatever u is",
        ),
    ],
)
def test_a_mistake_is_called_what_it_is(target, find, put, said, tmp_path):
    def change(source):
        assert find in source
        return source.replace(find, put)

    assert said in first_line(target, change, tmp_path)


TOP_P = """
import numpy as np

def keep_top_p(p, top_p):
    order = np.argsort(-p, axis=-1, kind="stable")
    kept = np.cumsum(np.take_along_axis(p, order, axis=-1), axis=-1) <= top_p
    mask = np.zeros_like(p, bool)
    np.put_along_axis(mask, order, kept, axis=-1)
    p = np.where(mask, p, 0)
    return p / p.sum(axis=-1, keepdims=True)
"""


def test_top_p_without_the_token_that_crosses(tmp_path):
    line = first_line("sampling.keep_top_p", lambda source: TOP_P, tmp_path)
    assert "likely the token whose probability crosses top_p is left out" in line


CLIPPED = """
def clip_grad_norm(params, max_norm):
    norms = []
    for p in params:
        if p.grad is not None:
            norms.append(float(np.sqrt((p.grad * p.grad).sum())))
            p.grad *= min(1.0, max_norm / (norms[-1] + 1e-6))
    return sum(n * n for n in norms) ** 0.5
"""


def test_each_gradient_clipped_alone(tmp_path):
    line = first_line("optim.clip_grad_norm", lambda source: CLIPPED, tmp_path)
    assert "off by another factor for each parameter; one norm over all of them belongs" in line


def test_every_result_of_a_check_has_a_file_that_answers_for_it():
    names = list(CHECKS)
    for name in names[names.index("formulas far from 0") :]:
        for place in {place for trace in gather(CHECKS[name], SUBJECT, "float64").traces for place, _ in trace}:
            assert {place, place.partition(".")[0]} & {*FUNCTIONS, *CLASSES_OF_TEXT}, (name, place)
