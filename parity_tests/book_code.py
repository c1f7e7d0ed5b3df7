"""The GPT of the book *Build a Large Language Model (From Scratch)* as its readers have it: the names and shapes of its
modules, in PyTorch, written from its chapters 3 and 4. It shares nothing with the rooms that it judges."""

import math

import torch
from torch import nn


class LayerNorm(nn.Module):
    def __init__(self, emb_dim: int):
        super().__init__()
        self.scale, self.shift = nn.Parameter(torch.ones(emb_dim)), nn.Parameter(torch.zeros(emb_dim))

    def forward(self, x):
        centred = x - x.mean(dim=-1, keepdim=True)
        return self.scale * centred / torch.sqrt(x.var(dim=-1, keepdim=True, unbiased=False) + 1e-5) + self.shift


class GELU(nn.Module):
    def forward(self, x):
        return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


class FeedForward(nn.Module):
    def __init__(self, emb_dim: int):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(emb_dim, 4 * emb_dim), GELU(), nn.Linear(4 * emb_dim, emb_dim))

    def forward(self, x):
        return self.layers(x)


class MultiHeadAttention(nn.Module):
    def __init__(self, emb_dim: int, context_length: int, n_heads: int, qkv_bias: bool):
        super().__init__()
        self.n_heads = n_heads
        self.W_query, self.W_key, self.W_value = (nn.Linear(emb_dim, emb_dim, bias=qkv_bias) for _ in range(3))
        self.out_proj = nn.Linear(emb_dim, emb_dim)
        self.register_buffer("mask", torch.triu(torch.ones(context_length, context_length), diagonal=1))

    def forward(self, x):
        B, T, C = x.shape
        q, k, v = (
            layer(x).view(B, T, self.n_heads, -1).transpose(1, 2) for layer in (self.W_query, self.W_key, self.W_value)
        )
        scores = (q @ k.transpose(2, 3)).masked_fill(self.mask.bool()[:T, :T], -torch.inf)
        weights = torch.softmax(scores / k.shape[-1] ** 0.5, dim=-1)
        return self.out_proj((weights @ v).transpose(1, 2).reshape(B, T, C))


class TransformerBlock(nn.Module):
    def __init__(self, emb_dim: int, context_length: int, n_heads: int, qkv_bias: bool):
        super().__init__()
        self.att = MultiHeadAttention(emb_dim, context_length, n_heads, qkv_bias)
        self.ff = FeedForward(emb_dim)
        self.norm1, self.norm2 = LayerNorm(emb_dim), LayerNorm(emb_dim)

    def forward(self, x):
        x = x + self.att(self.norm1(x))
        return x + self.ff(self.norm2(x))


class BookGPT(nn.Module):
    """`cfg` is the book's dictionary, as its GPT_CONFIG_124M; without dropout, which no checkpoint holds anything of."""

    def __init__(self, cfg: dict, seed: int = 0):
        super().__init__()
        C, N = cfg["emb_dim"], cfg["context_length"]
        self.tok_emb, self.pos_emb = nn.Embedding(cfg["vocab_size"], C), nn.Embedding(N, C)
        blocks = [TransformerBlock(C, N, cfg["n_heads"], cfg["qkv_bias"]) for _ in range(cfg["n_layers"])]
        self.trf_blocks = nn.Sequential(*blocks)
        self.final_norm = LayerNorm(C)
        self.out_head = nn.Linear(C, cfg["vocab_size"], bias=False)
        self.double()
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():  # no weight, bias or gain is trivial
            for name, parameter in self.named_parameters():
                parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
                parameter += 1.0 if name.endswith("scale") else 0.0

    def forward(self, ids):
        x = self.tok_emb(ids) + self.pos_emb(torch.arange(ids.shape[1]))
        return self.out_head(self.final_norm(self.trf_blocks(x)))
