"""Texts from the web: polite requests, resumed downloads, Project Gutenberg and a built-in list of classics."""
