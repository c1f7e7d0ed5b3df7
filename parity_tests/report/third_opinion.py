"""A third opinion, `--tensorflow`: the Keras model computes what the report's checks hold of the NumPy twin.

It shares no line with the twins, so where these differ it says which of them to doubt. Left out is what Keras cannot do alike:
its dropout draws other masks, and it has no cache and no left padding.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any
from unittest import mock

import tensorflow as tf
from keras import layers

import tensorflow_gpt
from parity_tests.report.checks import STEPS, usage
from parity_tests.report.checks.passes import with_branches
from parity_tests.report.checks.rooms import PRECISION, drawn_weights, handy
from parity_tests.report.checks.training import BETAS, DECAY, EPS, LR, random_gradient
from parity_tests.report.comparison import KERAS, Comparison
from parity_tests.report.subject import Subject
from parity_tests.report.trace import Trace


def compare(c: Comparison, traces: Sequence[Trace]) -> None:
    """Entries for what both the check's traces and Keras hold."""
    if c.check not in OPINIONS:
        return
    theirs = OPINIONS[c.check](c.subject, c.precision)
    ours = {key: array for trace in traces for key, array in trace.items() if key in theirs}
    if c.check == "one pass":
        for key in ours:
            place, name = key
            section = "parameters" if place == "gradient" else "modules"
            quantity = "value" if place == "output" else "gradient"
            c.add(quantity, {key: ours[key]}, theirs, name or "GPTModel", section, KERAS)
    elif ours:
        c.add("value", ours, theirs, twin=KERAS)


def one_pass(subject: Subject, precision: str) -> Trace:
    """Every layer's output, and the gradients with respect to these and to every parameter, by GradientTape."""
    model, (ids, targets) = subject.model(tensorflow_gpt, precision), next(subject.batches())
    outputs: dict[str, tf.Tensor] = {}
    with ExitStack() as watching, tf.GradientTape() as tape:
        for path, layer in every_layer(model):
            watching.enter_context(mock.patch.object(layer, "call", watched(layer.call, outputs, path)))
        loss = tensorflow_gpt.cross_entropy(precision)(targets, model(ids, training=False))
    parameters = dict(model.named_parameters())
    variables = [parameter.variable for parameter in parameters.values()]
    dy, gradients = tape.gradient(loss, [list(outputs.values()), variables])
    trace = Trace()
    for path, output, gradient in zip(outputs, outputs.values(), dy):
        trace.put("output", path, output)
        trace.put("dy", path, gradient)
    for name, gradient in zip(parameters, gradients):
        trace.put("gradient", name, parameters[name].turned(tf.convert_to_tensor(gradient)))
    trace.put("output", "loss", loss)
    return trace


def watched(call: Callable, outputs: dict[str, tf.Tensor], path: str) -> Callable:
    def watching(*args: Any, **kwargs: Any) -> tf.Tensor:
        outputs[path] = call(*args, **kwargs)
        return outputs[path]

    return watching


def every_layer(model: Any, path: str = "") -> list[tuple[str, layers.Layer]]:
    """The model and all layers within it, by the twins' paths: attributes have the twins' names."""
    found = [(path, model)]
    for name, value in list(vars(model).items()):
        for end, layer in [(f"{name}.{i}", part) for i, part in enumerate(value)] if name == "h" else [(name, value)]:
            if isinstance(layer, layers.Layer) and end != "wpe":  # asked once for all rows, in the twins for each
                found += every_layer(layer, f"{path}.{end}".lstrip("."))
    return found


def optimizer(subject: Subject, precision: str) -> Trace:
    """Keras' AdamW on the gradients of the check; the one parameter that gets none is not in its care."""
    model, trace = subject.model(tensorflow_gpt, precision), Trace()
    cared = [(i, p) for i, (name, p) in enumerate(model.named_parameters()) if name != "ln_f.bias"]
    adam = tensorflow_gpt.AdamW([p for _, p in cared], LR, BETAS, EPS, DECAY)
    update = tf.function(lambda gradients: adam.apply(gradients, [p.variable for _, p in cared]))
    for step in range(STEPS):
        update([tf.constant(p.turned(random_gradient(subject, precision, step, i, p.shape))) for i, p in cared])
    for name, array in model.state_dict().items():
        trace.put("value", name, array)
    return trace


def merged(subject: Subject, precision: str) -> Trace:
    """The logits of the model with its branches merged; before that the branches drop values at random."""
    model, trace = with_branches(subject, tensorflow_gpt, precision), Trace()
    tensorflow_gpt.merge_lora(model)
    trace.put("value", "merged", model(next(subject.batches())[0]))
    return trace


def by_calls(compute: Callable[[Trace, Subject, str, Any], None]) -> Callable[[Subject, str], Trace]:
    """The results of the calls that a check makes in each twin."""

    def results(subject: Subject, precision: str) -> Trace:
        trace = Trace()
        compute(trace, handy(subject), PRECISION, tensorflow_gpt)
        return trace

    return results


def generation(trace: Trace, subject: Subject, precision: str, twin: Any) -> None:
    model = subject.model(twin, precision)
    _, rows, new = usage.prompts(subject)
    trace.put("generate", "its text without the cache", usage.flat_numbers(twin.generate(model, rows, new)))
    usage.by_chance(trace, subject, model, twin.generate)


OPINIONS: dict[str, Callable[[Subject, str], Trace]] = {
    "one pass": one_pass,
    "LoRA": merged,
    f"AdamW, {STEPS} steps": optimizer,
    "initial weights": by_calls(drawn_weights),
    "generation": by_calls(generation),
    "perplexity": by_calls(usage.perplexity),
    "LoRA's branches": by_calls(usage.branches),
}
