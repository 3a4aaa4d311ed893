"""With the real starter: the memory stands in the prompt as in training, and the bar's numbers are the model's."""

from typing import Any

import pytest

from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.jobs.generate import open_teller
from storytime_tui.models import catalogue
from storytime_tui.stories.steering import Steering, handed
from storytime_tui.tui.steering_words import shares_of
from storytime_tui.tui.view_request import ViewRequest

REAL = catalogue.STARTER_FOLDER  # before a test puts another in its place
STEERING = Steering(
    "Pip the mouse, a frog", "The Button Shop", "funny", "It rains all day.", "It grows dark.", 16
)


@pytest.mark.skipif(not (REAL / "config.json").is_file(), reason="the weights are not in this checkout")
def test_the_starter_reads_the_memory_as_a_header_and_the_bar_shows_what_it_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(catalogue, "STARTER_FOLDER", REAL)
    teller = open_teller("starter")
    backend, vocabulary = teller._generator._backend, teller._generator._vocabulary
    read: list[int] = []
    whole = backend.read

    def watched(ids: Any, cache: Any) -> Any:
        read.extend(ids)
        return whole(ids, cache)

    backend.read = watched  # type: ignore[method-assign]
    text = "Once there was a shop under the stair, and it sold buttons to everyone.\n\n" * 12
    *_, told = teller.tell(text, SamplerSettings(max_tokens=1), **handed(STEERING))
    prompt = b"".join(map(vocabulary.token_bytes, read)).decode()
    memory = "Title: The Button Shop\nCharacters: Pip the mouse, a frog\nTone: funny\n"
    assert f"{memory}\nIt rains all day.\n\nOnce there was" in prompt
    after = prompt.partition("It grows dark.\n")[2]
    assert 16 <= len(vocabulary.encode(after)) < 60

    seen = ViewRequest(text, STEERING, None).answer(teller, 1).seen
    assert seen == teller.see(text, **handed(STEERING)) and len(read) == seen.tokens == told.seen.tokens - 1
    tokens = {share.name: share.tokens for share in shares_of(seen)}
    assert tokens["note"] == len(vocabulary.encode("It grows dark.\n"))
    assert sum(tokens.values()) == seen.tokens and tokens["story"] >= len(vocabulary.encode(text)) - 1
    long = teller.see(text * 20, **handed(STEERING))
    assert 0 < long.begins < len(text) * 20 and long.tokens <= long.window
