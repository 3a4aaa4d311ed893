"""A run as one page to keep or to send: Markdown or HTML, with its curves in it. Loads no torch."""
