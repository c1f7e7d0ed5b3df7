"""Processes: the share of the work that belongs to this process, and sums over all of them; here it is the only one."""

from typing import Any

Batch = tuple[Any, Any]


class Processes:
    """One process of `size`, numbered `rank`; the distributed.py of either twin has those that are several."""

    rank = 0
    size = 1

    @property
    def is_first(self) -> bool:
        """The first process writes files and prints; the rest only compute."""
        return self.rank == 0

    def place(self, model: Any) -> Any:
        """The model on this process's device."""
        return model

    def share(self, batch: Batch) -> Batch:
        """This process's rows of a batch (inputs, targets)."""
        inputs, targets = batch
        return inputs[self.rank :: self.size], targets[self.rank :: self.size]

    def sum(self, value: float) -> float:
        """The sum of every process's value."""
        return value

    def gather(self, value: Any) -> list[Any]:
        """Every process's value (plain data), by rank."""
        return [value]

    def replica(self, model: Any, calls: int) -> Any:
        """The model as one step of training calls it, so many times: the last backward pass, or sum_gradients after it, sums the
        gradients of all processes."""
        return model

    def sum_gradients(self, model: Any) -> None:
        """Replace each gradient by the sum of every process's, where the backward pass has not."""

    def close(self) -> None:
        """Leave the group when all is done."""

    def abort(self, error: BaseException) -> None:
        """Stop the other processes, which would wait for this one for ever."""

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        self.close() if error is None else self.abort(error)


ALONE = Processes()
