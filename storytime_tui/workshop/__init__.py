"""Where the stages are put together; the command line and the app both call this and nothing below it."""
