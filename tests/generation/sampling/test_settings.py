"""Settings are checked, said and read as text; presets are told in a line; rules know their vocabulary."""

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.errors import PlanError
from storytime_tui.generation.sampling.presets import PRESETS, preset_of, with_preset
from storytime_tui.generation.sampling.rules import biases_of, rules_for
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.generation.sampling.vocabulary import token_facts
from storytime_tui.knobs import text_of, with_values
from tests.generation.fakes import Bytes

NAMES = [field.name for field in dataclasses.fields(SamplerSettings)]
NUMBERS = [name for name in NAMES if type(getattr(SamplerSettings(), name)) in (int, float)]

texts = st.text("ab =,\\\n\té'“", min_size=1, max_size=8).filter(lambda text: text.strip(" "))
any_settings = st.builds(
    SamplerSettings,
    temperature=st.floats(0, 5),
    top_k=st.integers(0, 100),
    min_p=st.floats(0, 1),
    repetition=st.floats(1, 5),
    end_after=st.sampled_from(["length", "sentence", "paragraph"]),
    finish_sentence=st.booleans(),
    stop=st.lists(texts, max_size=3).map(tuple),
    banned=st.lists(texts, max_size=3).map(tuple),
    bias=st.lists(st.tuples(texts, st.floats(-100, 100)), max_size=3).map(tuple),
    seed=st.integers(0, 2**63 - 1),
)


@given(any_settings)
def test_what_is_said_is_read_as_the_same(settings: SamplerSettings) -> None:
    assert with_values(SamplerSettings(), {name: text_of(settings, name) for name in NAMES}) == settings


def test_lists_are_read_as_people_write_them() -> None:
    said = {"stop": r"The End, \n\n", "banned": "suddenly,as if\\, perhaps", "bias": "dragon=-2.5, owl = 1"}
    read = with_values(SamplerSettings(), said)
    assert read.stop == ("The End", "\n\n")
    assert read.banned == ("suddenly", "as if, perhaps")
    assert read.bias == (("dragon", -2.5), ("owl", 1.0))
    assert with_values(read, {"stop": "", "bias": ""}) == dataclasses.replace(read, stop=(), bias=())


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -11, 10**20, True, "1", None])
def test_no_number_takes_what_cannot_work(name: str, value: object) -> None:
    with pytest.raises(PlanError, match=rf"^{name} is .*, but must be .*\.$"):
        SamplerSettings(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("top_p", 0.0),
        ("typical", 0.0),
        ("max_tokens", 0),
        ("top_k", 1.5),
        ("repetition", 0.9),
        ("finish_sentence", 1),
        ("stop", "The End"),
        ("stop", ("",)),
        ("banned", (" ",)),
        ("banned", (3,)),
        ("bias", ("owl",)),
        ("bias", (("owl", math.nan),)),
        ("bias", (("owl", 101.0),)),
        ("bias", (("", 1.0),)),
    ],
)
def test_values_out_of_their_range_are_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(PlanError, match=rf"^(an entry of )?{name} is .*, but must be .*\.$"):
        SamplerSettings(**{name: value})


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("tempreature", "1", "Unknown setting 'tempreature'. Did you mean 'temperature'?"),
        ("repetition_penalty", "1.1", "Did you mean 'repetition"),
        ("top-p", "1", "Did you mean 'top_p'"),
        ("warmth", "2", "There are temperature, top_k"),
        ("top_k", "many", "must be a whole number"),
        ("top_k", "1.5", "must be a whole number"),
        ("min_p", "much", "must be a number"),
        ("min_p", "nan", "must be from 0 (off) to 1"),
        ("finish_sentence", "perhaps", "must be true or false"),
        ("bias", "owl", "such as dragon=-2.5"),
        ("bias", "owl=much", "such as dragon=-2.5"),
        ("bias", "owl=inf", "from -100 to 100"),
    ],
)
def test_a_value_that_cannot_be_read_is_a_sentence(name: str, text: str, said: str) -> None:
    with pytest.raises(PlanError) as refused:
        with_values(SamplerSettings(), {name: text})
    assert said in str(refused.value)
    assert str(refused.value).count("\n") == 0


# ---- presets


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_a_line_and_a_way_of_choosing(name: str) -> None:
    line, _ = PRESETS[name]
    assert 20 < len(line) <= 40  # one line of a message at 80 columns, after its name
    assert line.endswith(".") and line.count(".") == 1
    own = SamplerSettings(banned=("suddenly",), seed=4, max_tokens=9, min_tokens=2, stop=("x",))
    chosen = with_preset(dataclasses.replace(own, xtc=0.5, mirostat=3.0, top_k=3), name)
    assert chosen == with_preset(own, name)
    assert chosen.banned == own.banned and chosen.seed == 4 and chosen.max_tokens == 9
    assert preset_of(chosen) == name
    assert preset_of(dataclasses.replace(chosen, top_k=77)) is None


def test_lively_is_the_usual_way_and_exact_has_everything_off() -> None:
    assert preset_of(SamplerSettings()) == "lively"
    exact = with_preset(SamplerSettings(), "exact")
    off = {"temperature": 0, "top_p": 1, "typical": 1, "repetition": 1}
    still = {"xtc_threshold", "mirostat_rate", "repetition_window", "dry_base", "dry_allowed", "max_tokens"}
    for name in set(NUMBERS) - still:
        assert getattr(exact, name) == off.get(name, 0), name


def test_an_unknown_preset_is_refused_by_name() -> None:
    with pytest.raises(PlanError, match="no preset 'gloomy'; there are 'steady', 'lively', 'wild', 'exact'"):
        with_preset(SamplerSettings(), "gloomy")


# ---- rules


class Words(Bytes):
    """Some tokens as GPT-2 has them."""

    pieces = [
        b"<end>",
        b"owl",
        b" owl",
        b'."',
        b"\n",
        b" \xe2\x80",
        b"\x9c",
        b"1",
        b"don't",
        b"",
        b" _",
        b":)",
    ]
    end_of_text = 0
    vocabulary_size = len(pieces)

    def encode(self, text: str) -> list[int]:
        return [self.pieces.index(text.encode())]


def flagged(flags: object) -> set[bytes]:
    return {Words.pieces[i] for i, flag in enumerate(flags) if flag}  # type: ignore[call-overload]


def test_a_look_at_the_tokens_tells_words_from_marks() -> None:
    facts = token_facts(Words())
    marks = {b'."', b"\n", b" \xe2\x80", b"\x9c", b":)", b" _"}
    assert flagged(facts.wordless) == marks | {b"<end>", b""}
    assert flagged(facts.breaker) == marks - {b" _"} | {b"<end>"}
    assert flagged(facts.ends_word) == {b"owl", b" owl", b"1", b"don't"}
    assert flagged(facts.silent) == {b""}
    rules = rules_for(SamplerSettings(), Words())
    assert flagged(rules.protected) == {b"\n", b"<end>"}
    assert rules.suppressed.tolist() == [9]


def test_a_vocabulary_is_looked_through_once() -> None:
    looked = 0

    class Counted(Bytes):
        def token_bytes(self, token: int) -> bytes:
            nonlocal looked
            looked += 1
            return super().token_bytes(token)

    vocabulary = Counted()
    for seed in range(3):
        rules_for(SamplerSettings(seed=seed), vocabulary)
    assert looked == vocabulary.vocabulary_size - 1


def test_a_word_is_biased_with_and_without_its_space_and_capital() -> None:
    vocabulary = Bytes()
    found = {
        (*bias.before, bias.token): bias.amount
        for bias in biases_of([("the", 1.0), ("The", -1.0)], vocabulary)
    }
    forms = {form: found.get(tuple(vocabulary.encode(form))) for form in ("the", " the", "The")}
    assert forms == {"the": 1.0, " the": 1.0, "The": -1.0}
