"""What both twins refuse, in the same words: each check names the value, the limit and the way out.

Each file is named after the twin file whose checks it holds; `tokens` and `numbers` serve several. There is no tensor maths
here: the checks read `.shape`, `.dtype`, `.min()` and `.max()`, which NumPy's arrays and PyTorch's tensors both have.
"""
