"""Several programs and threads change one shelf at once: each change that was acknowledged holds, nothing else goes."""

import contextlib
import dataclasses
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from storytime_tui import paths
from storytime_tui.corpus.collection import Collection
from storytime_tui.corpus.library import changes, importing, lock
from storytime_tui.corpus.library import shelf as shelf_module
from storytime_tui.corpus.library.importing import AddedCollection, add_collection
from storytime_tui.corpus.library.lock import shelf_locked
from storytime_tui.corpus.library.shelf import find_collection, load_shelf, load_shelf_with_problems
from storytime_tui.errors import CorpusError, StorytimeError
from storytime_tui.jobs import shelves


@pytest.fixture(autouse=True)
def no_bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "bundled_collections_folder", lambda: tmp_path / "nowhere")


def texts(folder: Path, count: int, word: str = "fox") -> Path:
    folder.mkdir(parents=True)
    for number in range(count):
        (folder / f"t{number:02}.txt").write_text(f"Tale {number}\n\nOnce a {word} had {number} apples.")
    return folder


@pytest.fixture
def tales(tmp_path: Path) -> Collection:
    return add_collection([texts(tmp_path / "tales", 16)]).collection


def all_at_once(calls: Sequence[Callable[[], object]]) -> list[object]:
    """Do them in threads that begin together; what each gave or raised."""
    begin = threading.Barrier(len(calls))
    results: list[object] = [None] * len(calls)
    faults: list[BaseException] = []

    def do(place: int) -> None:
        begin.wait(20)
        try:
            results[place] = calls[place]()
        except StorytimeError as error:
            results[place] = error
        except BaseException as error:  # raised below: one in a thread would fail no test
            faults.append(error)

    threads = [threading.Thread(target=do, args=(place,)) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if faults:
        raise faults[0]
    return results


def names_on_disk() -> set[str]:
    return {path.name for path in paths.collections_folder().iterdir() if path.name != ".removed"}


# -- cards ------------------------------------------------------------------------------------------------

_RENAMES = """
import sys
from storytime_tui.corpus.library import changes
from storytime_tui.corpus.library.shelf import find_collection
tales = find_collection("tales")
sys.stdin.readline()
for place in map(int, sys.argv[1:]):
    changes.rename(tales, place, f"New {place}")
"""


def test_renames_of_several_programs_and_threads_are_all_kept(tales: Collection) -> None:
    others = [
        subprocess.Popen(
            [sys.executable, "-c", _RENAMES, *map(str, places)], stdin=subprocess.PIPE, text=True
        )
        for places in (range(8, 12), range(12, 16))
    ]
    for other in others:
        assert other.stdin is not None
        with contextlib.closing(other.stdin):
            other.stdin.write("go\n")
    said = all_at_once([lambda n=n: changes.rename(tales, n, f"New {n}") for n in range(8)])  # type: ignore[misc]
    assert [other.wait(60) for other in others] == [0, 0]
    assert said == [""] * 8
    assert [story.title for story in find_collection("tales").stories] == [f"New {n}" for n in range(16)]


def test_changes_of_every_kind_to_one_card_are_all_kept(tales: Collection) -> None:
    removed = changes.remove(tales, 9)
    said = all_at_once(
        [
            lambda: changes.rename(tales, None, "Fables"),
            lambda: changes.rename(tales, 0, "New 0"),
            lambda: changes.rename(tales, 1, "New 1"),
            lambda: changes.remove(tales, 2),
            lambda: changes.remove(tales, 3),
            lambda: changes.undo(removed),
            lambda: changes.set_punctuation(tales, plain=False),
        ]
    )
    assert not [each for each in said if isinstance(each, Exception)]
    now = find_collection("tales")
    assert (now.title, now.plain_punctuation) == ("Fables", False)
    wanted = ["New 0", "New 1", *(f"Tale {n}" for n in range(4, 16))]
    assert [story.title for story in now.stories] == wanted


def test_of_a_story_that_two_remove_one_is_told_that_it_has_gone(tales: Collection) -> None:
    said = all_at_once([lambda: changes.remove(tales, 0)] * 4)
    refused = [each for each in said if isinstance(each, CorpusError)]
    assert len(refused) == 3
    assert all("“Tale 0” is no longer there" in str(each) for each in refused)
    with pytest.raises(CorpusError, match="“Tale 0” is no longer there"):
        changes.rename(tales, 0, "Ghost")
    (gone,) = changes.stories_removed_from(tales)
    changes.undo(gone)
    with pytest.raises(CorpusError, match="is back already"):
        changes.undo(gone)
    assert find_collection("tales").stories == tales.stories


# -- collections that go while one looks at them ----------------------------------------------------------


def every_change(collection: Collection) -> Iterator[Callable[[], object]]:
    yield lambda: changes.rename(collection, None, "Ghost")
    yield lambda: changes.rename(collection, 0, "Ghost")
    yield lambda: changes.remove(collection)
    yield lambda: changes.remove(collection, 0)
    yield lambda: changes.set_punctuation(collection, plain=False)


def test_what_another_program_removed_cannot_be_changed_and_leaves_no_ghost(tales: Collection) -> None:
    changes.remove(find_collection("tales"))
    for change in every_change(tales):
        with pytest.raises(CorpusError, match="“Tales” is no longer there"):
            change()
    assert names_on_disk() == set()
    assert shelves.restore("tales").name == "tales"
    assert find_collection("tales") == tales


def test_another_collection_that_has_the_name_by_now_is_not_changed(
    tales: Collection, tmp_path: Path
) -> None:
    story = changes.remove(tales, 1)
    changes.remove(find_collection("tales"))
    other = add_collection([texts(tmp_path / "other", 3, "hen")], "tales").collection
    for change in every_change(tales):
        with pytest.raises(CorpusError, match="“Tales” is no longer there"):
            change()
    with pytest.raises(CorpusError, match="bring it back first"):
        changes.undo(story)
    assert find_collection("tales") == other
    assert changes.stories_removed_from(other) == []


def test_a_disk_that_numbers_its_folders_anew_is_no_hindrance(tales: Collection) -> None:
    changes.rename(dataclasses.replace(tales, folder_id=(1, 1)), 0, "New 0")
    assert find_collection("tales").stories[0].title == "New 0"


def test_a_collection_is_removed_once_and_comes_back_once(tales: Collection) -> None:
    said = all_at_once([lambda: changes.remove(tales)] * 4)
    assert sum(isinstance(each, CorpusError) for each in said) == 3
    (removed,) = changes.removed_collections()
    said = all_at_once([lambda: changes.undo(removed)] * 4)
    assert sum(isinstance(each, CorpusError) and "no longer there" in str(each) for each in said) == 3
    assert names_on_disk() == {"tales"}
    assert find_collection("tales") == tales
    with pytest.raises(CorpusError, match="No collection called “tales” was removed"):
        shelves.restore("tales")


def test_two_removed_in_the_same_moment_both_come_back(
    tales: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now)
    changes.remove(tales)
    changes.remove(add_collection([texts(tmp_path / "other", 3, "hen")], "tales").collection)
    assert shelves.restore("tales").name == "tales"
    assert shelves.restore("tales").name == "tales-2"
    assert len(find_collection("tales").stories) == 3  # the last removed comes first
    assert len(find_collection("tales-2").stories) == 16


def test_what_comes_back_overwrites_nothing_that_has_its_name(tales: Collection) -> None:
    removed = changes.remove(tales)
    place = paths.collections_folder() / "tales"
    (paths.collections_folder() / "tales-2").symlink_to("nowhere")
    (paths.collections_folder() / "tales-3").mkdir()  # an empty folder
    place.write_text("a file")
    assert changes.undo(removed).name == "tales-4"
    assert place.read_text() == "a file"
    assert names_on_disk() == {"tales", "tales-2", "tales-3", "tales-4"}


def test_a_folder_with_an_odd_name_is_removed_and_comes_back_by_either_name(tales: Collection) -> None:
    for name, called in (("grimm (copy)", "grimm-copy"), ("x" * 255, "x" * 60), ("狐狸", "collection")):
        folder = paths.collections_folder() / name
        assert tales.folder is not None
        (paths.collections_folder() / "tales").rename(folder)
        changes.remove(find_collection(called))
        assert load_shelf() == ()
        back = shelves.restore(called)
        assert back.name == name[:200]
        (paths.collections_folder() / back.name).rename(paths.collections_folder() / "tales")


def test_a_collection_that_is_not_on_the_shelf_is_nobodys_to_change(tmp_path: Path) -> None:
    mine = texts(tmp_path / "mine", 2)
    for collection in (find_collection(str(mine)), find_collection(str(mine / "t00.txt"))):
        for change in every_change(collection):
            with pytest.raises(CorpusError, match="is not on the shelf"):
                change()
    assert sorted(path.name for path in mine.iterdir()) == ["t00.txt", "t01.txt"]


# -- imports ----------------------------------------------------------------------------------------------


def imports_at_once(sources: Sequence[Path], name: str | None) -> list[object]:
    """Imports that have all copied their texts before the first of them is put on the shelf."""
    ready = threading.Barrier(len(sources))

    def report(words: str, done: int, total: int) -> None:
        if words == "putting it on the shelf":
            ready.wait(20)

    return all_at_once([lambda s=s: add_collection([s], name, report=report) for s in sources])  # type: ignore[misc]


def test_of_imports_under_one_name_one_wins_whole_and_the_others_are_told(tmp_path: Path) -> None:
    sources = [texts(tmp_path / str(number) / "tales", 3, f"fox{number}") for number in range(4)]
    said = imports_at_once(sources, "tales")
    (added,) = [each for each in said if isinstance(each, AddedCollection)]
    for each in said:
        assert each is added or "already a collection called tales" in str(each)
    assert names_on_disk() == {"tales"}
    assert find_collection("tales") == added.collection


def test_imports_without_a_name_all_find_one(tmp_path: Path) -> None:
    sources = [texts(tmp_path / str(number) / "tales", 3, f"fox{number}") for number in range(4)]
    said = imports_at_once(sources, None)
    assert names_on_disk() == {"tales", "tales-2", "tales-3", "tales-4"}
    for each in said:
        assert isinstance(each, AddedCollection)
        assert find_collection(each.collection.name) == each.collection


@pytest.mark.parametrize("taken", ["file", "folder", "link"])
def test_a_name_is_free_only_where_nothing_lies_in_its_place(tmp_path: Path, taken: str) -> None:
    place = paths.collections_folder() / "tales"
    place.parent.mkdir(parents=True)
    if taken == "file":
        place.write_text("mine")
    elif taken == "folder":
        place.mkdir()
    else:
        place.symlink_to("nowhere")
    with pytest.raises(CorpusError, match="already a collection called tales"):
        add_collection([texts(tmp_path / "tales", 1)], "tales")
    assert add_collection([tmp_path / "tales"]).collection.name == "tales-2"
    assert place.is_file() if taken == "file" else os.path.lexists(place)


def test_a_name_that_is_taken_while_texts_are_copied_is_left_to_whoever_took_it(tmp_path: Path) -> None:
    def take(words: str, done: int, total: int) -> None:
        if words == "putting it on the shelf":
            place = paths.collections_folder() / "tales"
            place.mkdir()
            (place / "theirs.txt").write_text("Theirs.")

    with pytest.raises(CorpusError, match="already a collection called tales"):
        add_collection([texts(tmp_path / "tales", 1)], "tales", report=take)
    assert (paths.collections_folder() / "tales" / "theirs.txt").read_text() == "Theirs."
    assert names_on_disk() == {"tales"}


def test_what_is_removed_the_moment_it_was_added_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = importing.read_folder

    def removed_first(folder: Path) -> object:
        changes.remove(original(folder)[0])
        return original(folder)

    monkeypatch.setattr(importing, "read_folder", removed_first)
    with pytest.raises(CorpusError, match="tales was added, and another program removed it at once"):
        add_collection([texts(tmp_path / "tales", 1)])


def test_what_is_removed_and_brought_back_while_the_shelf_is_read_is_no_trouble(
    tales: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, reads = shelf_module.read_folder, []

    def moved_meanwhile(folder: Path, **how: bool) -> object:
        reads.append(folder)
        if len(reads) == 1:
            changes.undo(changes.remove(tales))
            raise CorpusError("None of its texts exists.")
        return original(folder, **how)

    monkeypatch.setattr(shelf_module, "read_folder", moved_meanwhile)
    monkeypatch.setattr(shelf_module, "roots", lambda: ((paths.collections_folder(), False),))
    (found,), problems = load_shelf_with_problems()
    assert (found.name, problems, len(reads)) == (tales.name, (), 2)


# -- all of it together -----------------------------------------------------------------------------------


def test_whatever_is_done_at_once_nothing_is_lost(tmp_path: Path) -> None:
    sources = [texts(tmp_path / str(number) / "tales", 2, f"fox{number}") for number in range(4)]
    added: list[str] = []

    def meddle(number: int) -> None:
        chance = random.Random(number)
        added.append(str(add_collection([sources[number]]).collection.stories[0].text))
        for turn in range(12):
            with contextlib.suppress(CorpusError):  # it went meanwhile
                shelf, problems = load_shelf_with_problems()
                assert problems == ()
                gone = changes.removed_collections()
                what = chance.randrange(3)
                if what == 0 and shelf:
                    changes.remove(chance.choice(shelf))
                elif what == 1 and gone:
                    changes.undo(chance.choice(gone))
                elif shelf:
                    changes.rename(chance.choice(shelf), chance.randrange(2), f"Title {number} {turn}")

    assert all_at_once([lambda n=n: meddle(n) for n in range(4)]) == [None] * 4  # type: ignore[misc]
    for gone in changes.removed_collections():
        changes.undo(gone)
    shelf, problems = load_shelf_with_problems()
    assert problems == ()
    assert sorted(collection.stories[0].text for collection in shelf) == sorted(added)
    assert len(names_on_disk()) == 4


def test_a_shelf_that_stays_locked_is_a_sentence(tales: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "_PATIENCE", 0.05)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with shelf_locked():
            held.set()
            done.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(20)
    try:
        for change in every_change(tales):
            with pytest.raises(CorpusError, match="is being changed by another program"):
                change()
        assert load_shelf() == (tales,)  # looking needs no lock
    finally:
        done.set()
        holder.join()


def test_a_lock_that_cannot_be_had_is_a_sentence_that_names_it(tales: Collection) -> None:
    place = paths.collections_folder().with_name("collections.lock")
    place.unlink(missing_ok=True)
    place.mkdir()
    for change in every_change(tales):
        with pytest.raises(CorpusError, match=r"collections\.lock"):
            change()
    assert load_shelf() == (tales,)
