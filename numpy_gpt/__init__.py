"""numpy_gpt: a GPT-2 in pure NumPy, every gradient written by hand."""

from numpy_gpt.attention import MultiHeadAttention
from numpy_gpt.block import FeedForward, TransformerBlock
from numpy_gpt.classifier import add_class_head, freeze_below_last_block, predict_classes
from numpy_gpt.generate import (
    SamplingSettings,
    Step,
    attention_maps,
    generate,
    generate_text_simple,
    stream,
)
from numpy_gpt.kv_cache import KVCache
from numpy_gpt.layers import GELU, Dropout, Embedding, LayerNorm, Linear
from numpy_gpt.lora import (
    LoRALinear,
    apply_lora,
    lora_state_dict,
    merge_lora,
    merged_state_dict,
    unmerge_lora,
)
from numpy_gpt.loss import CrossEntropy
from numpy_gpt.model import GPTModel
from numpy_gpt.module import Module, ModuleList, Parameter, evaluation, no_grad
from numpy_gpt.optim import AdamW, clip_grad_norm
from numpy_gpt.perplexity import perplexity, token_losses
from numpy_gpt.prompt_lookup import Pass, lookup_passes
from numpy_gpt.shapes import float32, float64
from numpy_gpt.train import evaluate, train, train_step
from numpy_gpt.weights import load_gpt2, load_lora, load_run, save_gpt2, save_lora
from shared_gpt import __version__
from shared_gpt.config import GPTConfig

__all__ = [
    "GELU",
    "AdamW",
    "CrossEntropy",
    "Dropout",
    "Embedding",
    "FeedForward",
    "GPTConfig",
    "GPTModel",
    "KVCache",
    "LayerNorm",
    "Linear",
    "LoRALinear",
    "Module",
    "ModuleList",
    "MultiHeadAttention",
    "Parameter",
    "Pass",
    "SamplingSettings",
    "Step",
    "TransformerBlock",
    "__version__",
    "add_class_head",
    "apply_lora",
    "attention_maps",
    "clip_grad_norm",
    "evaluate",
    "evaluation",
    "float32",
    "float64",
    "freeze_below_last_block",
    "generate",
    "generate_text_simple",
    "load_gpt2",
    "load_lora",
    "load_run",
    "lookup_passes",
    "lora_state_dict",
    "merge_lora",
    "merged_state_dict",
    "no_grad",
    "perplexity",
    "predict_classes",
    "save_gpt2",
    "save_lora",
    "stream",
    "token_losses",
    "train",
    "train_step",
    "unmerge_lora",
]
