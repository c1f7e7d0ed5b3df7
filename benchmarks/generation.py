"""Generation at GPT-2's 124M shape, float32, greedy, one text: numpy_gpt against torch_gpt, transformers and the memory.

    python -m benchmarks generation [--rounds 5] [--prompt 16] [--new 96] [--batch 8] [--prefill 512]

Figures: tokens a second over the whole call, prompt included; milliseconds of a step once the prompt is read; tokens a second
of several texts at once (transformers' streamer takes one alone); seconds until the first token of a long prompt. Each new
token needs every weight once, so no program is faster than memory is: two floors read the same arrays as often, one by plain
products in a loop (`v @ w.T`), one by a maximum over them in as many threads as there are cores, which is as little work as
reading can be.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

import numpy as np

from benchmarks.harness import Contender, machine, peak_memory_mb, report, run_rounds
from shared_gpt.config import GPTConfig

RUNS = 2  # timed in each round, after one that warms up; many short turns, since memory's speed drifts
FLOORS = ("floor-products", "floor-reading")
TWINS = ("numpy_gpt", "torch_gpt")
NAMES = (*TWINS, "transformers", *FLOORS)


@dataclass(frozen=True)
class Generation:
    """Tokens a second with the cache, and the time to read a long prompt, against PyTorch, transformers and memory."""

    rounds: int = 5
    """How often each contender has its turn."""
    prompt: int = 16
    """Tokens of the prompt."""
    new: int = 96
    """Tokens to write."""
    batch: int = 8
    """Texts written at once."""
    prefill: int = 512
    """Tokens of the long prompt."""
    preset: str = "gpt2-small"
    """The model's sizes; its weights are random."""

    def run(self) -> None:
        print(machine())
        print(f"\n{self.preset}, float32, greedy, {self.prompt} + {self.new} tokens; long prompt {self.prefill}")
        argv = (self.preset, str(self.prompt), str(self.new), str(self.batch), str(self.prefill))
        contenders = [Contender(name, ("benchmarks.generation", name, *argv)) for name in NAMES]
        show(run_rounds(contenders, self.rounds))


def show(results: dict[str, dict]) -> None:
    """A table; `of floor` compares with the faster floor, once with the prompt and once by the step alone."""
    theirs = results["transformers"]["tokens/s"]
    floor, step = (pick(results[name][key] for name in FLOORS) for pick, key in ((max, "tokens/s"), (min, "step ms")))
    titles = ("tokens/s", "x transf.", "of floor", "step ms", "of floor", "batched", "prefill s", "peak MiB")
    print(f"\n  {'':16}" + "".join(f"{title:>10}" for title in titles))
    for name, figures in results.items():
        line = f"  {name:16}{figures['tokens/s']:10.1f}{figures['tokens/s'] / theirs:10.2f}"
        line += f"{figures['tokens/s'] / floor:10.0%}{figures['step ms']:10.2f}{step / figures['step ms']:10.0%}"
        if "prefill s" in figures:
            line += f"{figures['batched']:10.1f}" if "batched" in figures else f"{'':10}"
            line += f"{figures['prefill s']:10.3f}{figures['peak MiB']:10.0f}"
        print(line)


def contend(name: str, preset: str, prompt: int, new: int, batch: int, prefill: int) -> None:
    """In a process of its own: one contender's figures. Its `generate` takes prompt ids and calls back at each token."""
    config = GPTConfig.preset(preset, drop_rate=0.0)
    generate = PREPARE[name](config)
    rng = np.random.default_rng(0)
    short, several, long = (
        rng.integers(0, config.vocab_size, size) for size in ((1, prompt), (batch, prompt), (1, prefill))
    )
    figures: dict[str, list[float]] = {"tokens/s": [], "step ms": []}
    for run in range(RUNS + 1):
        times = token_times(generate, short, new)
        if run:
            figures["tokens/s"].append(new / sum(times))
            figures["step ms"].append(1000 * float(np.median(times[1:])))
    if name in TWINS:
        figures["batched"] = [batch * new / sum(token_times(generate, several, new)) for _ in range(RUNS)]
    if not name.startswith("floor"):
        figures["prefill s"] = [token_times(generate, long, 1)[0] for _ in range(RUNS + 1)][1:]
        figures["peak MiB"] = [peak_memory_mb()]
    report(figures)


def token_times(generate: Callable, ids: np.ndarray, new: int) -> list[float]:
    """Seconds that each new token took."""
    times = [time.perf_counter()]
    generate(ids, new, lambda: times.append(time.perf_counter()))
    assert len(times) == new + 1
    return np.diff(times).tolist()


def prepare_twin(name: str) -> Callable:
    def prepare(config: GPTConfig) -> Callable:
        twin = import_module(name)
        model = twin.GPTModel(config)

        def generate(ids, new, done):
            for _ in twin.stream(model, ids.tolist(), new):
                done()

        return generate

    return prepare


def prepare_transformers(config: GPTConfig) -> Callable:
    import torch
    import transformers

    sizes = {"vocab_size": config.vocab_size, "n_positions": config.context_length, "n_embd": config.emb_dim}
    theirs = transformers.GPT2Config(
        **sizes, n_layer=config.n_layers, n_head=config.n_heads, bos_token_id=None, eos_token_id=None
    )
    model = transformers.GPT2LMHeadModel(theirs).eval()

    def generate(ids, new, done):
        class Streamer(transformers.generation.streamers.BaseStreamer):
            prompt_is_behind = False

            def put(self, value):
                if self.prompt_is_behind:
                    done()
                self.prompt_is_behind = True

            def end(self):
                pass

        ids = torch.from_numpy(ids)
        options = {"do_sample": False, "use_cache": True, "pad_token_id": 0, "streamer": Streamer()}
        model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=new, **options)

    return generate


def weights(config: GPTConfig) -> list[np.ndarray]:
    """The matrices that every token needs; of the tables of embeddings it reads one row, but wte is also the head."""
    import numpy_gpt

    state = numpy_gpt.GPTModel(config).state_dict()
    return [array for name, array in state.items() if array.ndim == 2 and name != "wpe.weight"]


def prepare_products(config: GPTConfig) -> Callable:
    pairs = [(np.ones((1, w.shape[1]), w.dtype), w) for w in weights(config)]

    def generate(ids, new, done):
        for _ in range(new):
            for v, w in pairs:
                v @ w.T
            done()

    return generate


def prepare_reading(config: GPTConfig) -> Callable:
    import os
    from concurrent.futures import ThreadPoolExecutor

    n = os.cpu_count() or 1
    parts = [[np.array_split(w.reshape(-1), n)[i] for w in weights(config)] for i in range(n)]

    def generate(ids, new, done):
        with ThreadPoolExecutor(n) as pool:
            for _ in range(new):
                list(pool.map(lambda arrays: [array.max() for array in arrays], parts))
                done()

    return generate


PREPARE = {
    "numpy_gpt": prepare_twin("numpy_gpt"),
    "torch_gpt": prepare_twin("torch_gpt"),
    "transformers": prepare_transformers,
    "floor-products": prepare_products,
    "floor-reading": prepare_reading,
}

if __name__ == "__main__":
    contend(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
