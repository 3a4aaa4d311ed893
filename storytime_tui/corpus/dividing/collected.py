"""Planning the stories of a text in which tales stand one after the other, each under its title."""

from __future__ import annotations

from collections.abc import Sequence

from storytime_tui.corpus.dividing.blocks import Block, blocks_of
from storytime_tui.corpus.dividing.contents_list import Contents, is_repeated
from storytime_tui.corpus.dividing.published import Plan
from storytime_tui.corpus.dividing.run_together import Told, tales_together
from storytime_tui.corpus.dividing.unpublished import BookPlan, read_unpublished
from storytime_tui.corpus.dividing.whole_titles import one_title
from storytime_tui.stopping import stoppable


def collected_plan(
    text: str, blocks: Sequence[Block], contents: Contents, book_title: str
) -> BookPlan | None:
    """The plan for tales that rows of signs, THE END or the names of their authors part; None if it has no such tales.

    None also if the text has marked headings or a contents list, which tell more.
    """
    if any(block.level for block in blocks) or (contents.end and is_repeated(text, blocks, contents)):
        return None
    together = tales_together(text, book_title)
    if together is None:
        return None
    plans = [_plan(text, told) for told in stoppable(together.tales)]
    if together.before is not None:
        start, end = together.before
        plans.insert(0, Plan(together.title, start, end, (("", start, end),)))
    return BookPlan(together.title, together.author, tuple(plans))


def _plan(text: str, told: Told) -> Plan:
    """The plan for one of the tales, with its chapters."""
    own = text[told.body : told.end]
    read = read_unpublished(own, blocks_of(own), told.title)
    parts: list[tuple[str, int, int]] = []
    for n, plan in enumerate(read.plans):
        for m, (name, start, end) in enumerate(plan.parts):
            shown = name or (plan.title if n and not m else "")
            parts.append((shown, start + told.body, end + told.body))
    below = read.plans[0].title  # a second title, such as a subtitle
    title = told.title if below == told.title else one_title([told.title, below])
    return Plan(title, told.start, told.end, tuple(parts), any(name for name, _, _ in parts))
