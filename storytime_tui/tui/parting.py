"""What the terminal says after the app has closed during a training."""

import shlex

from storytime_tui.terminal import printable_line
from storytime_tui.tui.run_view import RunView


def parting(view: RunView, resume: str) -> str:
    """One sentence on the run that quitting stopped: where it is, and how it goes on; "" if it had not begun.

    `resume`: how the key is written that resumes a run in Runs.
    """
    if view.started is None:
        return ""
    run = printable_line(view.run)
    if view.finished is not None and view.finished.stopped_by != "stopped":
        return f"The run “{run}” finished at step {view.done:,}, and its checkpoint is kept."
    place = f"The run “{run}” stopped at step {view.done:,} of {view.total:,}"
    how = f"`storytime-tui train --resume {shlex.quote(run)}`, or {resume} in Runs,"
    if view.saved_step is None:
        return f"{place}, before its first checkpoint: {how} starts it again."
    kept = "its checkpoint" if view.saved_step == view.done else f"its checkpoint of step {view.saved_step:,}"
    return f"{place}, and {kept} is kept: {how} goes on with it."
