"""Texts from elsewhere: asking politely, going on after a break, and a list of classics to choose from."""
