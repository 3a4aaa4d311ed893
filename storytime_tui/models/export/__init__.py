"""Exporting models to files that other programs open: safetensors, merged LoRA, GGUF, the Hub."""
