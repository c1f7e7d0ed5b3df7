"""TensorBoard: the metrics of a run as the event files that it reads.

By TensorBoard's own record writer; its EventFileWriter would start TensorFlow wherever that is installed.
"""

import os
import socket
import time
from pathlib import Path
from typing import Any

from shared_gpt.training.run_folder import Row

TAGS = {
    "loss": "loss/batch",
    "train_loss": "loss/train",
    "val_loss": "loss/validation",
    "lr": "learning_rate",
    "grad_norm": "gradient_norm",
    "tokens": "tokens_seen",
}


class TensorBoard:
    """Called with each row of the metrics. TensorBoard no longer shows what an earlier session wrote after `step`."""

    def __init__(self, folder: Path, step: int = 0):
        try:
            from tensorboard.compat.proto.event_pb2 import Event, SessionLog
            from tensorboard.compat.proto.summary_pb2 import Summary
            from tensorboard.summary.writer.record_writer import RecordWriter
        except ImportError as error:
            raise ImportError(f"--tensorboard needs TensorBoard ({error}); install numpy-gpt[tensorboard].") from None
        self.Event, self.Summary = Event, Summary
        folder.mkdir(parents=True, exist_ok=True)
        name = f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}.{os.getpid()}"
        self.writer = RecordWriter((folder / name).open("wb"))
        self.add(file_version="brain.Event:2")
        self.add(step=step + 1, session_log=SessionLog(status=SessionLog.START))

    def __call__(self, row: Row) -> None:
        values = [
            self.Summary.Value(tag=tag, simple_value=row[key]) for key, tag in TAGS.items() if row.get(key) is not None
        ]
        self.add(step=row["step"], summary=self.Summary(value=values))

    def add(self, **fields: Any) -> None:
        self.writer.write(self.Event(wall_time=time.time(), **fields).SerializeToString())
        self.writer.flush()
