"""One pass in which every module hands on the reference's values. So each piece of code meets right values, whatever went wrong
before it, and what still differs is a mistake of its own.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import numpy_gpt
from parity_tests.report.evidence import Check
from parity_tests.report.subject import Subject
from parity_tests.report.trace import Key, Trace, gradient


def one_pass_given(reference: Trace) -> Check:
    """The check, in which a module's result is recorded, and the reference's goes on in its place."""

    def ours(subject: Subject, precision: str) -> Iterator[Trace]:
        model, criterion, trace = subject.model(numpy_gpt, precision), numpy_gpt.CrossEntropy(), Trace()
        ids, targets = next(subject.batches())
        for path, module in [*model.named_modules(), ("loss", criterion)]:
            if ("output", path) in reference:
                module.forward = _given(trace, module.forward, ("input", path), ("output", path), reference)
                module.backward = _given(trace, module.backward, ("dy", path), ("dx", path), reference)
        try:
            criterion(model(ids), targets)
            model.backward(criterion.backward())
        except (Exception, SystemExit) as error:
            trace.error = error
        for name, parameter in model.named_parameters():
            trace["gradient", name] = gradient(parameter)
        yield trace

    return Check(ours, lambda *_: None)


def _given(trace: Trace, function: Callable, handed: Key, result: Key, reference: Trace) -> Callable:
    def run(*args: Any, **kwargs: Any) -> Any:
        if args:
            trace.put(*handed, args[0])
        y = function(*args, **kwargs)
        trace.put(*result, y)
        right = reference.get(result)
        if right is None or result[1] == "loss":
            return y
        return np.array(right)  # a copy: what follows may work in place

    return run
