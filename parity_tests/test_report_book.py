"""The report on an attention in the book's layout: right, with one mistake, and with one projection left out of backward."""

import pytest

from parity_tests.copies import SUBJECT
from parity_tests.report.checks import CHECKS
from parity_tests.report.comparison import Comparison
from parity_tests.report.evidence import gather
from parity_tests.report.replace import replaced
from parity_tests.report.wording import describe

BOOK = '''
import math
import numpy as np
from numpy_gpt.attention import hidden_keys, merge_heads, split_heads
from numpy_gpt.functional import softmax, softmax_backward
from numpy_gpt.layers import Dropout, Linear
from numpy_gpt.module import Module


class MultiHeadAttention(Module):
    """The book's class, chapter 3, with a backward written by hand."""

    def __init__(self, config, rng, dtype=np.float32):
        super().__init__()
        self.num_heads = config.n_heads
        self.W_query = Linear(config.emb_dim, config.emb_dim, config.qkv_bias, dtype)
        self.W_key = Linear(config.emb_dim, config.emb_dim, config.qkv_bias, dtype)
        self.W_value = Linear(config.emb_dim, config.emb_dim, config.qkv_bias, dtype)
        self.out_proj = Linear(config.emb_dim, config.emb_dim, dtype=dtype)
        self.attn_dropout = Dropout(config.drop_rate, rng)
        self.resid_dropout = Dropout(config.drop_rate, rng)

    def forward(self, x, cache=None, padding=None):
        keys, queries, values = self.W_key(x), self.W_query(x), self.W_value(x)
        q, k, v = (split_heads(part, self.num_heads) for part in (queries, keys, values))
        if cache is not None:
            k, v = cache.append(k, v)
        scores = q @ k.swapaxes(-1, -2) / math.sqrt(q.shape[-1])
        p = softmax(np.where(hidden_keys(q.shape[2], k.shape[2], padding), -np.inf, scores))
        dropped = self.attn_dropout(p)
        self.save_for_backward(q, k, v, p, dropped)
        return self.resid_dropout(self.out_proj(merge_heads(dropped @ v)))

    def backward(self, dy):
        q, k, v, p, dropped = self.pop_saved()
        dc = split_heads(self.out_proj.backward(self.resid_dropout.backward(dy)), self.num_heads)
        dv = dropped.swapaxes(-1, -2) @ dc
        da = softmax_backward(self.attn_dropout.backward(dc @ v.swapaxes(-1, -2)), p) / math.sqrt(q.shape[-1])
        dq, dk = da @ k, da.swapaxes(-1, -2) @ q
        dx = self.W_value.backward(merge_heads(dv))
        return dx + self.W_query.backward(merge_heads(dq)) + self.W_key.backward(merge_heads(dk))
'''


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("da @ k,", "da @ k,", ""),
        ("da.swapaxes(-1, -2) @ q", "da @ q", "h.0.attn, backward (MultiHeadAttention in attention.py): "),
        ("merge_heads(dv)", "-merge_heads(dv)", "likely v alone is of the wrong sign"),
        ("+ self.W_key.backward(merge_heads(dk))", "", "h.0.attn, backward"),
    ],
)
def test_the_books_attention(right, wrong, said, tmp_path):
    assert BOOK.count(right) == 1
    path = tmp_path / "mine.py"
    path.write_text(BOOK.replace(right, wrong), encoding="utf-8")
    with replaced([f"attention.MultiHeadAttention={path}"]) as replacements:
        evidence = {}
        for name, check in CHECKS.items():
            evidence[name] = gather(check, SUBJECT, "float64", replacements.files)
    found = [describe(finding) for finding in Comparison(SUBJECT, "float64", evidence).run(CHECKS).findings]
    assert bool(found) == bool(said), found
    assert said in "".join(found[:1])
