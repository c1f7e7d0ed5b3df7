"""An attack on every file that is read: `python -m parity_tests.attack --tries 100000` damages good files at random and counts
what reading them leads to. Part of it runs in the suite."""
