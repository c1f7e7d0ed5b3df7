"""What both twins refuse, in the same words: each check names the value, the limit and the way out.

One file for the checks of one room, under its name. No tensor maths: they read `.shape`, `.dtype`, `.min()`, `.max()`, which
arrays of both kinds have.
"""
