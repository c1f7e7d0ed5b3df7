"""GPTModel: token ids in, a score for every token that could come next out."""

import math

import numpy as np
from shared_gpt.checks.model import check_ids
from shared_gpt.config import GPTConfig

from numpy_gpt.block import TransformerBlock
from numpy_gpt.kv_cache import KVCache
from numpy_gpt.layers import Dropout, Embedding, LayerNorm, Linear
from numpy_gpt.module import Module, ModuleList, no_grad
from numpy_gpt.shapes import Array, DType, Float, Int, float32


class GPTModel(Module):
    """GPT-2: embeddings, n_layers blocks, a last LayerNorm, and a head that compares with every token's embedding.

    rng draws the initial weights, then the dropout masks (None: seed 0, so that two models built alike are alike).
    Weights are drawn in float32 for either dtype. initialize=False leaves them at zero, for weights that come from a file.

    With tie_embeddings the head shares its weight with wte: one array, both gradients (Press and Wolf 2017).
    """

    def __init__(
        self,
        config: GPTConfig,
        rng: np.random.Generator | None = None,
        dtype: DType = float32,
        initialize: bool = True,
    ):
        super().__init__()
        rng = np.random.default_rng(0) if rng is None else rng
        self.config = config
        self.wte = Embedding(config.vocab_size, config.emb_dim, dtype)
        self.wpe = Embedding(config.context_length, config.emb_dim, dtype)
        self.drop = Dropout(config.drop_rate, rng)
        self.h = ModuleList(
            [TransformerBlock(config, rng, dtype) for _ in range(config.n_layers)]
        )
        self.ln_f = LayerNorm(config.emb_dim, dtype=dtype)
        self.lm_head = Linear(config.emb_dim, config.vocab_size, bias=False, dtype=dtype)
        if config.tie_embeddings:
            self.lm_head.weight = self.wte.weight
        if initialize:
            self.initialize(rng)

    def initialize(self, rng: np.random.Generator) -> None:
        """Normal weights of deviation 0.02 (wpe 0.01), as in OpenAI's code; biases 0, gains 1. In the layers that write
        into the residual stream 0.02 / √(2 n_layers), so that its variance does not grow with depth (Radford et al.
        2019, section 2.3)."""
        for name, parameter in self.named_parameters():
            if len(parameter.shape) == 2:
                std = 0.01 if name == "wpe.weight" else 0.02
                if name.endswith("c_proj.weight"):
                    std /= math.sqrt(2 * self.config.n_layers)
                parameter.data[...] = std * rng.standard_normal(parameter.shape, np.float32)

    def initialize_as_pytorch(self, rng: np.random.Generator) -> None:
        """What PyTorch's layers draw by themselves, and Raschka's book trains from: embeddings of deviation 1, matrices
        and biases uniform within ±1/√in. A head that shares the embeddings' array draws last, so its numbers hold."""
        for module in self.modules():
            if isinstance(module, Embedding):
                draw = rng.standard_normal(module.weight.shape, np.float32)
                module.weight.data[...] = draw
            elif isinstance(module, Linear):
                for parameter in module.parameters():
                    draw = (2 * rng.random(parameter.shape, np.float32) - 1) / math.sqrt(
                        module.weight.shape[1]
                    )
                    parameter.data[...] = draw

    def forward(
        self,
        ids: Int[Array, "B T"],
        cache: KVCache | None = None,
        padding: Int[Array, " B"] | None = None,
        last: int | None = None,
    ) -> Float[Array, "B T_out V"]:
        """Logits of every position. For generation: cache holds keys and values of earlier positions, to which these
        are added; padding says how many tokens at the start of each row are filler, which no other token sees and
        positions do not count; last asks for the logits of that many last positions alone, which have no backward."""
        past = 0 if cache is None else cache.length
        check_ids(ids, self.config, past)
        B, T = ids.shape
        positions = np.broadcast_to(np.arange(past, past + T), (B, T))
        if padding is not None:
            positions = np.maximum(positions - padding[:, None], 0)
        frozen = self.blocks_without_backward()
        with no_grad(frozen > 0):
            x = self.wte(ids) + self.wpe(positions)
            x = self.drop(x)
        for i, block in enumerate(self.h):
            with no_grad(i < frozen):
                x = block(x, None if cache is None else cache[i], padding)
        if last is not None:
            x = x[:, -last:]
        x = self.ln_f(x)
        return self.lm_head(x)

    def backward(self, dlogits: Float[Array, "B T V"]) -> None:
        """Add ∂L/∂parameter to every parameter's gradient; ids have none, so nothing is returned."""
        dx = self.lm_head.backward(dlogits)
        dx = self.ln_f.backward(dx)
        frozen = self.blocks_without_backward()
        for block in reversed([*self.h][frozen:]):
            dx = block.backward(dx)
        if frozen == 0:
            dx = self.drop.backward(dx)
            self.wpe.backward(dx)  # x = wte(ids) + wpe(positions): both get dx
            self.wte.backward(dx)

    def blocks_without_backward(self) -> int:
        """How many blocks, counted from the first, backward need not reach: nothing learns in them or below them."""
        if self.wte.needs_backward() or self.wpe.needs_backward():
            return 0
        return next(
            (i for i, block in enumerate(self.h) if block.needs_backward()), len(self.h)
        )
