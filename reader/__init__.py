"""The NumPy and the PyTorch twin side by side as pages, with everything that belongs to a line: `python -m reader build`."""
