"""GGUF, llama.cpp's format, as a base: read from the file, and kept in the cache as an ordinary model folder."""
