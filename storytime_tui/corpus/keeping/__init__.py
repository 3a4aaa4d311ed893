"""The shelf on the disk: adding, changing and reading collections, their cards, their prepared stories."""
