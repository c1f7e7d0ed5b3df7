"""tensorflow_gpt as a judge of the twins: it shares no line and no kernel with them, and its gradients come from GradientTape."""

from typing import Any

import numpy as np

from parity_tests.optional import tensorflow_gpt
from parity_tests.report.measure import to_numpy


def keras_judge(model: Any) -> Any:
    """A Keras model with the weights of a twin's, and its LoRA branches if it has some."""
    state = {name: to_numpy(array) for name, array in model.state_dict().items()}
    judge = tensorflow_gpt.GPTModel(model.config, dtype=state["wte.weight"].dtype.name, initialize=False)
    layers = {name.removesuffix(".lora_A"): array for name, array in state.items() if name.endswith(".lora_A")}
    if layers:
        alpha = next(module.alpha for module in model.modules() if hasattr(module, "alpha"))
        tensorflow_gpt.apply_lora(judge, len(next(iter(layers.values()))), alpha, tuple(layers))
    judge.load_state_dict(state)
    return judge


def loss_and_gradients(judge: Any, inputs: np.ndarray, targets: np.ndarray) -> tuple[float, dict[str, np.ndarray]]:
    """The loss without dropout, and its gradient with respect to every trainable parameter, by our keys in our layout."""
    trained = {name: parameter for name, parameter in judge.named_parameters() if parameter.requires_grad}
    loss, grads = tensorflow_gpt.gradients(
        judge, [parameter.variable for parameter in trained.values()], inputs, targets
    )
    return float(loss), {name: parameter.turned(g) for (name, parameter), g in zip(trained.items(), grads)}
