"""Text to learn from: reading, cleaning, splitting, keeping and tokenising stories. Knows no torch and no textual."""
