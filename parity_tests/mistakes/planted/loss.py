"""Mistakes in numpy_gpt/loss.py: the mean over counted targets and its gradient."""

from parity_tests.mistakes.mistake import Mistake

MISTAKES = [
    Mistake(
        "ignored targets counted in the mean",
        "the mean over all rows is one call",
        "loss.py",
        "        n = max(int(counted.sum()), 1)\n",
        "        n = len(counted)\n",
        "ignored targets are counted",
    ),
    Mistake(
        "loss gradient not divided by n",
        "the mean's 1/n is forgotten",
        "loss.py",
        "np.where(counted, dloss / n, 0)",
        "np.where(counted, dloss, 0)",
        "n, the number of counted targets",
    ),
    Mistake(
        "ignored targets get a gradient",
        "the loss leaves them out, the gradient does not",
        "loss.py",
        "np.where(counted, dloss / n, 0)",
        "np.full(len(counted), dloss / n)",
        "ignored targets get a gradient",
    ),
    Mistake(
        "the one-hot forgotten",
        "softmax alone pushes all logits down, the right one too",
        "loss.py",
        "            drows[np.arange(len(rows)), targets] -= 1  # forward: picked = rows[…, targets]\n",
        "",
        "a missing term: the one-hot",
    ),
    Mistake(
        "log(p + eps)",
        "keeps log away from 0, and bends the loss",
        "loss.py",
        "np.where(counted, lse - picked, 0)",
        "np.where(counted, -np.log(np.exp(picked - lse) + 1e-8), 0)",
        "loss, forward (CrossEntropy in loss.py)",
    ),
]
