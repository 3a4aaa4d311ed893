"""Whatever lies on the shelf, the rest of it is shown, at once, and what cannot be read is named."""

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from storytime_tui import paths
from storytime_tui.cli import main
from storytime_tui.corpus.library import changes, prepared
from storytime_tui.corpus.library import shelf as shelf_module
from storytime_tui.corpus.library.cards import CARD, Card, read_card
from storytime_tui.corpus.library.importing import add_collection
from storytime_tui.corpus.library.shelf import find_collection, load_shelf, load_shelf_with_problems
from storytime_tui.errors import CorpusError
from storytime_tui.jobs import shelves
from tests.examples import many

BROKEN_CARDS: dict[str, str | bytes] = {
    "no-toml": "title = ",
    "digits": "title = " + "9" * 5000,
    "huge": "title = 0x" + "f" * 100_000,
    "deep": "title = " + "[" * 100_000,
    "tables": "title = " + "{a=" * 50_000,
    "parts": "title" + ".a" * 100_000 + " = 1",
    "kind": "title = 7",
    "date": "title = 2000-01-01",
    "unknown": "colour = 'red'",
    "table": "[title]\na = 1",
    "titles": "titles = ['a']",
    "removed": "removed = 'a'",
    "long": "title = '" + "x" * 10_000_000 + "'",
    "no-utf8": b"title = '\xff\xfe'",
    "nothing": b"\0" * 1000,
}


@pytest.fixture(autouse=True)
def no_bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "bundled_collections_folder", lambda: tmp_path / "nowhere")


def collection(name: str | bytes, card: str | bytes = "") -> Path:
    folder = Path(os.fsdecode(os.fsencode(paths.collections_folder()) + b"/" + os.fsencode(name)))
    folder.mkdir(parents=True)
    (folder / "fox.txt").write_text("The Fox\n\nOnce a fox ran home.")
    if card:
        (folder / CARD).write_bytes(card if isinstance(card, bytes) else card.encode())
    return folder


def listed(capsys: pytest.CaptureFixture[str]) -> tuple[list[str], str]:
    """The names that `corpus list --json` prints, and what it says beside them."""
    capsys.readouterr()
    assert main(["corpus", "list", "--json"]) == 0
    said = capsys.readouterr()
    assert main(["corpus", "list"]) == 0
    table = capsys.readouterr()
    assert table.err == said.err
    names = [json.loads(line)["name"] for line in said.out.splitlines()]
    assert all(any(line.startswith(name) for line in table.out.splitlines()) for name in names)
    assert "Something unexpected" not in said.err and "Traceback" not in said.err
    assert "\x1b" not in table.out + table.err
    return names, said.err


def test_a_broken_card_costs_its_collection_and_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    collection("good")
    for name, card in BROKEN_CARDS.items():
        collection(name, card)
    before = time.monotonic()
    names, said = listed(capsys)
    assert time.monotonic() - before < 20  # a second; it took minutes, or never ended
    assert names == ["good"]
    assert len(said.splitlines()) == len(BROKEN_CARDS)
    for name in BROKEN_CARDS:
        assert str(paths.collections_folder() / name / CARD) in said
    assert find_collection("good").title == "Good"
    with pytest.raises(CorpusError, match=r"deep.collection\.toml is not valid TOML"):
        find_collection("deep")


@pytest.mark.skipif(sys.platform == "win32", reason="needs pipes and links")
def test_what_is_no_collection_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    collection("good")
    root = paths.collections_folder()
    (root / "notes.txt").write_text("Once.")
    (root / "link").symlink_to("nowhere")
    (root / "loop").symlink_to("loop")
    (root / "empty").mkdir()
    os.mkfifo(root / "pipe")
    (root / "device").symlink_to("/dev/zero")
    os.mkfifo(collection("piped") / "tale.txt")
    collection("zeros")
    (root / "zeros" / "tale.txt").symlink_to("/dev/zero")
    (root / "Desktop.ini").write_text("")
    (root / ".hidden").mkdir()
    for name in ("pipe-card", "device-card", "folder-card"):
        collection(name)
    os.mkfifo(root / "pipe-card" / CARD)
    (root / "device-card" / CARD).symlink_to("/dev/zero")
    (root / "folder-card" / CARD).mkdir()
    (root / "outside").symlink_to(
        collection("../outside")
    )  # a folder that is linked to is one like any other
    names, said = listed(capsys)
    assert sorted(names) == ["good", "outside", "piped", "zeros"]
    for name in ("notes.txt", "link", "loop", "empty", "pipe", "device", "piped/tale.txt", "zeros/tale.txt"):
        assert f"{root / name} " in said
    for name in ("pipe-card", "device-card", "folder-card"):
        assert f"{root / name / CARD} cannot be read" in said
    assert len(said.splitlines()) == 11


ODD_NAMES = [
    "grimm (copy)",
    "two  spaces",
    "line\nend",
    "\x1b[2Jescape",
    "[b]markup[/b]",
    "狐狸",
    "x" * 255,
    "--json",
    "con",
    "ſtory",
]


@pytest.mark.skipif(sys.platform == "win32", reason="such names cannot be there")
def test_folders_with_odd_names_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ODD_NAMES:
        collection(name)
    if sys.platform != "darwin":
        collection(b"b\xffytes")
    names, said = listed(capsys)
    assert said == ""
    assert len(names) == len(set(names)) == len(load_shelf()) >= len(ODD_NAMES)
    assert {"grimm-copy", "line-end", "2jescape", "collection", "x" * 60} <= set(names)
    for name in names:
        assert find_collection(name).stories[0].title == "The Fox"
        assert main(["corpus", "remove", "--", name]) == 0
    assert load_shelf() == ()
    assert main(["corpus", "restore"]) == 0
    for name in names:
        assert main(["corpus", "restore", "--", name]) == 0
    assert {each.name for each in load_shelf()} == set(names)


def test_a_copy_made_in_a_file_manager_stands_beside_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    collection("grimm", "title = 'Grimm'")
    collection("grimm (copy)", "title = 'Grimm'")
    collection("grimm-copy", "title = 'Grimm'")  # would be called the same
    names, said = listed(capsys)
    assert names == ["grimm", "grimm-copy"]
    assert "is a second collection called grimm-copy: rename the folder" in said
    changes.rename(find_collection("grimm-copy"), None, "Second")
    assert find_collection("grimm").title == "Grimm"


@pytest.fixture
def shut() -> Iterator[Path]:
    """A home in which permissions hold for us, who are no root for a while."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("STORYTIME_HOME", str(home))
            patch.setattr(paths, "bundled_collections_folder", lambda: Path(folder) / "nowhere")
            collection("good")
            load_shelf()  # all modules are loaded now: nobody could
            is_root = os.geteuid() == 0
            if is_root:
                for path in (Path(folder), *Path(folder).rglob("*")):
                    os.chown(path, 65534, 65534)
                os.seteuid(65534)
            try:
                yield home
            finally:
                if is_root:
                    os.seteuid(0)
                for path in home.rglob("*"):
                    if path.is_dir():
                        path.chmod(0o700)


@pytest.mark.skipif(sys.platform == "win32", reason="has other permissions")
def test_a_folder_without_permission_is_named(shut: Path) -> None:
    root = paths.collections_folder()
    collection("shut").chmod(0)
    (collection("shut-card", "title = 'x'") / CARD).chmod(0)
    (collection("shut-text") / "fox.txt").chmod(0)
    collection("unlisted").chmod(0o311)
    shelf, problems = load_shelf_with_problems()
    assert [each.name for each in shelf] == ["good"]
    for name, problem in zip(("shut", "shut-card", "shut-text", "unlisted"), problems, strict=True):
        assert str(root / name) in problem
    good = find_collection("good")
    root.chmod(0o555)
    with pytest.raises(CorpusError, match="No permission"):
        changes.remove(good)
    root.chmod(0o444)  # names can be listed, and nothing behind them
    shelf, problems = load_shelf_with_problems()
    assert shelf == () and len(problems) == 5
    root.chmod(0)
    assert "cannot be read" in load_shelf_with_problems()[1][0]
    root.chmod(0o755)
    assert changes.rename(good, None, "Better") == ""
    (root / ".removed").mkdir(mode=0)
    with pytest.raises(CorpusError, match="No permission"):
        changes.removed_collections()
    with pytest.raises(CorpusError, match="No permission"):
        changes.remove(good)
    assert find_collection("good").title == "Better"


def test_a_fault_of_our_own_costs_one_collection(monkeypatch: pytest.MonkeyPatch) -> None:
    collection("bad")
    collection("good")
    original = shelf_module.read_folder

    def broken(folder: Path, **options: Any) -> object:
        if folder.name == "bad":
            raise RecursionError("too deep: Once a fox ran home")
        return original(folder, **options)

    monkeypatch.setattr(shelf_module, "read_folder", broken)
    shelf, problems = load_shelf_with_problems()
    assert [each.name for each in shelf] == ["good"]
    assert len(problems) == 1
    assert str(paths.collections_folder() / "bad") in problems[0] and "RecursionError" in problems[0]


def test_the_bin_may_hold_anything(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for name, card in BROKEN_CARDS.items():
        changes.remove(find_collection(collection(name).name))
        (entry,) = (each for each in changes.removed_collections() if each.name == name)
        (entry.folder / CARD).write_bytes(card if isinstance(card, bytes) else card.encode())
    changes.remove(find_collection(collection("good", "title = 'Good One'").name))
    trash = paths.collections_folder() / ".removed"
    (trash / "stray").mkdir()
    (trash / "123-file").write_text("")
    (trash / ("9" * 20 + "-.part-x")).mkdir()
    assert main(["corpus", "restore", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith('{"coll')]
    assert {row["collection"] for row in rows} == {"good", "part-x", *BROKEN_CARDS}
    assert shelves.restore("good one").name == "good"
    assert shelves.restore("part-x").name == "part-x"  # a hidden name would not be seen again
    assert main(["corpus", "restore", "deep"]) == 0
    assert [each.name for each in load_shelf()] == ["good"]


def test_a_bin_that_is_a_file_is_a_sentence() -> None:
    collection("good")
    (paths.collections_folder() / ".removed").write_text("mine")
    assert changes.removed_collections() == []
    with pytest.raises(CorpusError, match="Removing the collection good did not finish"):
        changes.remove(find_collection("good"))
    assert [each.name for each in load_shelf()] == ["good"]


# -- titles -----------------------------------------------------------------------------------------------


def test_a_title_has_an_end(capsys: pytest.CaptureFixture[str]) -> None:
    collection("good", f"title = '{'x' * 900_000}'\nauthor = '{'y' * 1000}'\n")
    (long,) = load_shelf()
    assert (len(long.title), len(long.author)) == (300, 300)
    assert long.title.endswith("x…")
    for title, said in (
        ("z" * 301, "at most 300 letters, but this one has 301"),
        ("z" * 10_000_000, "at most 300 letters, but this one has 10,000,000"),
        ("a\x1b[2Jb", "cannot hold control characters, as “a␛[2Jb” does"),
        ("a\u202eb", "cannot hold control characters"),
        ("\ud800", "cannot hold control characters"),
        (" \n\t ", "at least one letter"),
    ):
        for index in (None, 0):
            with pytest.raises(CorpusError, match=said.replace("[", r"\[")) as caught:
                changes.rename(long, index, title)
            assert len(str(caught.value)) < 200
    assert changes.rename(long, None, "狐" * 300) == ""
    assert find_collection("good").title == "狐" * 300
    names, _ = listed(capsys)
    assert names == ["good"]


def test_a_new_collections_name_has_an_end(tmp_path: Path) -> None:
    (tmp_path / "fox.txt").write_text("The Fox\n\nOnce.")
    with pytest.raises(CorpusError, match="at most 300 letters"):
        add_collection([tmp_path / "fox.txt"], "A" * 301)
    assert load_shelf() == ()
    pasted = shelves.add_text("Once a fox ran home.", "T" * 5000)  # pasted words are not lost for their title
    assert len(pasted.collection.title) == 300


# -- anything in a card, anything in the cache ------------------------------------------------------------

_values = st.recursive(
    st.one_of(st.text(max_size=8), st.integers(), st.floats(), st.booleans(), st.dates(), st.times()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
_keys = st.sampled_from(
    ["title", "author", "source", "licence", "description", "punctuation", "titles", "removed"]
)


@settings(max_examples=many(40))
@given(st.dictionaries(_keys, _values, max_size=4))
def test_whatever_a_card_says_it_is_a_card_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, found: dict[str, Any]
) -> None:
    folder = tmp_path_factory.mktemp("card")
    (folder / CARD).write_bytes(tomli_w.dumps(found).encode())
    said = ""
    card = Card()
    try:
        card = read_card(folder)
    except CorpusError as error:
        said = str(error)
    assert not said or (str(folder / CARD) in said and "\n" not in said)
    if not said:
        for text in (card.title, card.author, card.source, *card.titles.values()):
            assert isinstance(text, str) and "\n" not in text
        assert all(isinstance(place, str) for place in card.removed)


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)


@settings(max_examples=many(40))
@given(st.data())
def test_whatever_the_cache_says_the_stories_are_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    base = tmp_path_factory.getbasetemp() / "hostile-cache"
    text = base / "fox.txt"
    if not base.exists():
        base.mkdir()
        text.write_text("The Fox\n\nOnce a fox ran home.\n\nHe slept.")
    sources = [prepared.Source(text, "fox.txt")]
    before = prepared.prepare_sources(sources, base / "cache")
    (folder,) = (base / "cache").iterdir()
    index = json.loads((folder / "index.json").read_text())
    spoilt = data.draw(st.sampled_from(["key", "field", "whole"]))
    if spoilt == "key":
        index[data.draw(st.sampled_from(sorted(index)))] = data.draw(_json)
    elif spoilt == "field":
        with np.load(folder / "stories.npz") as table:
            columns = dict(table)
        name = data.draw(st.sampled_from(sorted(columns)))
        whole, few = st.integers(-2, 2**40), st.sampled_from([(1,), (8,), (1, 8), (2, 8), (32,)])
        columns[name] = data.draw(
            arrays(np.int64, few, elements=whole) | arrays(np.uint8, few) | arrays(np.float64, few)
        )
        np.savez(folder / "stories.npz", **columns)
    else:
        index = data.draw(_json)
    (folder / "index.json").write_text(json.dumps(index))
    now = prepared.prepare_sources(sources, base / "cache")
    for story in now.stories:
        assert isinstance(story.title, str) and isinstance(story.file, str)
        assert story.words >= 0 and isinstance(story.facts.digest, str)
        assert isinstance(story.text, str)
    assert all(isinstance(each, str) for each in (*now.problems, *now.titles, *now.authors))
    assert len(now.stories) in (0, len(before.stories))


@pytest.mark.skipif(sys.platform == "win32", reason="needs pipes and links")
@pytest.mark.parametrize(
    "kind", ["file", "pipe", "link", "device", "index-pipe", "texts-pipe", "table-pipe", "sketch-device"]
)
def test_what_lies_in_the_place_of_the_cache_is_no_obstacle(tmp_path: Path, kind: str) -> None:
    text = tmp_path / "fox.txt"
    text.write_text("The Fox\n\nOnce a fox ran home.")
    sources = [prepared.Source(text, "fox.txt")]
    cache = tmp_path / "cache"
    before = prepared.prepare_sources(sources, cache)
    (folder,) = cache.iterdir()
    if "-" in kind:
        place = (
            folder
            / {
                "index": "index.json",
                "texts": "stories.txt",
                "table": "stories.npz",
                "sketch": "sketches.npy",
            }[kind.split("-")[0]]
        )
        place.unlink()
    else:
        place = folder
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
    if kind.endswith("pipe"):
        os.mkfifo(place)
    elif kind.endswith("device"):
        place.symlink_to("/dev/zero")
    elif kind == "file":
        place.write_text("mine")
    else:
        place.symlink_to("nowhere")
    assert [story.text for story in prepared.prepare_sources(sources, cache).stories] == [
        s.text for s in before.stories
    ]
    assert folder.is_dir() and [path.name for path in cache.iterdir()] == [folder.name]
