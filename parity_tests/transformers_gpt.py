"""The same network as a GPT2LMHeadModel of transformers: a judge of generation, of the cache and of perplexity."""

from typing import Any

import torch
import transformers

from parity_tests.report.measure import to_numpy


def as_transformers(model: Any) -> transformers.GPT2LMHeadModel:
    """A GPT2LMHeadModel with the weights and the dtype of a model of either twin, in evaluation mode."""
    config, state = model.config, {name: torch.tensor(to_numpy(array)) for name, array in model.state_dict().items()}
    theirs = transformers.GPT2LMHeadModel(
        transformers.GPT2Config(
            vocab_size=config.vocab_size,
            n_positions=config.context_length,
            n_embd=config.emb_dim,
            n_layer=config.n_layers,
            n_head=config.n_heads,
            tie_word_embeddings=config.tie_embeddings,
            bos_token_id=None,
            eos_token_id=None,
        )
    )
    theirs = theirs.to(state["wte.weight"].dtype).eval()
    new = {}
    for name, tensor in state.items():
        convolution = tensor.dim() == 2 and name.startswith("h.")  # their Conv1D holds (in, out)
        new[name if name.startswith("lm_head") else f"transformer.{name}"] = tensor.T if convolution else tensor
    for i in range(config.n_layers):
        new.setdefault(f"transformer.h.{i}.attn.c_attn.bias", torch.zeros(3 * config.emb_dim))
    new.setdefault("lm_head.weight", state["wte.weight"])
    theirs.load_state_dict(new)
    return theirs
