"""Byte-pair encoding: learning it, applying it, and showing how it came to its tokens."""
