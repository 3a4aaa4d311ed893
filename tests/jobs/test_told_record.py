"""How a passage was told is kept whole, read back also from earlier versions, and said in one line."""

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui import paths
from storytime_tui.generation.sampling.presets import with_preset
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.jobs import weights_hash
from storytime_tui.jobs.told_record import (
    ToldRecord,
    last_model,
    last_strength,
    last_voice,
    read_record,
    told_line,
)
from storytime_tui.jobs.told_words import record_of
from storytime_tui.jobs.weights_hash import WeightsHash, hash_of
from storytime_tui.stories.story import Passage
from tests.tiny import write_bare_gpt2

GRIMM = (("Grimm", 1.0),)
LIVELY = SamplerSettings(seed=81, banned=("the end", "foo"), bias=(("owl", 1.5),), stop=("\n\n",))


def told(settings: str, model: str = "hedgerow-2", **more: Any) -> Passage:
    return Passage(2, 1, 1, "model", " a mouse", model, settings, 0.0, **more)


@given(
    st.builds(
        ToldRecord,
        model=st.just("hedgerow-2"),
        settings=st.sampled_from([LIVELY, SamplerSettings(), with_preset(LIVELY, "wild")]),
        voice=st.sampled_from([None, (), GRIMM, (("Grimm", 0.25), ("[Mill] Tales", 0.75))]),
        strength=st.sampled_from([None, 0.0, 1.25]),
        step=st.none() | st.integers(0, 10**9),
        weights=st.sampled_from(["", "ab" * 32, "ab" * 32 + " " + "cd" * 32]),
        contrast=st.sampled_from([None, 0.0, 0.5]),
        blend=st.sampled_from([(), (("other", 0.4),)]),
        memory=st.text(),
        note=st.text(),
        note_depth=st.none() | st.integers(0, 4096),
        before=st.sampled_from(["", "0123456789abcdef"]),
        precision=st.sampled_from(["", "int8"]),
        device=st.sampled_from(["", "cpu"]),
        sitting=st.sampled_from(["", "5177"]),
    )
)
def test_a_record_is_read_back_as_it_was(record: ToldRecord) -> None:
    assert read_record(told(record.to_json())) == record


def test_it_has_what_the_model_was_told_with() -> None:
    teller: Any = SimpleNamespace(
        name="hedgerow-2", voices=("Grimm",), strength=1.25, step=None, checkpoint=40, contrast=0.5,
        blend=(("other", 0.4),), precision="int8", device="cpu", weights=SimpleNamespace(get=lambda: "ab" * 32),
        sitting="5177",
    )  # fmt: skip
    record = record_of(teller, LIVELY, GRIMM, before="Once", memory="A wood.", note="Dark.", note_depth=16)
    assert (record.step, record.weights, record.memory, record.note_depth) == (40, "ab" * 32, "A wood.", 16)
    assert (record.voice, record.strength, record.blend, record.settings) == (
        GRIMM,
        1.25,
        (("other", 0.4),),
        LIVELY,
    )
    flat = json.loads(record.to_json())  # the settings stay where earlier versions have them
    assert (flat["seed"], flat["temperature"], flat["voice"]) == (81, LIVELY.temperature, [["Grimm", 1.0]])
    learning = SimpleNamespace(**{**vars(teller), "step": 7, "checkpoint": None, "voices": ()})
    assert record_of(learning, LIVELY, GRIMM).step == 7  # type: ignore[arg-type]
    assert record_of(learning, LIVELY, GRIMM).voice is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "settings", ["", "{}", "[1]", "nonsense", "null", '{"seed": 3, "temperature": "hot"}', '{"step": -2}']
)
def test_records_that_are_old_foreign_or_damaged_are_read_as_far_as_they_go(settings: str) -> None:
    passage = told(settings)
    record = read_record(passage)
    assert record is None or record.settings is None
    assert told_line(passage) == "told by hedgerow-2"
    assert (last_model([passage]), last_voice([passage]), last_strength([passage], "hedgerow-2")) == (
        "hedgerow-2",
        None,
        None,
    )


def test_the_line_names_model_step_preset_and_seed() -> None:
    def line(settings: SamplerSettings, **record: Any) -> str:
        return told_line(told(ToldRecord("hedgerow-2", settings, **record).to_json()))

    assert line(LIVELY, step=40) == "told by hedgerow-2, step 40, lively, seed 81"
    assert line(with_preset(LIVELY, "wild"), strength=1.0) == "told by hedgerow-2, wild, seed 81"
    warm = dataclasses.replace(LIVELY, temperature=0.7)
    assert line(warm, strength=1.5) == "told by hedgerow-2, strength 1.5, custom settings, seed 81"
    assert line(LIVELY, blend=(("grimm-1", 0.4),)) == "told by hedgerow-2 + 0.4 grimm-1, lively, seed 81"
    assert told_line(told("", edited_from=1)) == "told by hedgerow-2, then edited"
    assert told_line(told("", model="")) == "told by a model"
    assert told_line(Passage(1, 1, None, "you", "Once", "", "", 0.0)) == ""


def test_the_hash_of_weights_is_computed_once_and_again_after_a_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_bare_gpt2(tmp_path / "bare")
    read: list[Path] = []
    digest_of = weights_hash.digest_of
    monkeypatch.setattr(weights_hash, "digest_of", lambda folder: read.append(folder) or digest_of(folder))
    first = hash_of(folder)
    weights_hash._kept_hash.cache_clear()  # as in another program
    assert (hash_of(folder), WeightsHash([folder, folder]).get()) == (first, f"{first} {first}")
    assert len(read) == 1 and len(list((paths.cache_folder() / "weights").iterdir())) == 1
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"\x01")
    assert hash_of(folder) != first
    assert (WeightsHash().get(), WeightsHash([tmp_path / "gone"]).get()) == ("", "")
