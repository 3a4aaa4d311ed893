"""A measured voice in words, and in the card of a checkpoint that stays whole."""

import subprocess
from pathlib import Path

import pytest

from storytime_tui import files
from storytime_tui.training.card import with_voice
from storytime_tui.training.events import VoiceMeasured
from storytime_tui.training.sums import damage_in, replace_file, write_sums
from storytime_tui.training.voice_report import in_words, of_passages, share_of

ONE = VoiceMeasured(40, 24, 19, 3, 0.0125, ("Hedgerow Tales",), (19,))
TWO = VoiceMeasured(48, 24, 21, 0, 0.0, ("Hedgerow Tales", "Grimm [1812]"), (11, 10))


def test_the_words_on_the_terminal() -> None:
    assert in_words(ONE) == "voice: 19 of 24 sound like the shelf, 3 like the base"
    assert in_words(TWO) == "voice: 21 of 24 sound like their shelves"
    assert of_passages(None, 0) == of_passages(share_of(VoiceMeasured(1, 0, 0, 0)), 0) == "–"


def test_the_card_says_it_once_however_often_it_was_measured() -> None:
    card = "# hedge, step 40\n\n## Figures\n\n| loss |\n\n## What it learned from\n\n15 stories.\n"
    first = with_voice(card, ONE)
    assert "Of 24 passages generated at step 40, 19 sound like their shelf" in first
    assert "1.2% of their eight-word sequences" in first and "does not say whether a passage is good" in first
    second = with_voice(first, TWO)
    assert second.count("## Voice") == 1 and "at step 40" not in second
    assert "- Hedgerow Tales: 11\n- Grimm \\[1812\\]: 10\n\n## What it learned from" in second
    assert second.startswith(card[: card.index("## What")]) and second.endswith(card[card.index("## What") :])
    assert with_voice("# A card of somebody's own", ONE).startswith(
        "# A card of somebody's own\n\n## Voice\n\nOf 24"
    )


def test_a_card_is_replaced_and_at_no_moment_is_the_checkpoint_a_damaged_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("README.md", "model.safetensors", "trainer.json", "trainer.safetensors"):
        (tmp_path / name).write_text(f"{name}\n")
    write_sums(tmp_path)
    seen: list[str] = []
    write = files.write_atomically

    def watched(path: Path, data: bytes, *, shared: bool = False) -> None:
        write(path, data, shared=shared)
        seen.append(damage_in(tmp_path))

    monkeypatch.setattr(files, "write_atomically", watched)
    replace_file(tmp_path, "README.md", b"# Another\n")
    assert seen == ["", "", ""]
    assert (tmp_path / "README.md").read_text() == "# Another\n"
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=tmp_path, check=True)
    assert len((tmp_path / "SHA256SUMS").read_text().splitlines()) == 4
    (tmp_path / "README.md").write_text("# Torn")
    assert damage_in(tmp_path) == "README.md"
