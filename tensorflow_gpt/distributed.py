"""One process on the CPU: the twins' programs share work among several, this one does not."""

import tensorflow as tf

from shared_gpt.training.processes import ALONE


def join(device="cpu", bf16=False, threads=None):
    """This process alone. Raises ValueError for another device than the CPU, and for threads once TensorFlow computes."""
    if device != "cpu" or bf16:
        other = "bf16" if bf16 else f"device {device!r}"
        raise ValueError(f"tensorflow-gpt computes on the CPU in float32 or float64; torch-gpt takes {other}.")
    if threads:
        try:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
        except RuntimeError:
            raise ValueError(f"TensorFlow computes already; start Python anew for {threads} threads.") from None
    return ALONE
