"""What learns: the bases one may pick, their tokenizers, their files and how they are loaded."""
