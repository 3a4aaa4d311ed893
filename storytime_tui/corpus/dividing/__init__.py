"""Dividing clean text into stories with titles and chapters. `divide` calls the passes in order."""
