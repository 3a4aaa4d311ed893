"""Storytime: fine-tune a small language model on stories you love, then write new ones with it."""

__version__ = "0.1.0"
