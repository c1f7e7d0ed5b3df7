"""Parameter, Module, no_grad, evaluation: PyTorch's own, with the state dict of the NumPy
twin."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from shared_gpt.checks.module import check_state_dict
from shared_gpt.module_tree import module_tree
from torch_gpt.shapes import Array

no_grad = torch.no_grad
Parameter = torch.nn.Parameter
ModuleList = torch.nn.ModuleList


class Module(torch.nn.Module):
    """A layer: `y = layer(x)`; autograd records what backward needs."""

    def num_parameters(self) -> int:
        """How many numbers the parameters hold, frozen ones included; shared ones count
        once."""
        return sum(parameter.numel() for parameter in self.parameters())

    def __repr__(self) -> str:
        """The tree of modules, with the shapes and the number of their parameters."""
        return module_tree(self)

    def state_dict(self) -> dict[str, Array]:
        """The parameters' tensors by key: the model's own, not copies."""
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Copy tensors (or arrays) into the parameters. Every key that does not fit is named in
        one error, and then nothing is changed."""
        own = dict(self.named_parameters())
        check_state_dict(
            {key: tuple(parameter.shape) for key, parameter in own.items()},
            {key: tuple(tensor.shape) for key, tensor in state.items()},
        )
        for key, parameter in own.items():
            parameter.data[...] = torch.as_tensor(state[key])


@contextmanager
def evaluation(model: Module) -> Iterator[None]:
    """The model without dropout inside the block, and afterwards in the mode that it had."""
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)
