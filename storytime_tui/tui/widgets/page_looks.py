"""The looks of the words on the page: who wrote them, what is chosen, and what is marked, in colours and without."""

from storytime_tui.tui.widgets.passage_view import CLASSES as SURPRISE
from storytime_tui.tui.widgets.passage_view import surprise_css

LOOKS = {
    "page--title",
    "page--hint",
    "page--told",
    "page--edited",
    "page--rule",
    "page--cursor",
    "page--chosen",
    "page--point",
    "page--copied",
    "page--found",
    "page--base",
    "page--run",
    *SURPRISE,
}
CSS = f"""
Page {{ padding: 1 2 0 2; }}
Page > .page--title {{ text-style: bold; }}
Page > .page--hint {{ color: $quiet; }}
Page > .page--told {{ color: $told; }}
Page > .page--edited {{ color: $told; text-style: italic; }}
Page > .page--rule {{ color: $line; }}
Page > .page--cursor {{ color: $primary; }}
Page > .page--chosen {{ background: $panel; }}
Page > .page--point {{ background: $primary; color: $background; text-style: bold; }}
Page > .page--copied {{ text-style: underline; color: $primary; }}
Page > .page--found {{ background: $found; }}
Page > .page--base {{ text-style: underline; }}
Page > .page--run {{ color: $background; background: $told 85%; }}
Page:nocolor > .page--told {{ text-style: italic; }}
Page:nocolor > .page--chosen {{ text-style: underline; }}
Page:nocolor > .page--point {{ text-style: bold reverse underline; }}
Page:nocolor > .page--found {{ text-style: reverse; }}
Page:nocolor > .page--run {{ text-style: reverse; }}
Page:ansi > .page--told {{ text-style: italic; }}
Page:ansi > .page--edited {{ text-style: italic bold; }}
Page:ansi > .page--chosen {{ text-style: underline; }}
Page:ansi > .page--point {{ background: ansi_default; color: ansi_default; text-style: bold reverse underline; }}
Page:ansi > .page--found {{ text-style: reverse; }}
Page:ansi > .page--run {{ text-style: reverse; }}
{surprise_css("Page")}
"""
