"""What every test runs under: shapes enforced, one thread each, no network, no noise.

This file is read before any test module, so before numpy, torch and tensorflow start their threads.
"""

import importlib.util
import os
import re
import signal
from pathlib import Path

# Two workers share two cores: several threads in each would only wait for one another.
for variable in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM"):
    os.environ[f"{variable}_NUM_THREADS"] = "1"
os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["TF_NUM_INTEROP_THREADS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # its float32 sums change order from run to run
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
os.environ.setdefault("MPLBACKEND", "agg")

for name in (
    "SIGINT",
    "SIGHUP",
):  # nohup, or a shell in the background, had them ignored by all that is started from here
    number = getattr(signal, name, None)
    if number is not None and signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, lambda *_: None)  # still ignored here, but the programs that tests start get the default

import jaxtyping  # noqa: E402
import pytest  # noqa: E402
from beartype import BeartypeConf, beartype  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402


def modules_with_shapes() -> list[str]:
    """The modules that state shapes; the others (tokenizers, files) would pay for checks in vain."""
    root = Path(__file__).resolve().parent.parent
    paths = [
        path for package in ("numpy_gpt", "torch_gpt", "shared_gpt") for path in sorted((root / package).rglob("*.py"))
    ]
    stating = [path for path in paths if re.search(r"(array_types|\.shapes) import", path.read_text(encoding="utf-8"))]
    return [".".join(path.relative_to(root).with_suffix("").parts) for path in stating]


if importlib.util.find_spec("tensorflow") is None:  # all that these files test needs it; others: optional.py
    collect_ignore_glob = ["test_keras_*.py", "test_third_column.py"]

typechecked = beartype(conf=BeartypeConf(is_pep484_tower=True))  # a float parameter also takes 0
jaxtyping.install_import_hook(modules_with_shapes(), f"{__name__}.typechecked")

settings.register_profile(
    "suite",
    deadline=None,  # the first example of a worker pays for imports
    max_examples=20,
    derandomize="CI" in os.environ,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors],
)
settings.register_profile("thorough", settings.get_profile("suite"), max_examples=300)  # --hypothesis-profile=thorough
settings.load_profile("suite")


@pytest.fixture
def no_shape_checks():
    """As in ordinary runs, so that a test sees the message that a user gets for a wrong argument."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture
def eager_tensorflow():
    """Functions run as they are written: making graphs takes longer than a few steps."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)
