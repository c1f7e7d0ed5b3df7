"""One model in several hands: threads that train or generate side by side, and blocks that overlap in one thread."""

import asyncio
import copy
import gc
import itertools
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import numpy_gpt
import torch_gpt
from numpy_gpt import GPTConfig
from parity_tests.report.measure import FLOAT64, assert_all_close, assert_close, gradients, to_numpy, twins
from parity_tests.strategies import seeds

CONFIG = GPTConfig(vocab_size=17, context_length=7, emb_dim=12, n_heads=3, n_layers=2, drop_rate=0.3)
WITHOUT_DROPOUT = CONFIG.replace(drop_rate=0.0)
THREADS = 4
PAIR = [numpy_gpt, torch_gpt]
both = pytest.mark.parametrize("twin", PAIR, ids=["numpy_gpt", "torch_gpt"])


def side_by_side(*actions):
    """The results of functions that run at the same time, each in a thread of its own."""
    start = threading.Barrier(len(actions))

    def run(action):
        start.wait()
        return action()

    with ThreadPoolExecutor(len(actions)) as pool:
        return [future.result() for future in [pool.submit(run, action) for action in actions]]


def a_batch(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    ids = rng.integers(17, size=(int(rng.integers(1, 4)), int(rng.integers(1, 8))))
    return ids, rng.standard_normal((*ids.shape, 17))


def model_of(twin, config: GPTConfig = CONFIG, seed: int = 0):
    return twins(config, seed)[twin is torch_gpt]


def modes(model) -> list[bool]:
    return [module.training for module in model.modules()]


# Gradients


@settings(max_examples=10)
@given(seeds)
def test_backward_passes_of_several_threads(seed):
    """Each thread's backward answers its own forward passes, and the parameters collect the gradients of all."""
    ours, theirs = twins(WITHOUT_DROPOUT, seed)
    batches = [[a_batch(seed % 2**30 + 10 * thread + i) for i in range(5)] for thread in range(THREADS)]

    def passes(mine):
        for (first, dfirst), (second, dsecond) in itertools.pairwise(mine):
            ours(first), ours(second)
            ours.backward(dsecond), ours.backward(dfirst)

    side_by_side(*[lambda mine=mine: passes(mine) for mine in batches])
    for mine in batches:
        for pair in itertools.pairwise(mine):
            for ids, dlogits in pair:
                theirs(torch.tensor(ids)).backward(torch.tensor(dlogits))
    assert_all_close(gradients(ours), gradients(theirs), FLOAT64)


def test_gradients_of_threads_add_up():
    """The moment between reading a gradient and writing the sum belongs to one thread."""
    parameter = numpy_gpt.Parameter(np.zeros((300, 300)))
    rows = np.arange(300)

    def add():
        for i in range(40):
            parameter.accumulate(np.ones((300, 300)), rows=rows if i % 2 else None)

    side_by_side(*[add] * THREADS)
    assert np.all(parameter.grad == 40 * THREADS)


def test_backward_in_another_thread_says_so():
    model = model_of(numpy_gpt)
    ids, dlogits = a_batch(1)
    model(ids)
    with pytest.raises(RuntimeError, match="no forward pass to answer: call forward first, in the same thread"):
        side_by_side(lambda: model.backward(dlogits))
    model.backward(dlogits)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_hold_what_was_saved(copied):
    """A copy taken between forward and backward goes on by itself, and so does the original."""
    model = model_of(numpy_gpt)
    ids, dlogits = a_batch(2)
    model(ids)
    twin_of_it = copied(model)
    for each in (model, twin_of_it):
        each.backward(dlogits)
        assert not any(module._saved.stack for module in each.modules())
    assert_all_close(gradients(twin_of_it), gradients(model), 0.0)
    assert not any(np.shares_memory(a.data, b.data) for a, b in zip(model.parameters(), twin_of_it.parameters()))


@both
def test_a_model_can_be_copied_and_pickled(twin):
    model = model_of(twin)
    ids = (np.asarray if twin is numpy_gpt else torch.tensor)(a_batch(3)[0])
    copies = [copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
    with twin.no_grad():
        for each in copies:
            assert_close(to_numpy(each.eval()(ids)), to_numpy(model.eval()(ids)), 0.0)


# no_grad


@both
def test_no_grad_holds_for_its_own_thread(twin):
    model = model_of(twin)
    ids, dlogits = list(map(np.asarray if twin is numpy_gpt else torch.tensor, a_batch(4)))

    def keeps_something() -> bool:
        logits = model(ids)
        if twin is torch_gpt:
            return logits.requires_grad
        kept = any(module._saved.stack for module in model.modules())
        if kept:
            model.backward(dlogits)
        return kept

    with twin.no_grad():
        assert side_by_side(keeps_something) == [True]
        assert asyncio.run(asyncio.to_thread(keeps_something))  # with the context of this one
        assert not keeps_something()
    assert keeps_something()


@both
def test_one_no_grad_object_for_many_blocks(twin):
    """Nested in itself, shared by threads, entered and left out of order: gradients come back when the last block ends."""
    inside = threading.Event()
    done = threading.Event()
    shared = twin.no_grad()

    def other():
        with shared:
            inside.set()
            assert done.wait(10)

    def generator():
        with twin.no_grad():
            yield

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(other)
        assert inside.wait(10)
        with shared:
            pass
        assert enabled(twin)
        done.set()
        future.result()
    one, two = generator(), generator()
    next(one), next(two)
    one.close(), two.close()
    if twin is numpy_gpt:  # PyTorch restores what each block found, so blocks out of order leave it off
        assert enabled(twin)
    torch.set_grad_enabled(True)


def enabled(twin) -> bool:
    linear = twin.Linear(2, 2)
    y = linear((np if twin is numpy_gpt else torch).zeros((1, 2), dtype=twin.float32))
    return bool(linear._saved.stack) if twin is numpy_gpt else y.requires_grad


# The mode


@both
@pytest.mark.parametrize("training", [True, False])
@given(data=st.data())
def test_overlapping_evaluations_leave_the_mode_as_it_was(twin, training, data):
    """Streams, token losses and plain blocks that begin and end in any order: no dropout while one is open."""
    model = model_of(twin).train(training)
    model.h[0].attn.eval()  # a part that was set apart stays apart
    before = modes(model)
    kinds = {
        "stream": lambda: twin.stream(model, [[1, 2]], 50),
        "token_losses": lambda: twin.token_losses(model, list(range(17)) * 10),
        "block": lambda: a_block(twin, model),
    }
    under_way = []
    for kind in data.draw(st.lists(st.sampled_from([*kinds, "end"]), min_size=2, max_size=8)):
        if kind == "end" and under_way:
            under_way.pop(data.draw(st.integers(0, len(under_way) - 1))).close()
        elif kind != "end":
            under_way.append(kinds[kind]())
        for generator in under_way:
            next(generator)
        assert modes(model) == (before if not under_way else [False] * len(before))
        if len(under_way) == 4:
            break
    for place in data.draw(st.permutations(range(len(under_way)))):
        under_way[place].close()
    assert modes(model) == before


def a_block(twin, model):
    with twin.evaluation(model):
        while True:
            yield


@both
def test_training_between_two_steps_of_a_stream(twin):
    """model.train() within an open block counts for the blocks that begin after it."""
    model = model_of(twin).eval()
    steps = twin.stream(model, [[1, 2]], 3)
    next(steps)
    model.train()
    with twin.evaluation(model):
        assert not any(modes(model))
    assert all(modes(model))
    assert len(list(steps)) == 2
    assert not any(modes(model))


@both
def test_a_forgotten_stream_gives_the_mode_back(twin):
    model = model_of(twin).train()
    steps = [twin.stream(model, [[1, 2]], 5)]
    next(steps[0])
    steps.append(steps)  # a circle, which only the garbage collector finds
    assert not any(modes(model))
    del steps
    gc.collect()
    assert all(modes(model))


@both
def test_threads_that_generate_and_evaluate(twin):
    """Whatever ends first, the others go on without dropout, and at the end the model trains again."""
    model = model_of(twin).train()
    expected = twin.generate(model, [[1, 2]], 20)
    batch = tuple(np.random.default_rng(0).integers(17, size=(2, 3, 7)))
    if twin is torch_gpt:
        batch = tuple(map(torch.tensor, batch))
    loss = twin.evaluate(model, [batch])

    def generates():
        return [twin.generate(model, [[1, 2]], n) == [expected[0][: n + 2]] for n in range(1, 20)]

    def evaluates():
        return [twin.evaluate(model, [batch]) == loss for _ in range(30)]

    assert all(all(right) for right in side_by_side(generates, evaluates, generates, evaluates))
    assert all(modes(model))


# Attention maps


@both
def test_attention_maps_of_several_threads(twin):
    model = model_of(twin)
    prompts = [[[i, i + 1, i + 2]] for i in range(THREADS)]
    alone = [to_numpy(twin.attention_maps(model, ids)) for ids in prompts]

    def maps(ids):
        return [to_numpy(twin.attention_maps(model, ids)) for _ in range(10)]

    def generates():
        return [step.attention for step in twin.stream(model, [[1, 2]], 10)]

    *found, without = side_by_side(*[lambda ids=ids: maps(ids) for ids in prompts], generates)
    for expected, several in zip(alone, found):
        for each in several:
            assert_close(each, expected, FLOAT64)
    assert without == [None] * 10
