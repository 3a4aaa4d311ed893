"""The shelf: bundled and imported collections, found by name or path, imported whole or not at all."""

import errno
from pathlib import Path

import pytest

from storytime_tui import files, paths
from storytime_tui.corpus.library.importing import add_collection
from storytime_tui.corpus.library.shelf import find_collection, load_shelf, load_shelf_with_problems
from storytime_tui.errors import CorpusError

SHOWN = "[/b] [@click=app.quit] \x1b[2J"


def write(path: Path, text: str = "Once upon a time.\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One small collection that ships with the program."""
    folder = tmp_path / "bundled"
    write(folder / "hedge-tales" / "wren.txt", "The Wren\n\nShe sang.")
    write(folder / "hedge-tales" / "collection.toml", 'title = "Hedge Tales"\nlicence = "MIT"\n')
    monkeypatch.setattr(paths, "bundled_collections_folder", lambda: folder)
    return folder


@pytest.fixture
def books(tmp_path: Path) -> Path:
    """A folder of two good texts and a bad one."""
    write(tmp_path / "books" / "one.txt", "One.\r\n\r\nLine\r\nends.")
    write(tmp_path / "books" / "two.txt", "“Two.”")
    (tmp_path / "books" / "bad.txt").write_bytes(b"\0\1")
    return tmp_path / "books"


def left_behind() -> list[str]:
    folder = paths.collections_folder()
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_bundled_come_first_then_imported_by_title(books: Path) -> None:
    (books / "bad.txt").unlink()
    for name in ("zebra", "Apple", "mole"):
        add_collection([books], name)
    shelf = load_shelf()
    assert [(c.name, c.title, c.bundled) for c in shelf] == [
        ("hedge-tales", "Hedge Tales", True),
        ("apple", "Apple", False),
        ("mole", "Mole", False),
        ("zebra", "Zebra", False),
    ]


def test_a_damaged_collection_does_not_take_the_shelf_down(books: Path) -> None:
    add_collection([books / "one.txt"], "good")
    add_collection([books / "one.txt", books / "two.txt"], "half")
    (paths.collections_folder() / "half" / "two.txt").write_bytes(b"\0\1\2\3" * 9)
    (paths.collections_folder() / "empty").mkdir()
    write(paths.collections_folder() / "card" / "a.txt")
    write(paths.collections_folder() / "card" / "collection.toml", "title = ")
    write(paths.collections_folder() / "Hedge Tales" / "a.txt")
    (paths.collections_folder() / ".part-unfinished").mkdir()
    shelf, problems = load_shelf_with_problems()
    assert [collection.name for collection in shelf] == ["hedge-tales", "good", "half"]
    assert len(problems) == 4
    for problem, word in zip(
        sorted(problems), ("Hedge Tales", "collection.toml", "two.txt", "empty"), strict=True
    ):
        assert word in problem
    with pytest.raises(CorpusError, match=r"two\.txt"):
        find_collection("half")  # whoever learns from it must know


def test_collections_are_found_by_name_title_and_path(books: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (books / "bad.txt").unlink()
    assert find_collection("hedge-tales").bundled
    assert find_collection("Hedge Tales").bundled
    assert [story.title for story in find_collection(str(books)).stories] == ["One", "Two"]
    assert [story.text for story in find_collection(str(books / "two.txt")).stories] == ['"Two."']
    monkeypatch.chdir(books.parent)
    assert len(find_collection("books").stories) == 2
    assert find_collection("books/one.txt").name == "one"
    monkeypatch.chdir(books)
    assert find_collection(".").name == "books"


def test_what_is_not_found_gets_the_nearest_names() -> None:
    with pytest.raises(CorpusError, match=r"called 'hedge-tale'\. Did you mean hedge-tales\?"):
        find_collection("hedge-tale")
    with pytest.raises(CorpusError, match="corpus list"):
        find_collection("xyzzy")
    with pytest.raises(CorpusError, match="nothing at"):
        find_collection("no/such/folder")
    for odd in ("", "a" * 5000, "nul\0nul", SHOWN, "~nobody-here/x"):
        with pytest.raises(CorpusError) as caught:
            find_collection(odd)
        assert "\x1b" not in str(caught.value)


def test_a_bad_text_in_a_folder_given_by_path_is_an_error(books: Path) -> None:
    with pytest.raises(CorpusError, match=r"bad\.txt is a binary file"):
        find_collection(str(books))


def test_adding_a_folder_copies_its_good_texts_and_tells_of_the_others(books: Path) -> None:
    added = add_collection([books])
    assert added.collection.name == "books"
    assert [story.text for story in added.collection.stories] == ["One.\n\nLine\nends.", '"Two."']
    assert len(added.problems) == 1
    assert "bad.txt" in added.problems[0]
    folder = paths.collections_folder() / "books"
    assert (folder / "two.txt").read_bytes() == "“Two.”".encode()  # as read: better cleaning may come
    assert sorted(path.name for path in folder.iterdir()) == ["collection.toml", "one.txt", "two.txt"]
    assert find_collection("books").source == str(books)


def test_files_and_folders_with_the_same_names_go_together(tmp_path: Path, books: Path) -> None:
    other = write(tmp_path / "other" / "ONE.txt", "Another one.")
    added = add_collection([books, other], "Both Of Them")
    assert (added.collection.name, added.collection.title) == ("both-of-them", "Both Of Them")
    assert len(added.collection.stories) == 3


def test_a_source_folder_keeps_its_card(tmp_path: Path, books: Path) -> None:
    write(
        books / "collection.toml",
        'title = "My Books"\nauthor = "A. Hare"\nlicence = "CC0"\nsource = "home"\n',
    )
    collection = add_collection([books]).collection
    assert (collection.title, collection.author, collection.licence, collection.source) == (
        "My Books",
        "A. Hare",
        "CC0",
        "home",
    )


def test_names_that_are_taken_are_refused_and_nothing_is_lost(books: Path) -> None:
    first = add_collection([books / "one.txt"], "tales").collection
    for name in ("tales", "Tales", "hedge-tales"):
        with pytest.raises(CorpusError, match="already a collection called"):
            add_collection([books / "two.txt"], name)
    assert find_collection("tales") == first
    assert left_behind() == ["tales"]


def test_without_a_name_a_free_one_is_chosen(tmp_path: Path, books: Path) -> None:
    other = write(tmp_path / "deeper" / "Hedge Tales.txt", "Another.")
    names = [
        add_collection(sources).collection.name for sources in ([books], [books], [other], [other], [other])
    ]
    assert names == ["books", "books-2", "hedge-tales-2", "hedge-tales-3", "hedge-tales-4"]
    apart = [other, write(tmp_path / "x.txt")]
    assert add_collection(apart).collection.name == "collection"
    assert add_collection([write(tmp_path / "日本.txt", "Once.")]).collection.name == "collection-2"


def test_one_book_gives_the_collection_its_own_title(tmp_path: Path) -> None:
    tales = "\n\n\n\n".join(
        f"{title}\n\n{'It rained on the mill. ' * 30}" for title in ("THE FOX", "THE HEN", "THE OX")
    )
    start = "*** START OF THE PROJECT GUTENBERG EBOOK X ***"
    book = f"The Project Gutenberg eBook of Wendel\n\nTitle: Wendel's Tales\n\n{start}"
    book += f"\n\n\n\n{tales}\n\n\n\n*** END OF THE PROJECT GUTENBERG EBOOK X ***\n"
    one = add_collection([write(tmp_path / "pg99.txt", book)]).collection
    assert (one.name, one.title, len(one.stories)) == ("pg99", "Wendel's Tales", 3)
    two = add_collection([tmp_path / "pg99.txt", write(tmp_path / "x.txt")], name="both").collection
    assert two.title == "Both"


def test_bad_sources_import_nothing(tmp_path: Path, books: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    only_bad = tmp_path / "only-bad"
    only_bad.mkdir()
    (only_bad / "bad.txt").write_bytes(b"\0\1\2\3" * 9)
    for sources, said in (
        ([books, books / "bad.txt"], "binary"),
        ([empty], "holds no .txt, .md"),
        ([only_bad], "only-bad/bad.txt is a binary file"),
        ([tmp_path / "gone"], "does not exist"),
        ([], "Nothing was named"),
    ):
        with pytest.raises(CorpusError) as caught:
            add_collection(sources, "new")
        assert said in str(caught.value)
    with pytest.raises(CorpusError, match="needs a letter"):
        add_collection([books], "日本")
    assert left_behind() == []


def test_a_full_disk_leaves_nothing_half_imported(books: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "_sync_file", full)
    with pytest.raises(CorpusError, match="disk is full"):
        add_collection([books])
    assert left_behind() == []


def test_markup_and_escapes_in_names_and_texts_do_no_harm(tmp_path: Path) -> None:
    source = tmp_path / "odd"
    source.mkdir()
    write(source / "[@click=app.quit] \x1b[2J.txt", f"{SHOWN} story.")
    write(source / "titled.txt", f"Fox {SHOWN}\n\nTale.")
    collection = add_collection([source], SHOWN).collection
    assert collection.name == "b-click-app-quit-2j"
    assert collection.title == "[/b] [@click=app.quit] ␛[2J"
    assert [story.title for story in collection.stories] == [
        "[@click=app.quit] ␛[2J",
        "Fox [/b] [@click=app.quit] ␛[2J",
    ]
    assert collection.stories[0].text == f"{SHOWN} story."  # a story is kept as it is written
    assert "\x1b" not in "".join(story.file for story in collection.stories)


def test_without_any_folder_the_shelf_is_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "bundled_collections_folder", lambda: tmp_path / "nowhere")
    assert load_shelf_with_problems() == ((), ())
