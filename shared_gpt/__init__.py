"""shared_gpt: all that holds no tensor maths, written once for both twins: sizes, text, files, training runs, commands."""

import os

__version__ = "0.1.0"

# OpenBLAS reads this when NumPy is first imported: after a product its idle threads wait for the next one for 2**20 ticks of the
# clock (0.3 ms), not 2**26 (20 ms), and so leave their cores to the threads of shared_gpt/threads.py.
os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "20")
