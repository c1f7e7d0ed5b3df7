"""The course. A notebook is written as text, `NN_name.py`; `python -m notebooks build` makes and runs the `.ipynb` beside it."""
