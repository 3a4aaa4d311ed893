"""Preferences: read value by value, changed under a lock, never a traceback, and never thrown away."""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from storytime_tui import files, paths, small_files
from storytime_tui import settings as module
from storytime_tui.errors import StorytimeError
from storytime_tui.settings import Loaded, Settings, change_settings, load_settings
from tests.examples import many


def settings_file(text: str | bytes) -> Path:
    path = paths.settings_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_saved_settings_come_back(home: Path) -> None:
    assert load_settings() == Loaded(Settings())
    mine = Settings(base="gpt2", temperature=1.0, max_tokens=50, finish_sentence=False)
    change_settings({"base": "gpt2", "temperature": 1.0, "max_tokens": 50, "finish_sentence": False})
    assert load_settings() == Loaded(mine)
    change_settings({"max_tokens": 60})
    assert load_settings().settings.base == "gpt2"
    assert load_settings().settings.max_tokens == 60


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("xyzzy = 'red'", "Unknown setting 'xyzzy'. There are theme, words_per_minute"),
        ("base = 7", "base is 7, but must be a text"),
        ("base = ''", "base is '', but must be a name"),
        ("base = 'a\\u001b[2Jb'", "base is"),
        ('base = "a\\u001b[2Jb"', "but must be a name on one line"),
        ("base = '/nowhere/at/all'", "which cannot be used: The model folder /nowhere/at/all does not exist"),
        ("base = 'scratch-nonsense'", "which cannot be used"),
        ("device = 'gpu'", "device is 'gpu', but must be one of auto, cpu"),
        ("preset = 'bold'", "preset is 'bold', but must be one of steady, lively"),
        ("theme = [1]", "theme is [1], but must be a text"),
        ("max_tokens = 1.5", "must be a whole number"),
        ("max_tokens = true", "must be a whole number"),
        ("max_tokens = 0", "max_tokens is 0, but must be from 1 to 1,000,000 tokens"),
        ("max_tokens = 0x" + "f" * 50_000, "max_tokens is a huge number"),
        ("finish_sentence = 1", "must be true or false"),
        ("temperature = true", "must be a number"),
        ("temperature = 7", "temperature is 7, but must be from 0 to 5; 0.6 is used"),
        ("temperature = nan", "temperature is nan, but must be from 0 to 5"),
        ("top_p = inf", "top_p is inf, but must be above 0 and at most 1"),
        ("top_p = 0.0", "top_p is 0.0, but must be above 0"),
        ("repetition = 0.5", "repetition is 0.5, but must be from 1 (off) to 5"),
        ("base = ", "not valid TOML"),
        ("base = " + "9" * 5000, "not valid TOML"),
        ("base = " + "[" * 90_000, "nested too deep"),
        ("base = '" + "x" * 5000 + "'", "(5,000 letters), but must be a name"),
        ("base = '" + "x" * 10_000_000 + "'", "more than 100,000 bytes"),
        (b"base = '\xff'", "not UTF-8"),
    ],
    ids=lambda value: str(value)[:30].encode("ascii", "replace").decode(),
)
def test_what_is_wrong_is_said_with_the_file_and_the_usual_value_holds(text: str | bytes, says: str) -> None:
    path = settings_file(text)
    loaded = load_settings()
    assert loaded.settings == Settings()
    assert len(loaded.troubles) == 1
    assert says in loaded.troubles[0]
    assert str(path) in loaded.troubles[0]
    assert len(loaded.troubles[0]) < 600


def test_one_wrong_value_costs_no_other() -> None:
    settings_file("temperature = 7\nmax_tokens = 50\nsize = 'large'\ntop_p = 1\npreset = 'Wild'\n")
    loaded = load_settings()
    assert loaded.settings == Settings(
        preset="wild", max_tokens=50, temperature=1.25, top_p=1.0, min_p=0.03, presence=0.3
    )
    assert "temperature is 7, but must be from 0 to 5; 1.25 is used" in loaded.troubles[0]
    assert isinstance(loaded.settings.top_p, float)
    assert len(loaded.troubles) == 2


def test_each_of_a_thousand_mistakes_is_known() -> None:
    settings_file("".join(f"k{number} = 1\n" for number in range(1000)))
    assert len(load_settings().troubles) == 1000


def put(kind: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "link":
        path.symlink_to("nowhere")


@pytest.mark.skipif(sys.platform == "win32", reason="needs pipes and links")
@pytest.mark.parametrize("kind", ["folder", "pipe", "device", "link"])
def test_what_is_no_file_neither_stops_the_program_nor_is_lost(kind: str) -> None:
    path = paths.settings_file()
    put(kind, path)
    loaded = load_settings()
    assert loaded.settings == Settings()
    assert [str(path) in trouble for trouble in loaded.troubles] == ([] if kind == "link" else [True])
    note = change_settings({"max_tokens": 50})
    assert load_settings() == Loaded(Settings(max_tokens=50))
    aside = path.with_name("settings.toml.broken")
    assert os.path.lexists(aside) == (str(aside) in note) == (kind != "link")
    assert os.path.exists("/dev/zero")


values = st.recursive(
    st.one_of(
        st.text(max_size=5),
        st.integers(-(2**70), 2**70),
        st.floats(allow_nan=False),
        st.booleans(),
        st.dates(),
        st.sampled_from(["gpt2", "wild", "cpu", "auto", "storytime"]),
    ),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
keys = st.sampled_from([*Settings.__dataclass_fields__, "colour"])


@hypothesis_settings(max_examples=many(50))
@given(st.dictionaries(keys, values, max_size=5))
def test_whatever_stands_in_the_file_gives_settings_that_can_be_used(
    tmp_path_factory: pytest.TempPathFactory, found: dict[str, Any]
) -> None:
    from storytime_tui.tui.preferences import Preferences

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "settings_file", lambda: tmp_path_factory.getbasetemp() / "hostile.toml")
        settings_file(tomli_w.dumps(found))
        loaded = load_settings()
        Preferences(load_settings, lambda _: "").sampler()  # raises nothing
        for key, value in found.items():
            held = getattr(loaded.settings, key, None)
            held = list(held) if isinstance(held, tuple) else held  # TOML has no tuples
            assert held in (value, str(value).casefold()) or loaded.troubles
        change_settings({"top_p": 0.5})
        assert load_settings().settings.top_p == 0.5
        assert small_files.read_toml(paths.settings_file()) == found | {"top_p": 0.5}  # what is wrong, too


def test_a_change_keeps_what_it_does_not_concern() -> None:
    path = settings_file(
        "# mine\ncolour = 'red'  # unknown\ntemperature = 7\nmax_tokens=50 # short\n\n[later]\nmax_tokens = 3\n"
    )
    assert change_settings({"max_tokens": 60, "theme": "nord"}) == ""
    assert path.read_text() == (
        "# mine\ncolour = 'red'  # unknown\ntemperature = 7\nmax_tokens=60 # short\n"
        'theme = "nord"\n\n[later]\nmax_tokens = 3\n'
    )


@pytest.mark.parametrize(
    "text",
    [
        "'max_tokens' = 50",
        "base = '''\nmax_tokens = 3\n'''\nmax_tokens = 50",
        "x = [\n[1],\n]\nmax_tokens = 5",
    ],
)
def test_a_change_holds_however_the_file_is_written(text: str) -> None:
    path = settings_file(text)
    before = small_files.read_toml(path)
    change_settings({"max_tokens": 60})
    assert small_files.read_toml(path) == before | {"max_tokens": 60}


def test_a_file_that_is_no_toml_is_kept_beside_the_new_one() -> None:
    for number, name in enumerate(("settings.toml.broken", "settings.toml.broken-2")):
        path = settings_file(f"temperature 7 {number}")
        assert name in change_settings({"max_tokens": 60})
        assert path.with_name(name).read_text() == f"temperature 7 {number}"
        assert load_settings() == Loaded(Settings(max_tokens=60))


@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
def test_the_tour_leaves_a_file_that_can_still_be_mended() -> None:
    path = paths.settings_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('theme = "storytime-paper\n')
    assert change_settings({"tour": "read"}) == ""
    assert path.read_text() == 'theme = "storytime-paper\n'
    assert [each.name for each in path.parent.iterdir() if "broken" in each.name] == []


def test_a_file_that_is_linked_to_stays_where_it_is(tmp_path: Path) -> None:
    kept = tmp_path / "dotfiles.toml"
    kept.write_text("max_tokens = 50\n")
    path = paths.settings_file()
    path.parent.mkdir(parents=True)
    path.symlink_to(kept)
    change_settings({"max_tokens": 60})
    assert kept.read_text() == "max_tokens = 60\n"
    assert path.is_symlink()


def test_two_that_change_different_settings_at_once_keep_both() -> None:
    values: dict[str, object] = {
        "temperature": 1.1,
        "top_p": 0.5,
        "min_p": 0.1,
        "repetition": 1.2,
        "max_tokens": 60,
        "finish_sentence": False,
        "theme": "nord",
    }
    start = threading.Barrier(len(values))

    def change(name: str) -> None:
        start.wait()
        change_settings({name: values[name]})

    threads = [threading.Thread(target=change, args=(name,)) for name in values]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert load_settings() == Loaded(Settings(**values))  # type: ignore[arg-type]


def test_a_lock_that_another_holds_is_waited_for_and_then_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.05)
    path = settings_file("max_tokens = 50\n")
    lock = path.with_name("settings.toml.lock")
    other = threading.Event()
    held = threading.Event()

    def hold() -> None:
        with files.locked(lock, StorytimeError("busy")):
            held.set()
            other.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(10)
    with pytest.raises(StorytimeError, match="being changed by another program"):
        change_settings({"max_tokens": 60})
    other.set()
    holder.join()
    assert path.read_text() == "max_tokens = 50\n"


def test_settings_load_neither_torch_nor_numpy() -> None:
    script = "import sys, storytime_tui.settings; print({'torch', 'numpy', 'filelock', 'tomli_w'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
