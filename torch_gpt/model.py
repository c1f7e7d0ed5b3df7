"""GPTModel: token ids in, a score for every token that could come next out."""

import math

import numpy as np
import torch

from shared_gpt.checks.model import check_inputs, check_model
from shared_gpt.config import GPTConfig
from torch_gpt.block import TransformerBlock
from torch_gpt.kv_cache import KVCache
from torch_gpt.layers import Dropout, Embedding, LayerNorm, Linear
from torch_gpt.module import Module, ModuleList
from torch_gpt.shapes import Array, Bool, DType, Float, Int, float32


class GPTModel(Module):
    """GPT-2: embeddings, n_layers blocks, a last LayerNorm, and a head of one score for each
    token.

    rng draws the initial weights, then the dropout masks (None: seed 0, so that two models
    built alike are alike). Weights are drawn in float32 for either dtype. initialize=False
    leaves them at zero, for weights that come from a file.

    With tie_embeddings the head's weight is wte's: one tensor, both gradients (Press and Wolf
    2017).
    """

    def __init__(
        self,
        config: GPTConfig,
        rng: np.random.Generator | None = None,
        dtype: DType = float32,
        initialize: bool = True,
    ):
        super().__init__()
        check_model(config, rng, dtype)
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
        """Normal weights of deviation 0.02 (wpe: 0.01), as in OpenAI's code; biases 0, gains 1.

        In the layers that write into the residual stream 0.02 / √(2 n_layers), so that its
        variance does not grow with depth (Radford et al. 2019, section 2.3).
        """
        for name, parameter in self.named_parameters():
            if len(parameter.shape) == 2:
                std = 0.01 if name == "wpe.weight" else 0.02
                if name.endswith("c_proj.weight"):
                    std /= math.sqrt(2 * self.config.n_layers)
                draw = std * rng.standard_normal(tuple(parameter.shape), np.float32)
                parameter.data[...] = torch.from_numpy(draw)

    def initialize_as_pytorch(self, rng: np.random.Generator) -> None:
        """What PyTorch's own layers draw, and Raschka's book trains from.

        Embeddings of deviation 1, matrices and biases uniform within ±1/√in. A head that shares
        the embeddings' tensor draws last, so its numbers hold.
        """
        for module in self.modules():
            if isinstance(module, Embedding):
                draw = rng.standard_normal(tuple(module.weight.shape), np.float32)
                module.weight.data[...] = torch.from_numpy(draw)
            elif isinstance(module, Linear):
                in_features = module.weight.shape[1]
                for parameter in module.parameters():
                    draw = (2 * rng.random(tuple(parameter.shape), np.float32) - 1) / math.sqrt(
                        in_features
                    )
                    parameter.data[...] = torch.from_numpy(draw)

    def forward(
        self,
        ids: Int[Array, "B T"],
        cache: KVCache | None = None,
        padding: Int[Array, " B"] | None = None,
        last: int | None = None,
        where: Bool[Array, "B T"] | None = None,
    ) -> Float[Array, "... V"]:
        """Logits of every position; of some alone with last or where.

        For generation: cache holds the keys and values of earlier positions, to which these are
        added. padding says how many tokens at the start of each row are filler, which no other
        token sees and positions do not count. last asks for the logits of so many last
        positions alone; these have no backward.

        For training: where chooses the N positions whose targets count. The head is the largest
        product of all, and what it says elsewhere would be ignored.
        """
        check_inputs(ids, Array, self.config, cache, last, where)
        past = 0 if cache is None else cache.length
        B, T = ids.shape
        positions = torch.arange(past, past + T, device=ids.device).expand(B, T)
        if padding is not None:
            positions = (positions - padding[:, None]).clamp(min=0)
        x = self.wte(ids.long()) + self.wpe(positions)  # (B, T, C)
        x = self.drop(x)
        for i, block in enumerate(self.h):
            x = block(x, None if cache is None else cache[i], padding)
        if last is not None:
            x = x[:, -last:]
        if where is not None:
            x = x[where]  # (N, C)
        x = self.ln_f(x)
        return self.lm_head(x)  # (B, T, V), (B, last, V) or (N, V)
