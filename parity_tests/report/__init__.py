"""The report: how far the twins agree, where they first part, and what kind of mistake does that."""
