"""The formats a story may come in: files, archives and pages to documents."""
