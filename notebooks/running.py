"""Runs a notebook in a fresh kernel: one thread, no network, no clock in the outputs."""

import copy
import os
import tempfile
from typing import Any

from notebooks.files import FOLDER
from notebooks.sliders import STILL

THREADS = ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM")
SETTINGS = {f"{library}_NUM_THREADS": "1" for library in THREADS} | {
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "CUDA_VISIBLE_DEVICES": "",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "MPLBACKEND": "agg",
    "PYTHONIOENCODING": "utf-8",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    "PYTHONHASHSEED": "0",
    STILL: "1",
}
SECONDS = 300  # for one cell: against a kernel that hangs, not a measure of speed


class CellFailed(Exception):
    """A cell raised an error: which one, and the last lines of its traceback."""


def run(notebook: Any) -> Any:
    """A copy of the notebook with the outputs of all its cells."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    done = copy.deepcopy(notebook)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as ipython:  # no history, no profile of the user's own
        environment = os.environ | SETTINGS | {"IPYTHONDIR": ipython, "PYTHONPATH": python_path()}
        client = NotebookClient(
            done,
            timeout=SECONDS,
            kernel_name="python3",
            record_timing=False,
            coalesce_streams=True,
            extra_arguments=["--log-level=ERROR"],
            resources={"metadata": {"path": str(FOLDER)}},
        )
        if (
            os.name == "posix"
        ):  # sockets in a folder of its own; of free ports two kernels that start at once may take the same
            manager = client.create_kernel_manager()
            manager.transport, manager.ip = "ipc", os.path.join(ipython, "kernel")
        try:
            client.execute(env=environment)
        except CellExecutionError as error:
            raise CellFailed(str(error)[-2500:]) from None
    done.metadata = notebook.metadata
    for cell in done.cells:
        for output in cell.get("outputs", []):
            output.pop("transient", None)
    return done


def python_path() -> str:
    """This checkout first, so that the notebooks meet the packages beside them."""
    return os.pathsep.join(filter(None, [str(FOLDER.parent), os.environ.get("PYTHONPATH")]))
