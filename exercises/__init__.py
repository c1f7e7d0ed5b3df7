"""The classroom: stubs cut from the reference, filled by a student and judged by parity."""
