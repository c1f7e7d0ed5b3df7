"""Work on several threads: the same numbers to the last bit for any number of them, and errors that are not lost."""

import os
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numpy_gpt
from numpy_gpt import chunks, functional
from shared_gpt import row_chunks, threads
from shared_gpt.config import GPTConfig

CONFIG = GPTConfig(vocab_size=61, context_length=16, emb_dim=24, n_heads=3, n_layers=2, drop_rate=0.1)
HELPERS = 6


@pytest.fixture(scope="module", autouse=True)
def enough_threads():
    """More helpers than any test asks for, so that all of them run at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threads, "THREADS", HELPERS + 1)
        threads.helpers.cache_clear()
        threads.helpers()
        yield
    threads.helpers.cache_clear()


def with_threads(number: int, chunk: int, work):
    """What work() returns on so many threads, with so many numbers in a chunk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threads, "THREADS", number)
        patch.setattr(chunks, "CHUNK", chunk)
        patch.setattr(row_chunks, "ARRAY", chunk)
        return work()


def formulas(rng: np.random.Generator, rows: int, width: int, dtype: str) -> dict:
    x, dy = (rng.standard_normal((2, rows, width)).astype(dtype) for _ in range(2))
    weight, bias = rng.standard_normal((2, width)).astype(dtype)
    flat, targets = x.reshape(-1, width), rng.integers(-1, width, 2 * rows)

    def loss_and_gradient():
        criterion = numpy_gpt.CrossEntropy(ignore_index=-1)
        return criterion(flat, targets), criterion.backward()

    def optimizer_step():
        parameter = numpy_gpt.Parameter(flat.copy())
        parameter.grad = dy.reshape(-1, width).copy()
        numpy_gpt.AdamW([parameter]).step()
        return parameter.data

    return {
        "gelu": lambda: functional.gelu(x),
        "gelu_backward": lambda: functional.gelu_backward(dy, x),
        "softmax": lambda: functional.softmax(x),
        "softmax_backward": lambda: functional.softmax_backward(dy, x),
        "logsumexp": lambda: functional.logsumexp(flat),
        "layer_norm": lambda: functional.layer_norm(x, weight, bias),
        "layer_norm_backward": lambda: functional.layer_norm_backward(dy, x, weight),
        "CrossEntropy": loss_and_gradient,
        "AdamW": optimizer_step,
    }


def as_arrays(result) -> list[np.ndarray]:
    return [np.asarray(each) for each in (result if isinstance(result, tuple) else (result,))]


@given(
    rows=st.integers(1, 40),
    width=st.integers(1, 30),
    chunk=st.integers(1, 300),
    number=st.integers(2, HELPERS + 1),
    dtype=st.sampled_from(["float32", "float64"]),
    seed=st.integers(0, 99),
)
def test_any_number_of_threads_gives_the_same_bits_and_what_no_chunks_give(rows, width, chunk, number, dtype, seed):
    tolerance = 1e-13 if dtype == "float64" else 1e-4
    for name, work in formulas(np.random.default_rng(seed), rows, width, dtype).items():
        alone = as_arrays(with_threads(1, chunk, work))
        shared = as_arrays(with_threads(number, chunk, work))
        whole = as_arrays(with_threads(1, 1 << 30, work))
        for one, several, at_once in zip(alone, shared, whole, strict=True):
            np.testing.assert_array_equal(several, one, err_msg=name, strict=True)
            np.testing.assert_allclose(one, at_once, rtol=tolerance, atol=tolerance, err_msg=name)


def trained(number: int) -> list[np.ndarray]:
    """Every parameter after some steps of a training in small chunks."""

    def training():
        rng = np.random.default_rng(5)
        model, criterion = numpy_gpt.GPTModel(CONFIG, rng), numpy_gpt.CrossEntropy()
        optimizer = numpy_gpt.AdamW(model.parameters(), lr=1e-2)
        for _ in range(4):
            ids, targets = rng.integers(0, CONFIG.vocab_size, (2, 3, 16))
            optimizer.zero_grad()
            criterion(model(ids), targets)
            model.backward(criterion.backward())
            numpy_gpt.clip_grad_norm(model.parameters(), 1.0)
            optimizer.step()
        return list(model.state_dict().values())

    return with_threads(number, 128, training)


def test_a_training_on_seven_threads_ends_where_one_on_a_single_thread_does():
    for one, several in zip(trained(1), trained(7), strict=True):
        np.testing.assert_array_equal(one, several)


def test_every_task_is_done_once_by_several_threads_at_once():
    everybody = threading.Barrier(3, timeout=20)  # passes only where three threads are at work together
    done, by = [], set()

    def task(i):
        if i < 3:
            everybody.wait()
        by.add(threading.get_ident())
        done.append(i)

    with_threads(3, 1, lambda: threads.for_each(task, ((i,) for i in range(200))))
    assert sorted(done) == list(range(200))
    assert len(by) == 3


@pytest.mark.parametrize("bad", [0, 5, 99])
def test_what_a_task_raises_is_raised_and_no_other_task_begins(bad):
    begun = []

    def task(i):
        begun.append(i)
        if i == bad:
            raise ValueError(f"task {i}")
        time.sleep(0.001)

    with pytest.raises(ValueError, match=f"task {bad}"):
        with_threads(3, 1, lambda: threads.for_each(task, [(i,) for i in range(100)]))
    assert len(begun) <= bad + 3
    still = []
    with_threads(3, 1, lambda: threads.for_each(still.append, [(i,) for i in range(10)]))
    assert sorted(still) == list(range(10))


def test_tasks_may_have_tasks_of_their_own():
    done = []

    def task(i):
        threads.for_each(done.append, [(10 * i + k,) for k in range(10)])

    with_threads(7, 1, lambda: threads.for_each(task, [(i,) for i in range(40)]))
    assert sorted(done) == list(range(400))


def test_settings_of_the_thread_that_asks_hold_in_all():
    """np.errstate is one: under training's, an overflow warns nowhere."""
    seen = []
    with np.errstate(over="raise"):
        everybody = threading.Barrier(2, timeout=20)

        def task(i):
            everybody.wait()
            seen.append(np.geterr()["over"])

        with_threads(2, 1, lambda: threads.for_each(task, [(0,), (1,)]))
    assert seen == ["raise", "raise"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own():
    everybody = threading.Barrier(HELPERS + 1, timeout=20)  # the parent has all its helpers before it forks
    threads.for_each(lambda i: everybody.wait(), [(i,) for i in range(HELPERS + 1)])
    child = os.fork()
    if child == 0:
        done, together = [], threading.Barrier(2, timeout=10)  # broken where the child works alone
        try:
            threads.for_each(lambda i: (i < 2 and together.wait(), done.append(i)), [(i,) for i in range(30)])
        finally:
            os._exit(0 if len(done) == 30 else 1)
    deadline = time.monotonic() + 20
    while (ended := os.waitpid(child, os.WNOHANG))[0] == 0:
        if time.monotonic() > deadline:
            os.kill(child, 9)
            os.waitpid(child, 0)
            pytest.fail("the forked process waits for threads that it does not have")
        time.sleep(0.01)
    assert os.waitstatus_to_exitcode(ended[1]) == 0


def test_how_many_threads(monkeypatch):
    for name in threads.LIMITS:
        monkeypatch.delenv(name, raising=False)
    cores = threads.number_of_threads()
    assert 1 <= cores <= (os.cpu_count() or 1)
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert threads.number_of_threads() == 5
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "4")
    assert threads.number_of_threads() == 4
    for meaningless in ("", "0", "-1", "many"):
        monkeypatch.setenv("NUMPY_GPT_THREADS", meaningless)
        assert threads.number_of_threads() == 4
    monkeypatch.setenv("NUMPY_GPT_THREADS", "3")
    assert threads.number_of_threads() == 3
