"""TensorFlow's checkpoint format, in which OpenAI released GPT-2, read and written without TensorFlow.

`bundle` holds the tensors, `sstable` the table that lists them, `wire` the encoding of the table's entries.
"""

from shared_gpt.checkpoints.tensor_bundle.bundle import TensorBundle, bundle_prefix, write_tensor_bundle

__all__ = ["TensorBundle", "bundle_prefix", "write_tensor_bundle"]
