"""Makes the README's pictures: the real app, a real run of the starter on Hedgerow Tales, and a story that it tells.

    python -m tests.benchmarks.pictures .github/pictures [--home DIR]

About three minutes on two cores. In a home that has a finished run already, only the pictures are made again.
"""

import argparse
import asyncio
import os
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SIZE = (120, 34)
SEED = 11
PROMPT = "Once upon a time a small grey mouse kept a button shop under the stair."
_PATIENCE = 1800.0  # seconds for one step; a busy machine trains slowly


async def _until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + _PATIENCE
    while not holds():
        assert time.monotonic() < end, "what was waited for never came"
        await asyncio.sleep(0.05)


def _text(app: Any) -> str:
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


def _shows(app: Any, pattern: str) -> Callable[[], object]:
    return lambda: re.search(pattern, _text(app))


def _words(app: Any) -> int:
    """How many words the story has, as its status line says."""
    found = re.search(r"([\d,]+) words? ·", _text(app))
    return int(found[1].replace(",", "")) if found else 0


def _save(app: Any, folder: Path, name: str) -> None:
    svg = app.export_screenshot(title="storytime-tui")
    # no font from elsewhere: the reader's own is used
    svg = re.sub(r"\s*@font-face\s*\{[^}]*\}|<!--.*?-->", "", svg).replace("Fira Code", "monospace")
    svg = "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"
    (folder / f"{name}.svg").write_text(svg, encoding="utf-8")
    print(f"{name}.svg", flush=True)


async def _train(pilot: Any, folder: Path) -> None:
    app = pilot.app
    await pilot.press("2")
    await _until(_shows(app, r"Start"))
    await pilot.press("s")
    await _until(lambda: (view := app.desk.training.view) is not None and view.step and len(view.samples) > 6)
    await pilot.pause(0.5)
    _save(app, folder, "train")
    await _until(lambda: app.desk.training.control is None)


async def _take(folder: Path, trained: bool) -> None:
    from storytime_tui.tui.app import StorytimeApp
    from storytime_tui.tui.real_services import real_services

    app = StorytimeApp(real_services())
    app.theme = "storytime"
    app.animation_level = "none"
    async with app.run_test(size=SIZE) as pilot:
        await _until(_shows(app, r"Hedgerow Tales"))
        await pilot.press("f9", "down", "right")  # without the tour
        await pilot.pause(0.3)
        await pilot.press("down", "down", "enter")
        await pilot.pause(0.5)
        _save(app, folder, "library")
        await pilot.press("escape")
        if not trained:
            await _train(pilot, folder)
        await pilot.press("4")
        await _until(_shows(app, r"hedgerow-tales-1"))
        await pilot.pause(1)
        _save(app, folder, "runs")
        await pilot.press("w")
        await _until(_shows(app, r"\b0 words(?!.*(opening|loading))"))
        await pilot.press(*"Once")
        from textual import events

        app.post_message(events.Paste(PROMPT.removeprefix("Once")))
        for _ in range(3):  # the first line, and twice on from there
            before = _words(app)
            await pilot.press("enter")
            await _until(lambda before=before: _words(app) > before + 15 and _shows(app, r"tokens? told")())
        await pilot.press("escape")
        await pilot.pause(0.5)
        _save(app, folder, "story")
        await pilot.press("i")
        await _until(_shows(app, r"At “"))
        await pilot.press("left", "left", "left")
        await pilot.pause(0.5)
        _save(app, folder, "words")


def main() -> None:
    """Make the pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--home", type=Path)
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    if args.home is not None:
        args.home.mkdir(parents=True, exist_ok=True)
        _make(args.folder, args.home)
        return
    with tempfile.TemporaryDirectory(prefix="storytime-pictures-") as home:
        _make(args.folder, Path(home))


def _make(folder: Path, home: Path) -> None:
    os.environ["STORYTIME_HOME"] = str(home)
    os.environ["COLORTERM"] = "truecolor"
    if not (home / "settings.toml").exists():
        (home / "settings.toml").write_text("max_tokens = 60\n")
    asyncio.run(_take(folder, trained=(home / "runs" / "hedgerow-tales-1").exists()))


if __name__ == "__main__":
    main()
