"""Generating text: sampler settings, sampling, the context, and the stream."""
