"""Collections on disk: adding, changing, removing and reading them."""
