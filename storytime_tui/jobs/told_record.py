"""How a passage was told: kept with it as JSON, said in one line, and enough to tell it again. Loads no torch."""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from storytime_tui.errors import PlanError
from storytime_tui.generation.sampling.presets import preset_of
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.generation.voice import Voice, of_record
from storytime_tui.models.voices import LEAST_STRENGTH, MOST_STRENGTH
from storytime_tui.stories.story import Passage

_SETTINGS = tuple(field.name for field in dataclasses.fields(SamplerSettings))


@dataclass(frozen=True)
class ToldRecord:
    """How a passage was told. Records of earlier versions lack some of it, and have the default.

    `settings` has the seed that was used; None if it cannot be read. `voice` None: the model knows no voices. `step`:
    of the run's checkpoint, or of the run while it trained. `weights`: a hash of each of its files (see
    `weights_hash`), "" for a run while it trained. `before`: a hash of the text before the passage. `precision`,
    `device`: of the weights. `note_depth`: tokens between the author's note and the end. `sitting`: the same for all
    that was told while the model was open. `together`: how many takes were told at once, with seeds one after another;
    `place`: which of them this is.
    """

    model: str
    settings: SamplerSettings | None
    voice: Voice | None = None
    strength: float | None = None
    step: int | None = None
    weights: str = ""
    contrast: float | None = None  # None: the model's usual one
    blend: Voice = ()  # other runs with their shares
    memory: str = ""
    note: str = ""
    note_depth: int | None = None
    before: str = ""
    precision: str = ""
    device: str = ""
    sitting: str = ""
    together: int = 1
    place: int = 0

    def to_json(self) -> str:
        """The record without the model, for `Passage.settings`."""
        record = {} if self.settings is None else dataclasses.asdict(self.settings)
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name not in ("model", "settings") and (field.name == "voice" or value != field.default):
                record[field.name] = value
        if self.voice is None:
            del record["voice"]
        return json.dumps(record)


def text_hash(text: str) -> str:
    """A short hash of the text before a passage."""
    return sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def read_record(passage: Passage) -> ToldRecord | None:
    """How a passage was told; None for yours and for one without a record, such as an imported one."""
    record = _parsed(passage.settings)
    if passage.author != "model" or record is None:
        return None
    return ToldRecord(
        model=passage.model,
        settings=_settings_of(record),
        voice=of_record(record["voice"]) if "voice" in record else None,
        strength=_strength_of(record),
        step=_whole(record.get("step")),
        weights=_text(record.get("weights")),
        contrast=_number(record.get("contrast")),
        blend=of_record(record.get("blend")) or (),
        memory=_text(record.get("memory")),
        note=_text(record.get("note")),
        note_depth=_whole(record.get("note_depth")),
        before=_text(record.get("before")),
        precision=_text(record.get("precision")),
        device=_text(record.get("device")),
        sitting=_text(record.get("sitting")),
        together=_whole(record.get("together")) or 1,
        place=_whole(record.get("place")) or 0,
    )


def told_line(passage: Passage) -> str:
    """How a passage was told, in one line: "told by hedgerow-2, step 40, lively, seed 81"; "" for yours."""
    if passage.author != "model":
        return ""
    record = read_record(passage)
    others = "" if record is None else "".join(f" + {share:g} {name}" for name, share in record.blend)
    parts = [f"told by {passage.model or 'a model'}{others}"]
    if record is not None:
        parts += [] if record.step is None else [f"step {record.step}"]
        parts += [] if record.strength in (None, 1.0) else [f"strength {record.strength:g}"]
        if record.settings is not None:
            parts += [preset_of(record.settings) or "custom settings", f"seed {record.settings.seed}"]
    if passage.edited_from is not None:
        parts.append("then edited")
    return ", ".join(parts)


def last_told(passages: Sequence[Passage]) -> Passage | None:
    """The last passage of a story that a model told, if any."""
    return next((passage for passage in reversed(passages) if passage.author == "model"), None)


def is_at_a_path(model: str) -> bool:
    """Whether this model is a folder or a file that is here; it is then in no list of models."""
    try:
        return os.path.isabs(model) and os.path.exists(model)
    except ValueError:
        return False


def last_model(passages: Sequence[Passage]) -> str:
    """The model of the story's last told passage; "" if there is none."""
    last = last_told(passages)
    return last.model if last is not None else ""


def last_voice(passages: Sequence[Passage]) -> Voice | None:
    """The voice of the story's last told passage; None if there is none, or its model has no voices."""
    last = last_told(passages)
    record = read_record(last) if last is not None else None
    return record.voice if record is not None else None


def last_strength(passages: Sequence[Passage], model: str) -> float | None:
    """The strength of the story's last told passage; None if another model told it, or no strength was saved."""
    last = last_told(passages)
    if last is None or last.model != model:
        return None
    record = read_record(last)
    return record.strength if record is not None else None


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        record = json.loads(text)
    except ValueError:
        return None
    return record if isinstance(record, dict) and record else None


def _settings_of(record: dict[str, Any]) -> SamplerSettings | None:
    """The sampler settings; None where there are none, or a value is out of range."""
    values = {name: _tupled(record[name]) for name in _SETTINGS if name in record}
    if "seed" not in values:
        return None
    try:
        return SamplerSettings(**values)
    except (PlanError, TypeError):
        return None


def _tupled(value: Any) -> Any:
    return tuple(map(_tupled, value)) if isinstance(value, list) else value


def _strength_of(record: dict[str, Any]) -> float | None:
    strength = _number(record.get("strength"))
    return strength if strength is not None and LEAST_STRENGTH <= strength <= MOST_STRENGTH else None


def _number(value: Any) -> float | None:
    return float(value) if type(value) in (int, float) and math.isfinite(value) else None


def _whole(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
