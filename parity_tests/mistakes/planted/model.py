"""Mistakes in numpy_gpt/model.py: initial weights, positions and the order of backward."""

from parity_tests.mistakes.mistake import Mistake

MISTAKES = [
    Mistake(
        "residual projections drawn too wide",
        "√n_layers for √(2 n_layers): a block writes into the stream twice",
        "model.py",
        "std /= math.sqrt(2 * self.config.n_layers)",
        "std /= math.sqrt(self.config.n_layers)",
        "GPTModel.initialize (model.py): h.0.attn.c_proj.weight is the first to differ",
    ),
    Mistake(
        "positions restart with a cache",
        "arange(T) is right until a cache holds what came before",
        "model.py",
        "np.arange(past, past + T)",
        "np.arange(T)",
        "the cache: the model, forward (GPTModel in model.py): what it hands to wpe",
    ),
    Mistake(
        "filler counts as positions",
        "the mask hides the filler, but positions after it are shifted",
        "model.py",
        "            positions = np.maximum(positions - padding[:, None], 0)\n",
        "            pass\n",
        "left padding: the model, forward (GPTModel in model.py): what it hands to wpe",
    ),
    Mistake(
        "position gradients forgotten",
        "two tables are added, and one is thought of",
        "model.py",
        "        for embedding in (self.wpe, self.wte):\n",
        "        self.wpe.pop_saved()\n        for embedding in (self.wte,):\n",
        "never computed, or never passed on",
    ),
    Mistake(
        "blocks backward in forward order",
        "the loop is copied from forward",
        "model.py",
        "        for block in reversed(self.h):\n            if block.records:\n",
        "        for block in self.h:\n            if block.records:\n",
        "misplaced: it is the gradient that ln_f returns",
    ),
]
