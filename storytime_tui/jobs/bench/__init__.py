"""This machine's own figures: the app, its keys, training and telling."""
