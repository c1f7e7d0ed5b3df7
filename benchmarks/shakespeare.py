"""nanoGPT's example for a CPU, in both twins: Shakespeare's characters, 4 layers, 4 heads, width 128, context 64, batch 12, 2,000
steps, no dropout; its README reports a validation loss of 1.88.

    python -m benchmarks shakespeare [--text tinyshakespeare.txt] [--lr 2e-3] [--rounds 1]

Each twin runs its own `pretrain` command; the loss is measured on all of the last tenth of the text.
"""

import sys
import tempfile
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from benchmarks.harness import Contender, machine, report, run_rounds
from shared_gpt.cli import main
from shared_gpt.training.run_folder import RunFolder

OPTIONS = {
    **{"tokenizer": "characters", "n-layers": 4, "n-heads": 4, "emb-dim": 128, "context-length": 64, "drop-rate": 0},
    **{"steps": 2000, "batch-size": 12, "warmup": 100, "final-lr": 0.1, "weight-decay": 0.1},
    **{"beta1": 0.9, "beta2": 0.99, "max-norm": 1, "stride": 1, "eval-every": 500, "eval-batches": 150},
    **{"sample-every": 500, "sample-tokens": 200, "sample-prompt": "ROMEO:"},
}


@dataclass(frozen=True)
class Shakespeare:
    """How long each twin takes for nanoGPT's CPU example, and the validation loss that it reaches."""

    text: str = "tiny-shakespeare"
    """The text: a file, or tiny-shakespeare, which is downloaded once."""
    lr: float = 2e-3
    """Learning rate; nanoGPT's is 1e-3."""
    rounds: int = 1
    """How often each twin has its turn."""

    def run(self) -> None:
        print(machine())
        print("pretrain " + " ".join(f"--{name} {value}" for name, value in OPTIONS.items()), f"--lr {self.lr}")
        contenders = [
            Contender(name, ("benchmarks.shakespeare", name, self.text, str(self.lr)))
            for name in ("numpy_gpt", "torch_gpt")
        ]
        results = run_rounds(contenders, self.rounds)
        print(f"\n  {'':12}{'minutes':>9}{'tokens/s':>10}{'validation loss':>17}")
        for name, figures in results.items():
            speed = OPTIONS["steps"] * OPTIONS["batch-size"] * OPTIONS["context-length"] / figures["seconds"]
            print(f"  {name:12}{figures['seconds'] / 60:9.2f}{speed:10,.0f}{figures['val_loss']:17.3f}")


def contend(name: str, text: str, lr: str) -> None:
    """In a process of its own: one twin's run."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        options = [word for key, value in OPTIONS.items() for word in (f"--{key}", str(value))]
        if main(import_module(name), ["pretrain", "--text", text, "--lr", lr, "--out", str(out), *options]):
            sys.exit(2)
        last = RunFolder(out).rows()[-1]
    report({"seconds": [last["seconds"]], "val_loss": [last["val_loss"]]})


if __name__ == "__main__":
    contend(*sys.argv[1:])
