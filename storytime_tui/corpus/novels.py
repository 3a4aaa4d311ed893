"""Which stories are chapters of one novel, so that none of it is both learned and measured by."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt

from storytime_tui.corpus.collection import Story
from storytime_tui.corpus.dividing.heading_rules import STORY_NOUNS, label_of
from storytime_tui.corpus.dividing.heroes import hero_share
from storytime_tui.corpus.lazy import picked

_MOSTLY = 0.6  # of a novel's stories are called like chapters
_HERO = 0.75  # of a novel's chapters have its hero's name
_FEWEST, _MOST = 3, 150  # chapters without numbers


def novels_of(stories: Sequence[Story]) -> npt.NDArray[np.int64]:
    """The novel of each story: equal numbers, from 0 on, for those of one novel. Most stories are alone.

    Stories of one file, or of the files in one folder, are one novel if they are called like chapters ("Kapitel 3");
    those of one file also if one name occurs in most of them.
    """
    novel_of = np.arange(len(stories))
    by_file: dict[str, array[int]] = {}
    for at, story in enumerate(stories):
        if story.file:
            by_file.setdefault(story.file, array("q")).append(at)
    for places in by_file.values():
        if len(places) > 1 and _is_novel(picked(stories, places)):
            novel_of[places] = places[0]
    by_folder: dict[str, list[int]] = {}
    for file, places in by_file.items():
        if len(places) == 1 and _is_chapter(stories[places[0]].title):
            by_folder.setdefault(str(PurePosixPath(file).parent), []).append(places[0])
    for chapters in by_folder.values():
        novel_of[chapters] = chapters[0]
    return np.unique(novel_of, return_inverse=True)[1]


def _is_chapter(title: str) -> bool:
    label = label_of(title)
    return label is not None and bool(label.noun) and label.noun not in STORY_NOUNS


def _is_novel(stories: Sequence[Story]) -> bool:
    if sum(_is_chapter(story.title) for story in stories) >= _MOSTLY * len(stories):
        return True
    if not _FEWEST <= len(stories) <= _MOST or any(story.chapters for story in stories):
        return False
    return hero_share([story.text for story in stories]) >= _HERO
