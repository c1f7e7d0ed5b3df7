"""What each module of a GPT costs: parameters, operations, and memory for what it saves for backward."""

from dataclasses import dataclass

from shared_gpt.config import GPTConfig


@dataclass(frozen=True)
class Part:
    """A module, or one that every block has (copies = n_layers). The figures are for one copy.

    operations: those of the matrix products in one forward pass, a multiplication and its addition counting as two. The
    backward pass takes twice as many: of each product it needs the gradient with respect to both factors. kept: bytes
    that numpy_gpt saves for backward.
    """

    name: str
    parameters: int
    operations: int
    kept: int
    copies: int = 1


def anatomy(config: GPTConfig, batch_size: int, T: int | None = None, itemsize: int = 4) -> list[Part]:
    """The parts of a model in the order of the forward pass, for batch_size sequences of T tokens (None: context_length) and
    numbers of itemsize bytes. An array that two modules save is counted with the first."""
    T = config.context_length if T is None else T
    if not 1 <= T <= config.context_length or batch_size < 1:
        raise ValueError(
            f"A batch of {batch_size} sequences of {T} tokens does not fit a context_length of {config.context_length}; "
            f"take at least 1 sequence, of 1 to {config.context_length} tokens."
        )
    C, H, V, L = config.emb_dim, config.n_heads, config.vocab_size, config.n_layers
    N = batch_size * T  # positions
    weights = batch_size * H * T * T  # attention weights of one block
    mask = 1 if config.drop_rate else 0  # bytes for each value that may be dropped
    x = N * C * itemsize  # one vector for each position
    qkvp = 3 * x + weights * (itemsize + mask * (itemsize + 1))  # q, k, v, attention weights before and after dropout

    def linear(name: str, inside: int, outside: int, bias: bool = True, copies: int = L) -> Part:
        parameters = inside * outside + bias * outside
        return Part(name, parameters, 2 * N * inside * outside, N * inside * itemsize, copies)  # saves its input

    return [
        Part("wte", V * C, 0, 8 * N),  # ids
        Part("wpe", config.context_length * C, 0, 8 * T),
        Part("drop", 0, 0, mask * N * C),
        Part("h.*.ln_1", 2 * C, 0, x, L),
        linear("h.*.attn.c_attn", C, 3 * C, config.qkv_bias),
        Part("h.*.attn", 0, 4 * N * T * C, qkvp, L),
        linear("h.*.attn.c_proj", C, C),
        Part("h.*.attn.resid_dropout", 0, 0, mask * N * C, L),
        Part("h.*.ln_2", 2 * C, 0, x, L),
        linear("h.*.mlp.c_fc", C, 4 * C),
        Part("h.*.mlp.gelu", 0, 0, 4 * x, L),
        linear("h.*.mlp.c_proj", 4 * C, C),
        Part("h.*.mlp.dropout", 0, 0, mask * N * C, L),
        Part("ln_f", 2 * C, 0, x),
        Part("lm_head", 0 if config.tie_embeddings else V * C, 2 * N * C * V, x),
        Part("loss", 0, 0, N * (V * itemsize + 8 + 1 + itemsize)),  # logits, targets, counted, log-sum-exp
    ]


@dataclass(frozen=True)
class Totals:
    """Sums over all parts for one training step; memory in bytes."""

    parameters: int
    operations: int
    memory: dict[str, int]


def totals(parts: list[Part], logits: int, itemsize: int = 4) -> Totals:
    """logits: their number, N times V. The memory is that held when the backward pass begins."""
    parameters, operations, kept = (
        sum(getattr(part, name) * part.copies for part in parts) for name in ("parameters", "operations", "kept")
    )
    weights = parameters * itemsize
    memory = {
        "weights": weights,
        "gradients": weights,
        "AdamW's two moments": 2 * weights,
        "kept for backward": kept,
        "gradient of the logits": logits * itemsize,
    }
    return Totals(parameters, 3 * operations, memory)


def print_anatomy(parts: list[Part], sums: Totals, tokens: int, teraflops: float | None = None) -> None:
    """Print parts and sums as tables and, given a speed, how long a step on so many tokens takes."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, show_footer=True, pad_edge=False)
    table.add_column("module", "sum of all copies")
    table.add_column("copies", justify="right")
    table.add_column("parameters", f"{sums.parameters:,}", justify="right")
    table.add_column("forward GFLOP", f"{sums.operations / 3e9:,.2f}", justify="right")
    table.add_column("kept MB", f"{sums.memory['kept for backward'] / 1e6:,.1f}", justify="right")
    for part in parts:
        figures = f"{part.parameters:,}", f"{part.operations / 1e9:,.2f}", f"{part.kept / 1e6:,.1f}"
        table.add_row(part.name, str(part.copies), *figures)
    memory = Table(box=SIMPLE_HEAD, show_footer=True, pad_edge=False)
    memory.add_column("memory of a training step", "together")
    memory.add_column("MB", f"{sum(sums.memory.values()) / 1e6:,.1f}", justify="right")
    for name, size in sums.memory.items():
        memory.add_row(name, f"{size / 1e6:,.1f}")
    console = Console(highlight=False)
    console.print(table, memory)
    console.print(
        f"A training step on {tokens:,} tokens: {sums.operations / 1e12:,.3g} TFLOP "
        "(forward one third, backward two), matrix products only."
    )
    if teraflops:
        seconds = sums.operations / (teraflops * 1e12)
        console.print(f"At {teraflops:g} TFLOP/s it takes {seconds:,.3g} s: {tokens / seconds:,.0f} tokens/s.")
