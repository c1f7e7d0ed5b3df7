"""Without a twin: NumPy needs no wrapper. The datasets of shared_gpt.text as PyTorch knows
them, Dataset and DataLoader."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from shared_gpt.text.batches import Batches
from shared_gpt.text.batches import Dataset as ArrayDataset


class TensorDataset(Dataset):
    """TokenWindows, InstructionDataset or LabelDataset with tensors in place of arrays; the
    numbers are the same."""

    def __init__(self, dataset: ArrayDataset):
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, i: int) -> tuple[Any, ...]:
        return tuple(
            torch.from_numpy(x) if isinstance(x, np.ndarray) else x for x in self.dataset[i]
        )

    def collate(self, items: Sequence[Any]) -> tuple[torch.Tensor, torch.Tensor]:
        """The dataset's own collate; inputs and targets (B, T), int64."""
        arrays = [
            tuple(x.numpy() if isinstance(x, torch.Tensor) else x for x in item)
            for item in items
        ]
        inputs, targets = self.dataset.collate(arrays)
        return torch.from_numpy(inputs), torch.from_numpy(targets)


class BatchOrder:
    """The batch sampler: numpy_gpt's own order, so one seed gives one sequence of batches in
    both packages.

    `batches` keeps the place (state_dict, load_state_dict). It is exact while the loader has no
    workers, which run ahead of what the training has seen.
    """

    def __init__(self, batches: Batches):
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self):
        return self.batches.indices()


def data_loader(
    dataset: ArrayDataset,
    batch_size: int,
    rng: np.random.Generator | None = None,
    drop_last: bool = True,
    shuffle: bool = True,
    **options: Any,
) -> DataLoader:
    """A DataLoader whose batches are those of `dataset.batches(batch_size, rng, drop_last,
    shuffle)`, as tensors.

    `options` go to the DataLoader (pin_memory, num_workers). `loader.batch_sampler.batches`
    keeps the place.
    """
    tensors = TensorDataset(dataset)
    order = BatchOrder(Batches(dataset, batch_size, rng, drop_last, shuffle))
    return DataLoader(tensors, batch_sampler=order, collate_fn=tensors.collate, **options)
