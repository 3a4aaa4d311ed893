"""From logits to the next token: settings, penalties, truncation, and the draw."""
