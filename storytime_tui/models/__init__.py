"""Models: the bases to start from, their tokenizers, their files, and how they are loaded."""
