"""Written stories: a tree of passages for each, and where they are stored. Knows no torch and no textual."""
