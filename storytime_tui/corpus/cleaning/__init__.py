"""Raw text to clean text, without publisher's text, page numbers and hard wraps.
Imports nothing else of `corpus`.
"""
