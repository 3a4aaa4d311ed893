"""The user's note on a run: a short text, `note.txt` in the run's folder. Knows no torch."""

from pathlib import Path

from storytime_tui import files, small_files
from storytime_tui.errors import RunError
from storytime_tui.terminal import is_text

NOTE = "note.txt"
LONGEST = 2_000  # characters
_LIMIT = 4 * LONGEST + 1_000  # bytes


def read_note(folder: Path) -> str:
    """The note of the run in `folder`, on one line; "" if there is none or it cannot be read."""
    try:
        text = small_files.read_text(folder / NOTE, _LIMIT)
    except (FileNotFoundError, small_files.UnreadableFile):
        return ""
    return " ".join(text.split())[:LONGEST]


def write_note(folder: Path, text: str) -> str:
    """Replace a run's note, atomically; an empty text removes it. Returns it as it reads. Raises RunError."""
    note = " ".join(text.split())
    if len(note) > LONGEST:
        raise RunError(f"The note has {len(note):,} characters, but may have at most {LONGEST:,}.")
    if not is_text(note):
        raise RunError("The note is not valid text: it has half a character in it.")
    try:
        if note:
            files.write_atomically(folder / NOTE, f"{note}\n".encode())
        else:
            (folder / NOTE).unlink(missing_ok=True)
    except OSError as error:
        raise RunError(files.explain(error, f"writing the note of the run {folder.name}")) from error
    return note
