"""GGUF, llama.cpp's format: a file as a base, read once and kept in the cache; and the names for writing it."""
