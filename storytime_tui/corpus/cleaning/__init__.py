"""Text as found to text worth learning: publishers' words, page numbers and hard wraps go.

Imports nothing else of `corpus`.
"""
