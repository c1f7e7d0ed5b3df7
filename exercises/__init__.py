"""The classroom: stubs cut from the reference, filled by a student and judged by parity."""

MY_GPT = "my_gpt"  # the folder of a student, where none is named
