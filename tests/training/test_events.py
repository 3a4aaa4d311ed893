"""Events: one protocol, JSON there and back."""

import dataclasses
import json
import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.training import events as ev

BY_TYPE = {
    "int": st.integers(0, 10**9),
    "float": st.floats(allow_nan=True, allow_infinity=False),
    "str": st.text(),
    "bool": st.booleans(),
    "tuple[str, ...]": st.lists(st.text(), max_size=3).map(tuple),
    "tuple[float, ...]": st.lists(st.floats(0, 100), max_size=3).map(tuple),
    "tuple[int, ...]": st.lists(st.integers(0, 10**9), max_size=3).map(tuple),
}


def any_event() -> st.SearchStrategy[ev.Event]:
    def fields(event_class: type[ev.Event]) -> dict[str, Any]:
        return {
            f.name: BY_TYPE[f.type if isinstance(f.type, str) else getattr(f.type, "__name__", "")]
            if not str(f.type).startswith("tuple")
            else BY_TYPE[str(f.type)]
            for f in dataclasses.fields(event_class)
        }

    return st.one_of(*[st.builds(event_class, **fields(event_class)) for event_class in ev.EVENTS.values()])


@given(any_event())
def test_every_event_survives_json(event: ev.Event) -> None:
    record = json.loads(json.dumps(ev.to_json(event), allow_nan=False))
    back = ev.from_json(record)
    assert type(back) is type(event)
    for field in dataclasses.fields(event):
        before, after = getattr(event, field.name), getattr(back, field.name)
        assert after == before or (math.isnan(before) and math.isnan(after))


def test_names_are_those_of_the_design() -> None:
    assert {
        "started",
        "step_done",
        "evaluated",
        "sampled",
        "voice_measured",
        "strength_chosen",
        "checkpoint_saved",
        "paused",
        "resumed",
        "recovered",
        "finished",
        "failed",
        "preparing",
    } == set(ev.EVENTS)


def test_strange_records_are_no_events_and_new_fields_are_dropped() -> None:
    assert ev.from_json({}) is None
    assert ev.from_json({"event": "danced"}) is None
    assert ev.from_json({"event": "paused"}) is None
    assert ev.from_json({"event": "paused", "step": 3, "mood": "new"}) == ev.Paused(3)
