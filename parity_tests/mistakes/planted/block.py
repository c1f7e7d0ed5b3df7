"""Mistakes in numpy_gpt/block.py: the feed-forward layer and the residual stream."""

from parity_tests.mistakes.mistake import Mistake

MISTAKES = [
    Mistake(
        "residual gradient dropped",
        "dy goes two ways at x + f(x), and one of them does nothing",
        "block.py",
        "        dx = dx + self.ln_1.backward(",
        "        dx = self.ln_1.backward(",
        "a missing term: the gradient that h.1.attn is handed",
    ),
    Mistake(
        "gelu skipped in backward",
        "it has no parameters, so no gradient is missing",
        "block.py",
        "        dx = self.gelu.backward(dx)",
        "        self.gelu.pop_saved()",
        "the backward of gelu is skipped",
    ),
]
