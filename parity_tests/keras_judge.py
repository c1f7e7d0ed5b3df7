"""tensorflow_gpt as a judge of the twins: it shares no line and no kernel with them, and its gradients come from GradientTape."""

from typing import Any

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
