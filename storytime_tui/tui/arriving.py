"""Waiting for what the user typed to arrive: a field may show a letter before its screen has heard of it."""

import asyncio
import contextlib

from textual.widget import Widget

_PATIENCE = 0.5  # seconds for each part; one that waits for its turn behind us would never answer


async def typed_words_arrive(field: Widget | None) -> None:
    """Wait until the messages of the focused `field` have passed through all that it stands in."""
    for part in field.ancestors_with_self if field is not None else ():
        if isinstance(part, Widget):
            arrived = asyncio.Event()
            if part.call_later(arrived.set):
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(arrived.wait(), _PATIENCE)
