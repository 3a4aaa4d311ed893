"""Text to learn from: reading, cleaning, dividing, storing and tokenising stories. Knows no torch and no textual."""
