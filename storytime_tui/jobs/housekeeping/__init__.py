"""What takes room on the disk and how it is cleared, and backups of everything that must not be lost."""
