"""evaluate: how well a model predicts a text."""

from dataclasses import dataclass
from types import ModuleType

from shared_gpt.options import OptionalInt, OptionalText


@dataclass(frozen=True)
class Evaluate:
    """Measure a model's perplexity on a text: it predicts as well as if it guessed each time among that many tokens."""

    weights: str = "marren"
    """marren or marren-chat, which ship with the project; a run's folder, a folder or file with GPT-2's weights, or gpt2,
    gpt2-medium, gpt2-large, gpt2-xl."""
    text: str = "stories"
    """A text file, a folder of .txt files, a token file, or stories, marren, the-verdict, tiny-shakespeare."""
    stride: OptionalInt = None
    """Tokens from the start of one window to the next; smaller is more exact and slower. Default: half the context length."""
    max_tokens: OptionalInt = None
    """Read only this many tokens, from the start of the text."""
    tokenizer: OptionalText = None
    """By default the one beside the weights, else GPT-2's; otherwise gpt2, stories, characters, or a path."""
    n_heads: OptionalInt = None
    """Attention heads in each block, for weights that do not say: the book's own checkpoints."""

    def run(self, twin: ModuleType) -> None:
        import math

        from rich.console import Console
        from rich.progress import Progress

        from shared_gpt.commands.loading import load_model
        from shared_gpt.text.token_file import load_tokens

        model, tokenizer = load_model(twin, self.weights, self.tokenizer, n_heads=self.n_heads)
        tokens = load_tokens(self.text, tokenizer)[: self.max_tokens]
        losses = twin.token_losses(model, tokens, self.stride)
        total = counted = 0
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("reading", total=len(tokens) - 1)
            for loss in losses:
                total, counted = total + float(loss.sum()), counted + len(loss)
                progress.update(task, completed=counted, description=f"perplexity {math.exp(total / counted):.2f}")
        stride = self.stride or max(model.config.context_length // 2, 1)
        n_bytes = len(tokenizer.decode_bytes(tokens[1:].tolist()))
        print(f"perplexity {math.exp(total / counted):.3f} over {counted:,} tokens")
        print(f"loss {total / counted:.4f} nats per token, {total / max(n_bytes, 1) / math.log(2):.4f} bits per byte")
        print(f"windows of {model.config.context_length} tokens, every {stride}; each token but the first counted once")
