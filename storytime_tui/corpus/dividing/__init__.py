"""Clean text to stories with titles and chapters. `divide` lists the passes in their order."""
