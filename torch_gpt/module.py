"""Parameter, Module, no_grad, evaluation: PyTorch's own, with the NumPy twin's state dict."""

from collections.abc import Mapping
from typing import Any

import torch

from shared_gpt.checks.module import check_state_dict
from shared_gpt.evaluation import evaluation as evaluation
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
        own = self.state_dict()
        check_state_dict(own, state)
        tensors = {key: torch.as_tensor(state[key]) for key in own}
        for key, tensor in own.items():
            tensor[...] = tensors[key]
