"""GPTConfig: the eight values in which one GPT differs from another, under the same names everywhere."""

from dataclasses import asdict, dataclass, replace
from typing import Any

GPT2_SIZES = {  # GPT-2's table 2 (Radford et al. 2019), widths and heads as in the released hparams.json
    "gpt2-small": {"emb_dim": 768, "n_heads": 12, "n_layers": 12},
    "gpt2-medium": {"emb_dim": 1024, "n_heads": 16, "n_layers": 24},
    "gpt2-large": {"emb_dim": 1280, "n_heads": 20, "n_layers": 36},
    "gpt2-xl": {"emb_dim": 1600, "n_heads": 25, "n_layers": 48},
}
ALIASES = {"124M": "gpt2-small", "355M": "gpt2-medium", "774M": "gpt2-large", "1558M": "gpt2-xl"}
CLASSROOM = {"vocab_size": 1024, "context_length": 64, "emb_dim": 128, "n_heads": 4, "n_layers": 4}


@dataclass(frozen=True)
class GPTConfig:
    """The sizes of a GPT-2.

    vocab_size V: number of tokens; context_length: the longest sequence; emb_dim C: width of every position's vector;
    n_heads H: each head is C / H wide; n_layers: transformer blocks; drop_rate: share of values dropped in training;
    qkv_bias: whether queries, keys and values have biases; tie_embeddings: whether the head that makes the logits shares
    its weight with the token embedding (GPT-2: yes).
    """

    vocab_size: int
    context_length: int
    emb_dim: int
    n_heads: int
    n_layers: int
    drop_rate: float = 0.1
    qkv_bias: bool = True
    tie_embeddings: bool = True

    def __post_init__(self):
        for name in ("vocab_size", "context_length", "emb_dim", "n_heads", "n_layers"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} is {value!r}; give a whole number of at least 1.")
        if self.emb_dim % self.n_heads:
            raise ValueError(
                f"emb_dim {self.emb_dim} does not divide into n_heads {self.n_heads} heads of equal width; "
                f"take an emb_dim that is a multiple of {self.n_heads}."
            )
        if isinstance(self.drop_rate, bool) or not (
            isinstance(self.drop_rate, (int, float)) and 0 <= self.drop_rate < 1
        ):
            raise ValueError(f"drop_rate is {self.drop_rate!r}; give a share of at least 0 and below 1.")
        for name in ("qkv_bias", "tie_embeddings"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name} is {getattr(self, name)!r}; give True or False.")

    @classmethod
    def preset(cls, name: str, **changes: Any) -> "GPTConfig":
        """A known size by its name, or by its number of parameters as an alias, with keys changed by keyword."""
        name = ALIASES.get(name, name)
        if name == "classroom":
            config = cls(**CLASSROOM)
        elif name in GPT2_SIZES:
            config = cls(vocab_size=50257, context_length=1024, **GPT2_SIZES[name])
        else:
            known = ", ".join([*GPT2_SIZES, "classroom", *ALIASES])
            raise ValueError(f"There is no preset {name!r}; choose one of {known}.")
        return config.replace(**changes)

    def replace(self, **changes: Any) -> "GPTConfig":
        """The same config with some keys changed."""
        if unknown := sorted(set(changes) - set(asdict(self))):
            raise ValueError(f"GPTConfig has no key {', '.join(unknown)}; its keys are {', '.join(asdict(self))}.")
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Plain values by key, for a JSON file; `GPTConfig(**d)` is the config again."""
        return asdict(self)

    @property
    def head_dim(self) -> int:
        """D, the width of one head."""
        return self.emb_dim // self.n_heads
