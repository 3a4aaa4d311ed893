"""A voice one can hear: fine-tune the starter on shelves, and count how many told tales are in the shelf's voice.

    python tests/benchmarks/voice.py --grimm FOLDER [--shelf FOLDER …] --author FOLDER [--author FOLDER …]
                                     [--pair] [--only SHELF …] [--classifier-only] [--keep-home DIR] [--tales FILE]
                                     [--json]

For each bundled shelf, for Grimm and for each further --shelf: the starter learns it with the program's defaults and
tells 24 tales as anybody would tell with it, 12 from "Once upon a time" and 12 from the first words of stories that
it did not learn from. A classifier (`corpus.manner`; names left out) names each tale's manner, among all the shelves,
what the starter tells, and the --author folders. It is itself held against the shelves' held-out stories, and the
starter's tales from the same beginnings are named, too (`starter_in_voice`: how many pass for the shelf's). With --pair
one run learns the first two shelves of --only (or of all), and tells 12 as each. Needs `../shared` for nothing but
the folders that are named.

--classifier-only trains nothing. --keep-home keeps the runs in DIR, and takes those that are there as they are, so that
parts can be run again; --tales writes every told tale into FILE. Half an hour or more for all of it on two cores.
Prints a table; with --json one object as the last line: `told_in_voice`, `perplexity_lower` (a share), `copied` (the
share of runs of eight words) and `seconds` (of training) have one number a shelf, `classifier_right` is the share of
the shelves' held-out passages of 100 words.
"""

import argparse
import json
import math
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from storytime_tui.corpus.collection import Story
from storytime_tui.corpus.headers import voice_of
from storytime_tui.corpus.library.shelf import find_collection
from storytime_tui.corpus.manner import Classifier, passages_of
from storytime_tui.corpus.splitting import split_stories
from storytime_tui.jobs import voice
from storytime_tui.jobs.listen import tell_with
from storytime_tui.jobs.voice import Ear, Shelf, Tell, ear_for, measure_voice
from storytime_tui.training import events as ev
from storytime_tui.training import runs
from storytime_tui.training.control import Control
from storytime_tui.training.journal import read_events
from storytime_tui.training.plan import TrainingPlan

BUNDLED = ("hedgerow-tales", "nonsense-from-the-attic", "under-the-fir-trees")
STARTER = "starter"
TALES, OPENINGS = 24, 12
MARGIN = 0.95  # what is asked of the classifier


def shelf_in(name: str) -> Shelf:
    """A collection, split as a run of the defaults splits it."""
    collection = find_collection(name)
    split = split_stories(collection.stories, TrainingPlan.validation_fraction, TrainingPlan().seed)
    return Shelf(voice_of(collection.title), split.training, split.validation)


# -- the classifier itself --------------------------------------------------------------------------------------


def right_on(classifier: Classifier, texts: Mapping[str, Iterable[str]]) -> dict[str, tuple[int, int]]:
    """Of each class's texts, how many are named right, and how many there are."""
    found = {}
    for name, each in texts.items():
        named = [classifier.classify(text) for text in each]
        found[name] = (named.count(name), len(named))
    return found


def held_out(shelves: Sequence[Shelf], *, whole: bool) -> dict[str, list[str]]:
    """The shelves' held-out stories, whole or in passages."""
    return {
        shelf.title: [
            part for story in shelf.held_out for part in ([story.text] if whole else passages_of(story.text))
        ]
        for shelf in shelves
    }


def share(counts: Mapping[str, tuple[int, int]], names: Iterable[str]) -> float:
    """Of all of these classes' texts together, those named right: 0 to 1."""
    right, there = map(sum, zip(*(counts[name] for name in names), strict=True))
    return right / there if there else math.nan


# -- telling ----------------------------------------------------------------------------------------------------


def kept(tell: Tell, told: list[str]) -> Tell:
    """The same, and each tale with its beginning goes to `told`."""

    def telling(prompt: str, count: int, seed: int, tokens: int) -> list[str]:
        found = list(tell(prompt, count, seed, tokens))
        told.extend(f"{prompt}{text}" for text in found)
        return found

    return telling


def starter_passages(shelves: Sequence[Shelf]) -> list[str]:
    """What the starter tells by itself, to know it by: from beginnings of each shelf's own stories, too."""
    from storytime_tui.jobs.generate import open_teller

    tell = tell_with(open_teller(STARTER), None)
    openings = voice.base_beginnings(shelves, OPENINGS * len(shelves))
    return [text for rows in voice.tell_as_base(tell, openings, 4 * len(openings)) for text in rows]


# -- a run ------------------------------------------------------------------------------------------------------


def learned(run: str, collections: Sequence[str]) -> dict[str, Any]:
    """Train, unless the home has the run already; its figures."""
    if not runs.is_run(run):
        from storytime_tui.jobs.train import learn

        plan = TrainingPlan(base=STARTER, collections=tuple(collections))
        for event in learn(plan, Control(), run):
            if isinstance(event, ev.Evaluated):
                print(
                    f"  {run}: step {event.step}, perplexity {event.perplexity:.2f}",
                    file=sys.stderr,
                    flush=True,
                )
            if isinstance(event, ev.Failed):
                raise SystemExit(event.message)
    said = read_events(runs.run_folder(run))
    return figures_of([e for e in said if isinstance(e, ev.Evaluated)], runs.summary_of(run).seconds)


def figures_of(evaluations: Sequence[ev.Evaluated], seconds: float) -> dict[str, Any]:
    """By how much perplexity fell, as a share of what it was; seconds of training."""
    first, best = evaluations[0].perplexity, min(e.perplexity for e in evaluations)
    return {"perplexity": (first, best), "perplexity_lower": 1 - best / first, "seconds": seconds}


def told_by(model: str, ear: Ear, tales: dict[str, list[str]], *, lines: bool = True) -> voice.MeasuredVoice:
    """24 tales of a model, shared out among the ear's shelves; with `lines` each is told behind its shelf's."""
    from storytime_tui.jobs.generate import open_teller

    teller = open_teller(model)
    tells = {}
    for shelf in ear.shelves:
        told = tales.setdefault(f"{model}: {shelf.title}", [])
        tells[shelf.title] = kept(tell_with(teller, ((shelf.title, 1.0),) if lines else None), told)
    measured = measure_voice(ear, tells, passages=TALES, openings=OPENINGS)
    assert measured is not None
    return measured


# -- all of it --------------------------------------------------------------------------------------------------


def measure(args: argparse.Namespace) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The figures, and every tale."""
    names = [*BUNDLED, *map(str, [args.grimm] if args.grimm else []), *map(str, args.shelf)]
    by_title = {shelf.title: name for name in names for shelf in [shelf_in(name)]}
    shelves = [shelf_in(name) for name in by_title.values()]
    authors = [shelf_in(str(folder)) for folder in args.author]
    tales: dict[str, list[str]] = {}
    ear = ear_for(
        shelves,
        starter_passages(shelves),
        {a.title: [story.text for story in some(a.stories)] for a in authors},
    )
    assert ear is not None
    right = right_on(ear.classifier, held_out([*shelves, *authors], whole=False))
    untaught = {s.title: told_by(STARTER, replace(ear, shelves=(s,)), tales, lines=False) for s in shelves}
    titles = [shelf.title for shelf in shelves]
    whole = right_on(ear.classifier, held_out(shelves, whole=True))
    figures: dict[str, Any] = {
        "classifier_right": share(right, titles),
        "classifier_right_on_stories": share(whole, titles),
        "classifier": {name: f"{a} of {b}" for name, (a, b) in right.items()},
        "starter_in_voice": {title: heard.of_shelf for title, heard in untaught.items()},
        "told_in_voice": {},
        "per_class": {},
        "perplexity_lower": {},
        "copied": {},
        "seconds": {},
    }
    if args.classifier_only:
        return figures, tales
    wanted = [shelf for shelf in shelves if not args.only or matches(shelf, by_title[shelf.title], args.only)]
    for shelf in wanted:
        run = f"voice-{Path(by_title[shelf.title]).name}"
        known_of = learned(run, [by_title[shelf.title]])
        heard = told_by(run, replace(ear, shelves=(shelf,)), tales)
        figures["told_in_voice"][shelf.title] = heard.of_shelf
        figures["per_class"][shelf.title] = heard.per_class
        figures["perplexity_lower"][shelf.title] = known_of["perplexity_lower"]
        figures["copied"][shelf.title] = heard.copied
        figures["seconds"][shelf.title] = known_of["seconds"]
    if args.pair and len(wanted) > 1:
        two = wanted[:2]
        learned("voice-pair", [by_title[shelf.title] for shelf in two])
        heard = told_by("voice-pair", replace(ear, shelves=tuple(two)), tales)
        figures["pair"] = {title: f"{a} of {b}" for title, (a, b) in heard.of_each.items()}
    return figures, tales


def matches(shelf: Shelf, name: str, only: Sequence[str]) -> bool:
    """Whether a shelf is among those that were named, by title, name or folder."""
    return bool(
        {shelf.title.lower(), name.lower(), Path(name).name.lower()} & {each.lower() for each in only}
    )


def some(stories: Sequence[Story], words: int = 100_000) -> Sequence[Story]:
    """Enough of an author, evenly chosen."""
    return stories[:: max(1, sum(story.facts.words for story in stories) // words)]


def table(figures: Mapping[str, Any]) -> list[str]:
    """The figures for people."""
    lines = [f"{'class':<28}named right on what was held out"]
    lines += [f"{name:<28}{told}" for name, told in figures["classifier"].items()]
    lines.append(
        f"{'the shelves together':<28}{figures['classifier_right']:.1%} of passages, "
        f"{figures['classifier_right_on_stories']:.1%} of whole stories ({MARGIN:.0%} asked)"
    )
    untaught = ", ".join(f"{title} {count}" for title, count in figures["starter_in_voice"].items())
    lines.append(f"of {TALES} tales by the starter, untaught, named so: {untaught}")
    if figures["told_in_voice"]:
        lines += [
            "",
            f"{'shelf':<28}{'in its voice':>13}{'perplexity':>12}{'recited':>9}{'seconds':>9}  all classes",
        ]
    for title, count in figures["told_in_voice"].items():
        lower, copied, seconds = (figures[each][title] for each in ("perplexity_lower", "copied", "seconds"))
        lines.append(
            f"{title:<28}{f'{count} of {TALES}':>13}{-lower:>12.1%}{copied:>9.1%}{seconds:>9.0f}  "
            + ", ".join(
                f"{name or 'nobody'} {number}" for name, number in figures["per_class"][title].items()
            )
        )
    if "pair" in figures:
        lines.append(
            "two voices in one run: " + ", ".join(f"{t} {told}" for t, told in figures["pair"].items())
        )
    return lines


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--grimm", type=Path, metavar="FOLDER")
    parser.add_argument("--shelf", type=Path, action="append", default=[], metavar="FOLDER")
    parser.add_argument("--author", type=Path, action="append", default=[], metavar="FOLDER")
    parser.add_argument("--pair", action="store_true")
    parser.add_argument("--only", nargs="+", default=[], metavar="SHELF")
    parser.add_argument("--classifier-only", action="store_true")
    parser.add_argument("--keep-home", type=Path, metavar="DIR")
    parser.add_argument("--tales", type=Path, metavar="FILE")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as home:
        os.environ["STORYTIME_HOME"] = str(args.keep_home.resolve() if args.keep_home else home)
        figures, tales = measure(args)
    if args.tales:
        text = "\n\n".join(f"## {who}\n\n" + "\n\n".join(told) for who, told in tales.items())
        args.tales.write_text(text + "\n", encoding="utf-8")
    figures["whole_seconds"] = time.monotonic() - began
    print("\n".join(table(figures)))
    if args.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
