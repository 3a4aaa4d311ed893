"""The log file: what a user was told in one sentence, it keeps whole."""

import logging
import logging.handlers
from pathlib import Path

from storytime_tui import paths


def start() -> None:
    """Send the package's log records, and warnings of libraries, to the log file; a full disk is no obstacle."""
    root = logging.getLogger()
    path = paths.log_file()
    for old in list(root.handlers):
        if isinstance(old, logging.handlers.RotatingFileHandler):
            if old.baseFilename == str(path.absolute()):
                return
            root.removeHandler(old)  # the home has changed
            old.close()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(
            path, maxBytes=2_000_000, backupCount=2, encoding="utf-8"
        )
    except OSError:
        root.addHandler(logging.NullHandler())
        return
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.raiseExceptions = False  # a log that cannot be written must not tear the screen


def keep(error: BaseException, doing: str) -> Path:
    """Write an exception with its traceback. Returns the log's path, to name in a message."""
    start()
    logging.getLogger("storytime_tui").error("%s", doing, exc_info=error)
    return paths.log_file()
