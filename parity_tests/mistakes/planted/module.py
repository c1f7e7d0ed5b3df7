"""Mistakes in numpy_gpt/module.py: how gradients are added up and what forward saves."""

from parity_tests.mistakes.mistake import Mistake

MISTAKES = [
    Mistake(
        "+= with repeated ids",
        "grad[rows] += g reads like a sum, and keeps one of several equal rows",
        "module.py",
        "                np.add.at(self.grad, rows, g)",
        "                self.grad[rows] += g",
        "only repeated ids differ",
    ),
    Mistake(
        "gradients overwritten",
        "right until a parameter is used twice or gradients are accumulated",
        "module.py",
        "                self.grad += g\n",
        "                self.grad = g\n",
        "a gradient is overwritten",
    ),
    Mistake(
        "the tied head's gradient lost",
        "an embedding's gradient starts at zero, unless the head was there before",
        "module.py",
        "                if self.grad is None:\n                    self.grad = np.zeros_like(self.data)\n",
        "                self.grad = np.zeros_like(self.data)\n",
        "of the tied weight's two, the head's is lost",
    ),
    Mistake(
        "first in, first out",
        "a queue: right as long as one pass waits",
        "module.py",
        "        return self._saved.stack.pop()\n",
        "        return self._saved.stack.pop(0)\n",
        "what the two passes saved is mixed up",
    ),
    Mistake(
        "saved values stay",
        "backward can then be run twice, and memory never shrinks",
        "module.py",
        "        return self._saved.stack.pop()\n",
        "        return self._saved.stack[-1]\n",
        "what the two passes saved is mixed up",
    ),
    Mistake(
        "no_grad ignored",
        "everything works, and keeps every array",
        "module.py",
        "        if not self.records or no_grad_blocks.count:\n",
        "        if not self.records:\n",
        "",
    ),
    Mistake(
        "eval for the outer module alone",
        "the flag is set where it is asked for, and read further down",
        "module.py",
        "        for module in self.modules():\n            module.training = mode\n",
        "        self.training = mode\n",
        "dropout that should be off",
    ),
]
