"""Combines the stages into jobs for the command line and the app, which call nothing below."""
