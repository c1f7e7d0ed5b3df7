"""Mistakes in numpy_gpt/optim.py: AdamW and clipping."""

from parity_tests.mistakes.mistake import Mistake

MISTAKES = [
    Mistake(
        "biases decay",
        "one rule for all parameters is simpler",
        "optim.py",
        "self.weight_decay if len(p.shape) >= 2 else 0.0",
        "self.weight_decay",
        "biases and gains decay too",
    ),
    Mistake(
        "no first bias correction",
        "1 - β₁ᵗ is near 1 after a few dozen steps",
        "optim.py",
        "        m_hat = m / (1 - beta1**self.steps)\n",
        "        m_hat = m\n",
        "1 - β₁ᵗ, is missing",
    ),
    Mistake(
        "no second bias correction",
        "1 - β₂ᵗ only makes the first steps smaller",
        "optim.py",
        "        v_hat = v / (1 - beta2**self.steps)\n",
        "        v_hat = v\n",
        "1 - β₂ᵗ, is missing",
    ),
    Mistake(
        "decay in the gradient",
        "L2 regularisation and decay are one thing in SGD, and two in Adam",
        "optim.py",
        "        w *= 1 - self.lr * decay\n",
        "        g = g + decay * w\n",
        "the decay is added to the gradient (L2)",
    ),
    Mistake(
        "decay after the step",
        "the difference is of the order lr², but it is there",
        "optim.py",
        "        w -= self.lr * m_hat / (np.sqrt(v_hat) + self.eps)\n",
        "        w /= 1 - self.lr * decay\n"
        "        w -= self.lr * m_hat / (np.sqrt(v_hat) + self.eps)\n"
        "        w *= 1 - self.lr * decay\n",
        "the decay comes after the step",
    ),
    Mistake(
        "eps inside the root",
        "keeps the root away from 0 as well",
        "optim.py",
        "(np.sqrt(v_hat) + self.eps)",
        "np.sqrt(v_hat + self.eps)",
        "eps is added inside the root",
    ),
    Mistake(
        "clipping without the minimum",
        "scales small gradients up to the limit",
        "optim.py",
        "    if scale < 1:\n",
        "    if scale:\n",
        "min(1, …) is missing",
    ),
    Mistake(
        "clipping each parameter by itself",
        "bends the direction of the step",
        "optim.py",
        "    if scale < 1:\n        for g in grads:\n            g *= scale\n",
        "    for g in grads:\n        g *= min(1.0, max_norm / (float(np.linalg.norm(g)) + 1e-6))\n",
        "one norm over all of them belongs",
    ),
    Mistake(
        "the norm as a sum of norms",
        "the root of a sum is not the sum of roots",
        "optim.py",
        "math.sqrt(sum(float(np.vdot(g, g)) for g in grads))",
        "sum(math.sqrt(float(np.vdot(g, g))) for g in grads)",
        "clip_grad_norm (optim.py): the norm",
    ),
]
