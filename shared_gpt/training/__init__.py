"""What surrounds the loop of train.py, written once for both twins: settings, data, run folder, checkpoints, display."""
