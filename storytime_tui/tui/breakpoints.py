"""The sizes of the terminal from which screens use their room in other ways, as classes for their styles.

Only a screen whose styles ask for them has them: Textual works out all styles once more for a screen that has any,
which is a seventh of the time in which a dialog opens.
"""

WIDTHS = [(0, "-narrow"), (110, "-wide")]  # cells
HEIGHTS = [(0, "-low"), (24, "-short"), (34, "-tall")]  # lines
