"""What is compared: the sizes, weights and batches, the same for every check."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from numpy_gpt import GPTConfig
from parity_tests.report.measure import one_twin

RANK, ALPHA = 3, 1.7  # of the check with LoRA; unlike each other, and unlike the sizes of the usual subject


@dataclass(frozen=True)
class Subject:
    """What is compared: twins of this config, with weights drawn from the seed, or those of `state`."""

    config: GPTConfig
    seed: int = 0
    batch_size: int = 2
    length: int = 11
    state: Mapping[str, Any] | None = None

    def model(self, twin: Any, precision: str, config: GPTConfig | None = None) -> Any:
        """The model of one twin."""
        model = one_twin(twin, config or self.config, self.seed, precision)
        if self.state is not None:
            model.load_state_dict(self.state)
        return model

    def batches(self, number: int = 1) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(ids, targets): the first quarter of each sequence comes again, and every fifth target is ignored."""
        rng = np.random.default_rng([self.seed, 2])
        for _ in range(number):
            ids, targets = rng.integers(0, self.config.vocab_size, (2, self.batch_size, self.length))
            again = self.length // 4
            ids[:, self.length - again :] = ids[:, :again]
            targets.reshape(-1)[4::5] = -100
            yield ids, targets

    def facts(self) -> dict[str, float]:
        """Numbers that someone may forget to multiply or divide by, by name."""
        c, rows = self.config, self.batch_size * self.length
        targets = next(self.batches())[1]
        n = int((targets != -100).sum())
        p = 1 - self.dropping.drop_rate
        named = {"2": 2, "√D": math.sqrt(c.head_dim), "D": c.head_dim, "√C": math.sqrt(c.emb_dim), "C": c.emb_dim}
        named |= {"B": self.batch_size, "T": self.length, "B T": rows, "H": c.n_heads, "n_layers": c.n_layers}
        named |= {"alpha": ALPHA, "R": RANK, "alpha/R": ALPHA / RANK, "R/alpha": RANK / ALPHA}
        named |= {"V": c.vocab_size, "1 - drop_rate": p, "(1 - drop_rate)²": p * p}
        inverse = {f"1/({name})" if " " in name else f"1/{name}": 1 / x for name, x in named.items()}
        counts = {"n, the number of counted targets": n, "1/n, n counted targets": 1 / n}
        counts["n / (B T): ignored targets are counted"] = n / rows
        return {name: x for name, x in (counts | named | inverse).items() if x != 1}

    @property
    def dropping(self) -> GPTConfig:
        """The config with dropout."""
        return self.config if self.config.drop_rate else self.config.replace(drop_rate=0.1)
