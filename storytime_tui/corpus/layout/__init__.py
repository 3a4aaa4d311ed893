"""How a printed book is laid out, read from its lines: apparatus, headings, contents list, wrapped prose."""
