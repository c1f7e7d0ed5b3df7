"""PyTorch's own files (pytorch_model.bin, .pt, .pth): a pickle that names tensors, and their bytes.

A pickle can run any code. It is only ever opened with `weights_only=True`, which allows tensors and nothing else.
"""

import re
import warnings
from mmap import ACCESS_READ, mmap
from pathlib import Path
from pickle import UnpicklingError
from zipfile import ZIP_STORED, ZipFile, is_zipfile

from shared_gpt.checkpoints.stored import CheckpointError, StoredTensor

STATE = "model_state_dict"  # what PyTorch's tutorials, and the book, call the weights in a file that also holds the optimizer's


class PytorchBin:
    """An open file. Those of PyTorch 1.6 and later are mapped, and a tensor is read when it is asked for; older ones are
    read whole and take the model's size in memory until `close`."""

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.size = self.path.stat().st_size
        self.values = load_values(self.path)
        self.tensors = {name: stored_tensor(self.path, name, value) for name, value in self.values.items()}

    def reader(self, name: str) -> "MemoryReader":
        import torch

        return MemoryReader(memoryview(self.values[name].contiguous().reshape(-1).view(torch.uint8).numpy()))

    def close(self) -> None:
        self.values = {}


class MemoryReader:
    """Reads the bytes of a tensor that is in memory already."""

    def __init__(self, data: memoryview):
        self.data, self.position = data, 0

    def readinto(self, buffer: memoryview) -> None:
        buffer[:] = self.data[self.position : self.position + len(buffer)]
        self.position += len(buffer)


def load_values(path: Path) -> dict:
    """The file's state dict: name -> torch tensor."""
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            f"{path} is a pickle of PyTorch's, which only torch can read (pip install 'numpy-gpt[torch]'), or fetch the "
            "model as .safetensors, which needs no library."
        ) from error
    options = {"map_location": "cpu", "weights_only": True}
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if is_zipfile(path):
                check_zip(path)
                values = torch.load(path, mmap=True, **options)
            else:  # from a mapping, an announced length beyond the end of the file allocates nothing
                with mmap(file.fileno(), 0, access=ACCESS_READ) as mapped:
                    values = torch.load(mapped, **options)
    except (CheckpointError, FileNotFoundError, PermissionError):
        raise
    except Exception as error:  # a damaged pickle can fail in any way
        reason = re.search(r"GLOBAL ([\w.]+)|Unsupported operand \d+", str(error))
        if reason or isinstance(error, UnpicklingError):
            raise CheckpointError(
                f"{path} is a pickle that is damaged or could run code ({reason[1] or reason[0] if reason else 'no tensors'}): "
                "refused; fetch the model as .safetensors."
            ) from error
        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise CheckpointError(f"{path} cannot be read as PyTorch weights ({first!r}); fetch it again.") from error
    if isinstance(values, dict) and isinstance(values.get(STATE), dict):
        values = values[STATE]
    if not isinstance(values, dict) or not all(isinstance(name, str) for name in values):
        kind = type(values).__name__
        raise CheckpointError(f"{path} holds a {kind} instead of names and tensors; save model.state_dict().")
    return values


def check_zip(path: Path) -> None:
    """Refuse a zip with compressed members, which PyTorch never writes and which could unpack to any size, or with a wrong
    checksum, which PyTorch does not check in a file that it maps."""
    with ZipFile(path) as archive:
        for member in archive.infolist():
            if member.compress_type != ZIP_STORED or member.file_size != member.compress_size:
                raise CheckpointError(
                    f"{path}: {member.filename!a} is compressed, which PyTorch never does; fetch it again."
                )
        if damaged := archive.testzip():
            raise CheckpointError(f"{path}: the checksum of {damaged!a} is wrong: the file is damaged; fetch it again.")


def stored_tensor(path: Path, name: str, value: object) -> StoredTensor:
    """One value of a state dict, refused where it is not a plain tensor that owns the numbers it shows."""
    import torch

    if not isinstance(value, torch.Tensor) or value.layout != torch.strided or value.device.type != "cpu":
        kind = type(value).__name__
        raise CheckpointError(f"{path}: {name!a} is no plain tensor but a {kind}; save model.state_dict().")
    if value.nbytes > (held := value.untyped_storage().nbytes()):
        raise CheckpointError(
            f"{path}: tensor {name!a} shows {value.nbytes} bytes where the file holds {held}; fetch it again."
        )
    return StoredTensor(path, name, str(value.dtype).removeprefix("torch."), tuple(value.shape), 0, value.nbytes)
