"""shared_gpt: all that holds no tensor maths, written once for both twins: sizes, text, files, training runs, commands."""

__version__ = "0.1.0"
