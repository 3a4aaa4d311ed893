"""What was written: the tree of passages and where it is kept. Knows no torch and no textual."""
