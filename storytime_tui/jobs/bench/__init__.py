"""Benchmarks of this machine: the app's start, its keys, training and telling."""
