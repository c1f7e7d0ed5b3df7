"""Several files that hold one model, joined by an index: model.safetensors.index.json, pytorch_model.bin.index.json."""

from collections.abc import Callable
from pathlib import Path

from shared_gpt.checkpoints.stored import CheckpointError, TensorFile, TensorReader
from shared_gpt.files import read_json
from shared_gpt.json_values import entry, short


class Shards:
    """The files that an index names, opened by `open_file`, as if they were one."""

    def __init__(self, index: Path, open_file: Callable[[Path], TensorFile]):
        weight_map = entry(read_json(index, CheckpointError), "weight_map", dict[str, str], index, CheckpointError)
        self.shards: dict[str, TensorFile] = {}
        try:
            for shard in dict.fromkeys(weight_map.values()):
                path = index.parent / Path(shard).name
                if path.name != shard or len(shard) > 250 or "\0" in shard or not path.is_file():
                    raise FileNotFoundError(f"{index} names the file {short(shard)}, which does not lie beside it.")
                self.shards[shard] = open_file(path)
            for name, shard in weight_map.items():
                if name not in self.shards[shard].tensors:
                    raise CheckpointError(
                        f"{index} looks for {short(name)} in {shard}, which lacks it; fetch both again."
                    )
        except BaseException:
            self.close()
            raise
        self.files = {name: self.shards[shard] for name, shard in weight_map.items()}
        self.tensors = {name: file.tensors[name] for name, file in self.files.items()}
        self.size = sum(file.size for file in self.shards.values())

    def reader(self, name: str) -> TensorReader:
        return self.files[name].reader(name)

    def close(self) -> None:
        for file in self.shards.values():
            file.close()
