"""Choosing the next word: settings, samplers, the window and the stream."""
