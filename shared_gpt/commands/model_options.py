"""The sizes of a model as options, for the commands that make one."""

from dataclasses import asdict, dataclass

from shared_gpt.options import OptionalBool, OptionalFloat, OptionalInt


@dataclass(frozen=True)
class ModelOptions:
    """Sizes; those left out are the preset's."""

    vocab_size: OptionalInt = None
    """Number of tokens of a tokenizer learnt from the text; other tokenizers bring their own size."""
    context_length: OptionalInt = None
    """The longest sequence, in tokens."""
    emb_dim: OptionalInt = None
    """Length of the vector at each position."""
    n_heads: OptionalInt = None
    """Attention heads in each layer; they divide emb_dim."""
    n_layers: OptionalInt = None
    """Transformer blocks."""
    drop_rate: OptionalFloat = None
    """Share of the values that is dropped while training."""
    qkv_bias: OptionalBool = None
    """Whether queries, keys and values have a bias."""
    tie_embeddings: OptionalBool = None
    """Whether the head is the token embedding itself."""

    def chosen(self) -> dict[str, int | float | bool]:
        """Those that were asked for, by name."""
        return {key: value for key, value in asdict(self).items() if value is not None}
