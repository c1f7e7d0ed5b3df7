"""CRC-32C, the checksum of TensorFlow's checkpoints and of the files written here."""


def crc32c(data: bytes | bytearray | memoryview, value: int = 0) -> int:
    """The checksum of the data; value: that of what comes before them."""
    import crc32c  # here: it reads its own metadata when imported, which takes as long as importing all of numpy_gpt

    return crc32c.crc32c(data, value)
