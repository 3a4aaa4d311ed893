"""Where the stages are put together. The command line and the app call this, and nothing below it."""
