"""What both twins refuse, in the same words: each check names the value, the limit and the way out.

No tensor maths: the checks read `.shape`, `.dtype`, `.min()`, `.max()`, which arrays of both kinds have.
"""

from collections.abc import Mapping, Sequence
from math import inf, isfinite
from typing import Any

from numpy_gpt.config import GPTConfig


def check_ids(ids: Any, config: GPTConfig, past: int = 0) -> None:
    """Refuse token ids (B, T) that the model cannot look up; `past` positions are already in the cache."""
    check_is_array("ids", ids)
    if len(ids.shape) != 2:
        raise ValueError(f"ids have shape {tuple(ids.shape)}; give (batch, time), for one sequence ids[None, :].")
    check_integers("ids", ids)
    if 0 in ids.shape:
        raise ValueError(
            f"ids have shape {tuple(ids.shape)}, which holds no token; give at least one sequence of one id."
        )
    if past + ids.shape[1] > config.context_length:
        cached = f" after {past} cached ones" if past else ""
        raise ValueError(
            f"A sequence of {ids.shape[1]} tokens{cached} is longer than the context_length of "
            f"{config.context_length}; keep the last {config.context_length} or build the model with a longer context."
        )
    check_range("ids", int(ids.min()), int(ids.max()), config.vocab_size)


def check_targets(logits: Any, targets: Any, ignore_index: int) -> None:
    """Refuse targets that do not name, for every position of the logits (..., V), a token or the ignored index."""
    check_is_array("targets", targets)
    if tuple(targets.shape) != tuple(logits.shape[:-1]):
        raise ValueError(
            f"targets have shape {tuple(targets.shape)} but the logits {tuple(logits.shape)} ask for "
            f"{tuple(logits.shape[:-1])}; give one target id per position."
        )
    check_integers("targets", targets)
    if 0 in targets.shape:
        raise ValueError(
            f"targets have shape {tuple(targets.shape)}, which holds no token; give at least one position."
        )
    counted = targets[targets != ignore_index]
    if len(counted):
        what = f"targets (but for the ignored {ignore_index})"
        check_range(what, int(counted.min()), int(counted.max()), logits.shape[-1])


def check_is_array(what: str, x: Any) -> None:
    if not hasattr(x, "shape"):
        raise ValueError(f"{what} are a {type(x).__name__}; give an array of integers, np.array(…) or torch.tensor(…).")


def check_integers(what: str, x: Any) -> None:
    dtype = str(x.dtype).removeprefix("torch.")
    if "int" not in dtype:
        raise ValueError(f"{what} are {dtype}; give integers, the positions of tokens in the vocabulary.")


def check_range(what: str, low: int, high: int, vocab_size: int) -> None:
    if low < 0 or high >= vocab_size:
        worst = low if low < 0 else high
        raise ValueError(
            f"{what} hold {worst}, outside the vocabulary of 0 to {vocab_size - 1}; "
            "use the tokenizer that the model was built for."
        )


def check_step(loss: float, grad_norm: float, grads: Mapping[str, Any]) -> None:
    """Refuse a step of training whose loss or gradient is no finite number, before it spoils the weights."""
    if isfinite(loss) and isfinite(grad_norm):
        return
    sizes = {name: float(abs(grad).max()) for name, grad in grads.items() if grad is not None}
    largest = max(sizes, key=lambda name: sizes[name] if isfinite(sizes[name]) else inf, default=None)
    told = f"; the largest gradient is that of {largest} ({sizes[largest]:.3g})" if largest else ""
    raise FloatingPointError(
        f"The loss is {loss} and the gradient's length {grad_norm}{told}. The weights were not changed."
    )


def check_state_dict(expected: Mapping[str, tuple], given: Mapping[str, tuple]) -> None:
    """Refuse, in one error, every key that is missing, unexpected or of another shape (both: name -> shape)."""
    problems = [f"missing {name} {shape}" for name, shape in expected.items() if name not in given]
    problems += [f"unexpected {name} {shape}" for name, shape in given.items() if name not in expected]
    problems += [
        f"{name} is {given[name]} where the model has {shape}"
        for name, shape in expected.items()
        if name in given and given[name] != shape
    ]
    if problems:
        raise ValueError(
            f"The state dict does not fit the model ({len(problems)} differences): {'; '.join(problems)}. "
            "Build the model with the config that the weights were made with; nothing was loaded."
        )


def check_hyperparameters(lr: float, betas: tuple[float, float], eps: float, weight_decay: float) -> None:
    """Refuse numbers with which AdamW would not descend."""
    if not lr >= 0:
        raise ValueError(f"lr is {lr!r}; give a learning rate of at least 0, such as 1e-3.")
    if len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
        raise ValueError(f"betas are {betas!r}; give two numbers of at least 0 and below 1, such as (0.9, 0.999).")
    if not eps > 0:
        raise ValueError(f"eps is {eps!r}; give a small number above 0, such as 1e-8.")
    if not weight_decay >= 0:
        raise ValueError(f"weight_decay is {weight_decay!r}; give a number of at least 0, such as 0.01.")


def check_optimizer_state(shapes: list[tuple], state: Mapping[str, Any]) -> None:
    """Refuse moments that do not belong to parameters of these shapes."""
    for name in ("m", "v"):
        given = [tuple(moment.shape) for moment in state[name]]
        if given != [tuple(shape) for shape in shapes]:
            raise ValueError(
                f"The optimizer state holds {len(given)} moments {name} that do not match the shapes of the {len(shapes)} "
                "parameters; load a state that was saved from the same model. Nothing was loaded."
            )


def check_cache(batch_size: int, length: int, cached_batch_size: int, capacity: int) -> None:
    """Refuse keys and values that a cache has no place for."""
    if batch_size != cached_batch_size:
        raise ValueError(
            f"The batch has {batch_size} rows but the cache was begun with {cached_batch_size}; make a new KVCache."
        )
    if length > capacity:
        raise ValueError(f"The cache has room for {capacity} positions, not for {length}; give it a larger capacity.")


def check_prompts(ids: Any, config: GPTConfig) -> list[list[int]]:
    """Prompts as lists of ids, from such lists or from an array (B, T); refuse what is empty or no token."""
    rows = ids.tolist() if hasattr(ids, "tolist") else list(ids)
    if not rows or not all(isinstance(row, Sequence) or hasattr(row, "tolist") for row in rows):
        raise ValueError(f"Prompts are {str(ids)[:60]}; give a list of id lists, for one prompt [ids].")
    rows = [row.tolist() if hasattr(row, "tolist") else list(row) for row in rows]
    for i, row in enumerate(rows):
        if not row:
            raise ValueError(f"Prompt {i} holds no token; begin with at least one, such as <|endoftext|>.")
        for token in row:
            if isinstance(token, bool) or not hasattr(token, "__index__"):
                raise ValueError(
                    f"Prompt {i} holds {token!r}; give integers, the positions of tokens in the vocabulary."
                )
        check_range(f"the ids of prompt {i}", min(row), max(row), config.vocab_size)
    return [[int(token) for token in row] for row in rows]


def check_sampling(
    config: GPTConfig,
    max_new_tokens: int,
    temperature: float,
    top_k: int | None,
    top_p: float | None,
    repetition_penalty: float | None,
    eos_id: int | None,
) -> None:
    """Refuse settings of generation that mean nothing."""
    if isinstance(max_new_tokens, bool) or not hasattr(max_new_tokens, "__index__") or max_new_tokens < 0:
        raise ValueError(f"max_new_tokens is {max_new_tokens!r}; give a whole number of at least 0.")
    if not 0 <= temperature < float("inf"):
        raise ValueError(f"temperature is {temperature!r}; give 0 for the likeliest token, or a number such as 0.8.")
    if top_k is not None and (isinstance(top_k, bool) or not hasattr(top_k, "__index__") or top_k < 1):
        raise ValueError(f"top_k is {top_k!r}; give a whole number of at least 1, or None for the whole vocabulary.")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p is {top_p!r}; give a probability above 0 and up to 1, or None for no cut.")
    if repetition_penalty is not None and not 0 < repetition_penalty < float("inf"):
        raise ValueError(f"repetition_penalty is {repetition_penalty!r}; give a number above 0, such as 1.2, or None.")
    if eos_id is not None:
        check_range("eos_id", eos_id, eos_id, config.vocab_size)


def check_logits(largest: float) -> None:
    """Refuse logits whose largest is no number: what is drawn from them would mean nothing."""
    if not abs(largest) < float("inf"):
        raise ValueError(f"The model's logits hold {largest}; its weights are damaged or its training diverged.")


def check_text(tokens: Any, stride: int, config: GPTConfig) -> None:
    """Refuse a row of tokens, or a stride over it, whose perplexity means nothing."""
    if len(getattr(tokens, "shape", [0])) != 1:
        raise ValueError(f"tokens have shape {tuple(tokens.shape)}; give one row of ids.")
    if hasattr(tokens, "dtype") and "int" not in str(tokens.dtype):
        raise ValueError(f"tokens are {tokens.dtype}; give integers, the positions of tokens in the vocabulary.")
    if len(tokens) < 2:
        raise ValueError(f"The text holds {len(tokens)} tokens; give at least 2, one to predict the other from.")
    low, high = (tokens.min(), tokens.max()) if hasattr(tokens, "min") else (min(tokens), max(tokens))
    check_range("tokens", int(low), int(high), config.vocab_size)
    if isinstance(stride, bool) or not hasattr(stride, "__index__") or not 1 <= stride <= config.context_length:
        raise ValueError(
            f"stride is {stride!r}; give a whole number from 1 to the context_length of {config.context_length}, "
            "so that every token is counted."
        )


def check_lora(
    rank: int,
    alpha: float,
    dropout: float,
    targets: Sequence[str],
    shapes: Mapping[str, tuple],
    tied: Sequence[str],
    adapted: Sequence[str],
) -> None:
    """Refuse an adaptation that would do nothing, or too much.

    shapes: (out, in) of every layer that the targets name; tied: those that share their weight with an embedding; adapted:
    the layers that have LoRA already. A head of few classes may have a rank above its smaller side: it costs little.
    """
    if adapted:
        raise ValueError(
            f"The model has LoRA already, on {len(adapted)} layers; train these, or start from the base model."
        )
    if not shapes:
        raise ValueError(
            f"No linear layer is called {' or '.join(targets)}; choose from c_attn, c_proj, c_fc and lm_head."
        )
    if tied:
        raise ValueError(
            f"{tied[0]} shares its weight with the token embedding, which merging would change; leave it out of the targets "
            "or build the model with tie_embeddings=False."
        )
    if isinstance(rank, bool) or not isinstance(rank, int) or rank < 1:
        raise ValueError(f"The LoRA rank is {rank!r}; give a whole number of at least 1, such as 8.")
    name, shape = min(
        ((n, s) for n, s in shapes.items() if n != "lm_head"), key=lambda item: min(item[1]), default=("", ())
    )
    if shape and rank > min(shape):
        raise ValueError(
            f"The LoRA rank is {rank}, above the smaller side of {name} {shape}; give at most {min(shape)}."
        )
    if not 0 < alpha < float("inf"):
        raise ValueError(f"The LoRA alpha is {alpha!r}; give a number above 0, such as twice the rank.")
    if not 0 <= dropout < 1:
        raise ValueError(f"The LoRA dropout is {dropout!r}; give a share of at least 0 and below 1.")


def check_merge(layers: int, merged: int, merging: bool) -> None:
    """Refuse to merge what is merged, or to take out what is not in."""
    if layers == 0:
        raise ValueError("The model has no LoRA layers; call apply_lora first.")
    if merging and merged:
        raise ValueError(f"{merged} of {layers} LoRA layers are merged already; unmerge_lora takes them out again.")
    if not merging and merged < layers:
        raise ValueError(f"{layers - merged} of {layers} LoRA layers are not merged; merge_lora puts them in.")


def check_classes(n_classes: int) -> None:
    """Refuse a head with nothing to choose between."""
    if isinstance(n_classes, bool) or not isinstance(n_classes, int) or n_classes < 2:
        raise ValueError(f"There are {n_classes!r} classes; give data with at least 2.")
