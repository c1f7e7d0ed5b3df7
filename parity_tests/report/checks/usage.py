"""Checks of what a model is used for: sampling, generation, perplexity, classes, the training loop, LoRA, files.

Each fills a trace with what the functions of its room give, as `rooms.results` compares it.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from parity_tests.report.checks.rooms import MAPS, room_of
from parity_tests.report.checks.training import as_input
from parity_tests.report.measure import random_state, to_numpy
from parity_tests.report.subject import ALPHA, Subject
from parity_tests.report.trace import Trace, gradient
from shared_gpt.checkpoints.run_files import BEST, save_tensors


def flat_numbers(rows: Any) -> np.ndarray:
    """Lists of lists of numbers, of any lengths and None among them, as one array."""
    flat: list[float] = []

    def walk(value: Any) -> None:
        if isinstance(value, (list, tuple)):
            flat.append(len(value))
            for part in value:
                walk(part)
        else:
            flat.append(-1.0 if value is None else float(value))

    walk(rows)
    return np.array(flat)


def sampling(trace: Trace, subject: Subject, precision: str, twin: Any) -> None:
    """From logits to tokens, step by step; what is drawn over a grid of u is the distribution itself."""
    room = room_of(twin, "sampling")
    rng = np.random.default_rng([subject.seed, 5])
    z = as_input(twin, 2 * rng.standard_normal((3, 12)).astype(precision))
    plain = room.probabilities(z)
    trace.put("probabilities", "its result", plain)
    trace.put("probabilities", "its result at temperature 0.5", room.probabilities(z, 0.5))
    trace.put("probabilities", "its result at temperature 1e-306", room.probabilities(z, 1e-306))
    for k in (1, 4, 99):
        trace.put("keep_top_k", f"its result for k = {k}", room.keep_top_k(z, k))
    for p in (0.1, 0.6, 0.95):
        trace.put("keep_top_p", f"its result for p = {p}", room.keep_top_p(plain, p))
    trace.put("probabilities", "its result with top_k and top_p", room.probabilities(z, 0.8, 6, 0.7))
    grid = (np.arange(200) + 0.5) / 200
    drawn = [to_numpy(room.draw(plain, np.full(3, u))) for u in grid]
    trace.put("draw", "the tokens it draws", np.stack(drawn))
    edge = as_input(twin, np.array([[0.0, 0.5, 0.0, 0.5, 0.0]] * 4, precision))
    trace.put("draw", "the tokens it draws at borders", room.draw(edge, np.array([0.0, 0.25, 0.5, 1 - 1e-9])))
    rows = [[0, 3, 3], [1], [2, 5, 7]]
    for penalty in (1.7, 0.6):
        trace.put("penalize_repetition", f"its result for {penalty}", room.penalize_repetition(z, rows, penalty))
    trace.put("likeliest", "its result", flat_numbers(room.likeliest(plain, 4)))


def prompts(subject: Subject) -> tuple[np.ndarray, list[list[int]], int]:
    """(ids, rows, new): an array, rows of unequal lengths, and how many tokens lead past the context length."""
    context, V = subject.config.context_length, subject.config.vocab_size
    ids = np.random.default_rng([subject.seed, 6]).integers(0, V, (2, max(context // 2, 1)))
    return ids, [ids[0].tolist(), ids[1, :1].tolist(), (ids[0].tolist() * 3)[: context + 2]], context + 3


def by_chance(trace: Trace, subject: Subject, model: Any, generate: Callable) -> None:
    _, rows, new = prompts(subject)
    drawing = {"temperature": 0.9, "top_k": max(subject.config.vocab_size // 2, 1), "top_p": 0.9}
    text = generate(model, rows, new, rng=np.random.default_rng(subject.seed), repetition_penalty=1.3, **drawing)
    trace.put("generate", "its text by chance", flat_numbers(text))


def generation(trace: Trace, subject: Subject, precision: str, twin: Any) -> None:
    """Whole texts, past the context length too: with and without the cache, by chance, and rows that end."""
    room, model = room_of(twin, "generate"), subject.model(twin, precision)
    ids, rows, new = prompts(subject)
    simple = room.generate_text_simple(model, as_input(twin, ids), new, subject.config.context_length)
    trace.put("generate_text_simple", "its text", simple)
    for use_cache in (False, True):
        text = room.generate(model, rows, new, use_cache=use_cache)
        trace.put("generate", f"its text {'with' if use_cache else 'without'} the cache", flat_numbers(text))
    by_chance(trace, subject, model, room.generate)
    text = room.generate(model, rows, new, eos_id=int(simple[0, -1]))
    trace.put("generate", "its text with a token that ends rows", flat_numbers(text))
    with twin.no_grad(), room.recorded_attention() as maps:
        model(as_input(twin, ids))
    steps = list(room.stream(model, rows, 3, candidates=3, attention=bool(maps)))
    trace.put("stream", "its tokens", flat_numbers([step.tokens for step in steps]))
    trace.put("stream", "its candidates", flat_numbers([step.candidates for step in steps]))
    if maps:  # a student's own attention need not leave its weights for others to look at
        for i, step in enumerate(steps):
            trace.put("stream", f"{MAPS} in step {i}", step.attention)
        trace.put("attention_maps", MAPS, room.attention_maps(model, ids.tolist()))
    cache = twin.KVCache(subject.config)
    with twin.no_grad():
        model(as_input(twin, ids), cache)
        trace.put("KVCache.length", "the positions it holds", cache.length)
        cache.reset()
        trace.put("KVCache.reset", "the positions it leaves", cache.length)
        trace.put("KVCache.reset", "the logits after it", model(as_input(twin, ids), cache))


def lookup(trace: Trace, subject: Subject, precision: str, twin: Any) -> None:
    """A text that repeats itself, continued in fewer passes."""
    room, model = room_of(twin, "prompt_lookup"), subject.model(twin, precision)
    ids = [*range(min(4, subject.config.vocab_size))] * 3
    trace.put(
        "guess", "its result", flat_numbers([room.guess(ids, most, ngram) for most in (0, 2, 9) for ngram in (1, 3)])
    )
    passes = list(room.lookup_passes(model, ids, subject.config.context_length + 3, num_tokens=3))
    trace.put("lookup_passes", "its tokens", flat_numbers([[*step.tokens, step.guessed] for step in passes]))


def perplexity(trace: Trace, subject: Subject, precision: str, twin: Any) -> None:
    """A text longer than the context, for several strides."""
    room, model = room_of(twin, "perplexity"), subject.model(twin, precision)
    context = subject.config.context_length
    tokens = np.random.default_rng([subject.seed, 7]).integers(0, subject.config.vocab_size, 2 * context + 3).tolist()
    for stride in sorted({1, max(context // 3, 1), context}):
        losses = np.concatenate([to_numpy(part) for part in room.token_losses(model, tokens, stride)])
        trace.put("token_losses", f"its result for stride {stride}", losses)
        trace.put("perplexity", f"its result for stride {stride}", room.perplexity(model, tokens, stride))
    trace.put("perplexity", "its result", room.perplexity(model, tokens))


def classifier(trace: Trace, subject: Subject, precision: str, twin: Any) -> None:
    """A head of classes, the part of the model that stays frozen, and a step of training."""
    room, model = room_of(twin, "classifier"), subject.model(twin, precision)
    room.add_class_head(model, 4, np.random.default_rng(subject.seed))
    for name, array in model.lm_head.state_dict().items():
        trace.put("add_class_head", name, array)
    room.freeze_below_last_block(model)
    trace.put("freeze_below_last_block", "what learns", np.array([p.requires_grad for p in model.parameters()]))
    ids, _ = next(subject.batches())
    last = np.arange(len(ids)) % ids.shape[1]
    targets = np.full(ids.shape, -100)
    targets[np.arange(len(ids)), last] = np.arange(len(ids)) % 4
    trace.put("predict_classes", "its logits", room.predict_classes(model, as_input(twin, ids), as_input(twin, last)))
    adam = twin.AdamW(model.parameters())
    twin.train_step(model, adam, [(as_input(twin, ids), as_input(twin, targets))])
    for name, p in model.named_parameters():
        trace.put("train_step", f"{name} of a classifier", p)


def training(trace: Trace, subject: Subject, precision: str, twin: Any) -> None:
    """The training loop: micro-batches of unequal weight, the schedule, the loss it reports, evaluation, a resumed optimizer."""
    room, model = room_of(twin, "train"), subject.model(twin, precision, subject.dropping)
    batches = [tuple(as_input(twin, array) for array in pair) for pair in subject.batches(7)]
    batches[0][1][0] = -100
    adam = twin.AdamW(model.parameters(), weight_decay=0.1)
    model.train()
    trace.put("evaluate", "its result", room.evaluate(model, batches[:2]))
    trace.put("evaluate", "the mode in which it leaves the model", model.training)
    loss, norm = room.train_step(model, adam, batches[:2], 0.5)
    trace.put("train_step", "the loss", loss)
    trace.put("train_step", "the gradient's length", norm)
    for name, p in model.named_parameters():
        trace.put("train_step", f"{name} after a step", p)
    steps = list(room.train(model, adam, iter(batches[1:]), 3, lambda step: 1e-3 * (step + 1), 2, 0.5, first_step=1))
    trace.put("train", "what it reports", flat_numbers([tuple(step) for step in steps]))
    for name, p in model.named_parameters():
        trace.put("train", f"{name} after three steps", p)
    resumed = twin.AdamW(model.parameters(), weight_decay=0.1)
    resumed.load_state_dict(adam.state_dict())
    room.train_step(model, resumed, batches[:1])
    for name, p in model.named_parameters():
        trace.put("AdamW.load_state_dict", f"{name} after a step of the resumed optimizer", p)
    resumed.zero_grad()
    trace.put(
        "AdamW.zero_grad", "the gradients left", sum(float(np.abs(gradient(p)).sum()) for p in model.parameters())
    )


def branches(trace: Trace, subject: Subject, precision: str, twin: Any) -> None:
    """LoRA's new branches, its state dicts, and merging there and back."""
    room, model = room_of(twin, "lora"), subject.model(twin, precision)
    layers = room.apply_lora(model, 1, ALPHA, ("attn.c_proj", "c_fc"), rng=np.random.default_rng(subject.seed))
    trace.put("apply_lora", "the layers it adapts", np.frombuffer("\n".join(layers).encode(), np.uint8))
    trace.put("apply_lora", "what learns", np.array([p.requires_grad for p in model.parameters()]))
    for name, array in room.lora_state_dict(model).items():
        trace.put("apply_lora", name, array)
    state = {name: to_numpy(array) for name, array in room.lora_state_dict(model).items()}
    room.load_lora_state_dict(model, random_state(state, subject.seed))
    for name, array in room.lora_state_dict(model).items():
        trace.put("load_lora_state_dict", name, array)
    for name, array in room.merged_state_dict(model).items():
        trace.put("merged_state_dict", name, array)
    room.merge_lora(model)
    for name, array in model.state_dict().items():
        trace.put("merge_lora", name, array)
    room.unmerge_lora(model)
    for name, array in model.state_dict().items():
        trace.put("unmerge_lora", name, array)


def files(trace: Trace, subject: Subject, precision: str, twin: Any) -> None:
    """Weights and branches, saved and loaded again, and a run's."""
    model = subject.model(twin, precision)
    with tempfile.TemporaryDirectory() as name:
        run = {f"model.{key}": to_numpy(array) for key, array in model.state_dict().items()}
        save_tensors(Path(name, BEST), run, {"config": model.config.to_dict()})
        for key, array in room_of(twin, "weights").load_run(name).state_dict().items():
            trace.put("load_run", key, array)
        for layout in ("huggingface", "openai"):
            try:
                twin.save_gpt2(model, Path(name, layout), layout)
            except ValueError:  # a layout cannot hold every config
                trace.put("save_gpt2", f"whether {layout} can hold the model", False)
                continue
            loaded = twin.load_gpt2(Path(name, layout), getattr(twin, precision))
            for key, array in loaded.state_dict().items():
                trace.put("load_gpt2", f"{key} from {layout}", array)
        twin.apply_lora(model, 1, ALPHA, rng=np.random.default_rng(subject.seed))
        state = {key: to_numpy(array) for key, array in twin.lora_state_dict(model).items()}
        twin.load_lora(model, random_state(state, subject.seed))
        twin.save_lora(model, Path(name, "lora"))
        other = subject.model(twin, precision)
        twin.load_lora(other, Path(name, "lora"))
        for key, array in other.state_dict().items():
            trace.put("load_lora", key, array)
