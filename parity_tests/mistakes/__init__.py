"""Mistakes that people make in the hand-written maths. Planted one at a time in a copy of the packages, each must turn the
suite red."""
