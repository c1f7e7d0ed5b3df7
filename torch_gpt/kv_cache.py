"""KVCache: keys and values of the tokens already seen, so that each is computed only once."""

from collections.abc import Callable

from shared_gpt.checks.kv_cache import check_cache, check_capacity
from shared_gpt.config import GPTConfig
from torch_gpt.shapes import Array, Float, Int

PIECE = 256  # tokens: enough rows for fast products, few enough to leave out most hidden keys


class LayerCache:
    """Keys and values of one attention layer, in arrays (B, H, capacity, D) filled from the
    left.

    They are allocated once, when the first keys come and show their batch size and dtype.
    """

    def __init__(self, capacity: int):
        self.capacity = capacity
        self.length = 0
        self.keys: Array | None = None
        self.values: Array | None = None

    def append(
        self, k: Float[Array, "B H T D"], v: Float[Array, "B H T D"]
    ) -> tuple[Float[Array, "B H S D"], Float[Array, "B H S D"]]:
        """Add T positions; returns all S keys and values so far, as views."""
        B, H, T, D = k.shape
        if self.keys is None:
            self.keys = k.new_zeros((B, H, self.capacity, D))
            self.values = v.new_zeros((B, H, self.capacity, D))
        start, end = self.length, self.length + T
        check_cache(B, end, len(self.keys), self.capacity)
        self.keys[:, :, start:end] = k
        self.values[:, :, start:end] = v
        self.length = end
        return self.keys[:, :, :end], self.values[:, :, :end]


class KVCache:
    """One LayerCache for each block of a model; `cache[i]` serves block i.

    capacity: how many positions fit; None: the context_length, beyond which no position has an
    embedding. Memory: 2 · n_layers · B · capacity · C numbers.
    """

    def __init__(self, config: GPTConfig, capacity: int | None = None):
        capacity = config.context_length if capacity is None else capacity
        check_capacity(capacity)
        self.config = config
        self.layers = [LayerCache(capacity) for _ in range(config.n_layers)]

    def __getitem__(self, index: int) -> LayerCache:
        return self.layers[index]

    @property
    def length(self) -> int:
        """How many positions are cached."""
        return self.layers[0].length

    def truncate(self, length: int) -> None:
        """Forget all positions from this one on."""
        for layer in self.layers:
            layer.length = min(layer.length, length)

    def reset(self) -> None:
        """Forget all positions and keep the memory."""
        self.truncate(0)


def read_in_pieces(
    model: Callable[..., Float[Array, "B last V"]],
    ids: Int[Array, "B T"],
    cache: KVCache | None,
    padding: Int[Array, " B"] | None,
    last: int,
) -> Float[Array, "B last V"]:
    """Logits of the last positions, after all of ids, which with a cache are read in pieces.

    A piece scores the keys up to its own end alone. Read at once, a long text scores all keys
    of each position's future too, half of all scores, only to hide them.
    """
    start, T = 0, ids.shape[1]
    if cache is not None:
        size = max(PIECE, last)
        for end in range((T - 1) % size + 1, T, size):
            model(ids[:, start:end], cache, padding, last=1)
            start = end
    return model(ids[:, start:], cache, padding, last)
