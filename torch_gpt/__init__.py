"""torch_gpt: the PyTorch twin of numpy_gpt, file by file, its gradients left to autograd."""

try:
    import torch  # noqa: F401
except ImportError as error:
    raise ImportError(
        f"torch_gpt needs PyTorch ({error}): pip install 'numpy-gpt[torch]'."
    ) from None

from shared_gpt import __version__
from shared_gpt.config import GPTConfig
from torch_gpt.attention import MultiHeadAttention
from torch_gpt.block import FeedForward, TransformerBlock
from torch_gpt.classifier import add_class_head, freeze_below_last_block, predict_classes
from torch_gpt.generate import (
    SamplingSettings,
    Step,
    attention_maps,
    generate,
    generate_text_simple,
    stream,
)
from torch_gpt.kv_cache import KVCache
from torch_gpt.layers import GELU, Dropout, Embedding, LayerNorm, Linear
from torch_gpt.lora import (
    LoRALinear,
    apply_lora,
    lora_state_dict,
    merge_lora,
    merged_state_dict,
    unmerge_lora,
)
from torch_gpt.loss import CrossEntropy
from torch_gpt.model import GPTModel
from torch_gpt.module import Module, ModuleList, Parameter, evaluation, no_grad
from torch_gpt.optim import AdamW, clip_grad_norm
from torch_gpt.perplexity import perplexity, token_losses
from torch_gpt.prompt_lookup import Pass, lookup_passes
from torch_gpt.shapes import float32, float64
from torch_gpt.train import evaluate, train, train_step
from torch_gpt.weights import load_gpt2, load_lora, load_run, save_gpt2, save_lora

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
