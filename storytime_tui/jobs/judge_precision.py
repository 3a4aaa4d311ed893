"""Measures what int8 weights change, and the text that it is measured on. Torch is loaded for the measurement."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storytime_tui.generation.sampling.vocabulary import Vocabulary

_JUDGED_CHARACTERS = 1500  # from the start of each bundled story


def judge_precision(folder: Path) -> float:
    """Measure how much int8 weights raise a model's perplexity, and save the verdict in its folder.

    Returns the relative change. Raises ModelError or OSError.
    """
    import torch

    from storytime_tui.generation.backends.precision import VERDICT_TOKENS, int8_change, write_verdict
    from storytime_tui.models import loading
    from storytime_tui.models.tokenizer import load_tokenizer

    model = loading.load_model(folder, device=torch.device("cpu"), dtype=torch.float32).model
    change = int8_change(model, sample_ids_of(load_tokenizer(folder), VERDICT_TOKENS))
    write_verdict(folder, change)
    return change


def sample_ids_of(vocabulary: Vocabulary, enough: int) -> list[int]:
    """At least `enough` token ids, if there are so many, from the starts of bundled stories, for judging int8."""
    from storytime_tui.corpus.library.folders import read_folder
    from storytime_tui.corpus.library.shelf import collection_folders, roots

    ids: list[int] = []
    for root, bundled in roots():
        for folder in collection_folders(root, []) if bundled else ():
            for story in read_folder(folder, bundled=True)[0].stories:
                ids += [vocabulary.end_of_text, *vocabulary.encode(story.text[:_JUDGED_CHARACTERS])]
                if len(ids) >= enough:
                    return ids
    return ids
