"""Queries over runs: what they say, what they find, and what is wrong with them."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui import knobs
from storytime_tui.jobs.run_query import FIELDS, Term, field_called, matches, parse
from storytime_tui.training.plan import TrainingPlan

NOON = 1_795_867_200.0  # noon of 2026-11-28 in Greenwich
RUN: dict[str, Any] = {
    "name": "hedgerow-1", "base": "starter", "shelves": ("hedgerow-tales", "Hedgerow Tales"), "state": "finished",
    "note": "the best one", "loss": 3.1042, "perplexity": 22.3, "voice": 19 / 24, "steps": 118, "tokens": 483_328,
    "time": 212.0, "size": 14_200_000, "date": NOON,
    "learning_rate": 5e-4, "epochs": 4.0, "lora_rank": 8, "lora_alpha": None, "sharded": False, "precision": "fp32",
}  # fmt: skip


def found(text: str, **changed: Any) -> bool:
    query = parse(text)
    assert query.mistake == ""
    return matches(query, RUN | changed)


@pytest.mark.parametrize(
    "text",
    [
        "", "hedgerow", "HEDGE tales", "best", "starter", "base:start", "base=starter", "-base=star", "shelf:hedgerow",
        'shelf="Hedgerow Tales"', "collections:tales", "state:finished", "-state:failed", "rate>1e-4", "rate = 5e-4",
        "learning_rate<=0.0005", "lr>=5e-4", "epochs:4", "lora_rank>0", "LoRA-rank=8", "lora_alpha:auto", "sharded:no",
        "precision:fp", "loss<3.2", "loss:3.1", "loss=3.104", "perplexity<25", "voice>75%", "voice:19/24",
        "voice>=0.79", "steps>100", "tokens>400k", "tokens<1M",
        "time>3min", "time<4m", "time>=3:30", "time<2h", "size>14MB",
        "size<0.1GB", "date:2026-11", "date>2026-10", "date>=2026", "date<2026-12-1", "-date<2026-11",
        "note:best", "-note:worst", "run:hedgerow", "base:starter rate>1e-4 loss<3.2 state:finished shelf:hedgerow",
    ],
)  # fmt: skip
def test_what_a_query_finds(text: str) -> None:
    assert found(text)


@pytest.mark.parametrize(
    "text",
    [
        "grimm", "-hedgerow", "base:gpt2", "base=star", "rate>5e-4", "rate<5e-4", "loss:3.2", "loss>3.2", "voice<50%",
        "voice:none", "steps<100", "tokens>1M", "time<90s", "size>1GB", "date:2026-12", "date<2026-11-28",
        "sharded:yes",        "lora_alpha>1", "hedgerow -tales", "state:finished -shelf:tales",
    ],
)  # fmt: skip
def test_what_a_query_leaves_out(text: str) -> None:
    assert not found(text)


def test_what_is_not_known_is_found_only_as_such() -> None:
    for field in ("loss", "voice", "tokens", "size"):
        assert found(f"{field}:none", **{field: None})
        assert not found(f"{field}>0", **{field: None})
        assert not found(f"{field}<1", **{field: None})
        assert found(f"-{field}>0", **{field: None})
    assert found("loss:none", loss=math.nan)
    assert not found("date>2000", date=math.nan)
    assert found("note:none", note="")
    assert not matches(parse("rate>0"), {"name": "damaged"})  # its plan cannot be read


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour:red", "There is no field “colour”. Fields: name, base, shelves, state, note, loss,"),
        ("lerning_rate>1", "There is no field “lerning_rate”. Did you mean learning_rate?"),
        ("rate>", "Type a value after rate>"),
        ("rate>fast", "“rate” is a number, not “fast”."),
        ("base>gpt2", "“base” has no order: use base:gpt2"),
        ("sharded:perhaps", "“sharded” is on or off, not “perhaps”."),
        ("date>yesterday", "A date is written 2026-11-28, 2026-11 or 2026, not “yesterday”."),
        ("date:2026-13", "A date is written 2026-11-28, 2026-11 or 2026, not “2026-13”."),
        ("time>soon", "A time is written 90s, 10min or 2h, not “soon”."),
        ("steps:1e999", "“steps” is a number, not “1e999”."),
        ("voice>1/0", "“voice” is a number, not “1/0”."),
    ],
)
def test_a_mistake_is_a_sentence_and_the_rest_still_counts(text: str, said: str) -> None:
    query = parse(f"hedgerow {text}")
    assert query.mistake.startswith(said)
    assert query.terms == (Term("", "", "hedgerow"),)


def test_every_knob_is_a_field_by_its_name_and_its_label() -> None:
    for name, known in knobs.table(TrainingPlan).items():
        own = "shelves" if name == "collections" else name
        assert field_called(name) == own
        assert field_called(known.label.replace(" ", "-")) in (own, *FIELDS)
    assert field_called("WINDOW") == "block_size"


NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32).map(lambda number: f"{number:.6g}")
FIELD = st.sampled_from(["loss", "rate", "steps", "epochs", "size"])
SIGN = st.sampled_from([":", "=", ">", "<", ">=", "<="])
SIGNS = "<>=:-\"'%/.,_ 019ebraloss\u0130\u00df\ud83e"


@given(st.text(st.sampled_from(SIGNS) | st.characters(codec="utf-8"), max_size=40))
def test_nothing_that_is_typed_breaks_it(text: str) -> None:
    query = parse(text)
    matches(query, RUN)
    matches(query, {})


@given(FIELD, SIGN, NUMBERS)
def test_a_term_and_its_opposite_divide_all_runs(field: str, sign: str, number: str) -> None:
    one, other = parse(f"{field}{sign}{number}"), parse(f"-{field}{sign}{number}")
    assert one.mistake == other.mistake == ""
    for facts in (RUN, {}):
        assert matches(one, facts) != matches(other, facts)


@given(st.floats(0, 100), NUMBERS)
def test_an_order_is_that_of_numbers(value: float, number: str) -> None:
    facts = {"steps": value}
    wanted = float(number)
    assert matches(parse(f"steps>{number}"), facts) == (value > wanted)
    assert matches(parse(f"steps<={number}"), facts) == (value <= wanted)


@given(
    st.lists(st.sampled_from(["hedgerow", "base:starter", "rate>1", "-loss<3", "state:failed"]), max_size=5)
)
def test_a_run_must_match_every_term(terms: list[str]) -> None:
    assert matches(parse("  ".join(terms)), RUN) == all(matches(parse(term), RUN) for term in terms)
