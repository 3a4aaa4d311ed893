import itertools
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from storytime_tui.corpus.web import gutenberg, polite
from storytime_tui.corpus.web.addresses import DownloadStopped
from storytime_tui.corpus.web.gutenberg import (
    GutenbergBook,
    classics,
    fetch,
    numbered,
    search,
    search_offline,
)
from storytime_tui.corpus.web.spelling import letters_off, near
from tests.corpus.conftest import refusal
from tests.loopback_library import TALES, LoopbackLibrary, Tale, Waits, manners_without_waiting

KETTLE = GutenbergBook(90001, "The Kettle Who Would Not Sing", "Minnie Harrow")
PLACE = "/cache/epub/90001/pg90001.txt"


@pytest.fixture(name="waits")
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> Waits:
    waits = Waits()
    monkeypatch.setattr(polite, "manners", manners_without_waiting(waits))
    return waits


@pytest.fixture(name="library")
def open_library(waits: Waits, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackLibrary]:
    with LoopbackLibrary() as library:
        monkeypatch.setenv("STORYTIME_GUTENDEX", library.url + "/")
        monkeypatch.setenv("STORYTIME_GUTENBERG", library.url)
        yield library


def titles(books: tuple[GutenbergBook, ...]) -> list[str]:
    return [book.title for book in books]


# -- the built-in list ---------------------------------------------------------------------------------------


def test_the_list_holds_facts_about_many_classics() -> None:
    books = classics()
    assert len(books) >= 300
    assert len({book.number for book in books}) == len(books)
    for book in books:
        assert book.number > 0 and book.bytes >= 0
        assert book.title == " ".join(book.title.split()) and book.author
        assert book.year == "" or (book.year.isdigit() and 1700 < int(book.year) < 1931), book
        assert book.subjects, book
        assert "," not in book.author or "comtesse" in book.author, "authors are called as people call them"


def test_what_everybody_looks_for_is_there() -> None:
    numbers = {book.number: book for book in classics()}
    assert numbers[2591].title == "Grimms' Fairy Tales"
    assert numbers[11].author == "Lewis Carroll"
    assert numbers[14838].title == "The Tale of Peter Rabbit"
    for author, count in (("Beatrix Potter", 20), ("Lewis Carroll", 9), ("Jacob and Wilhelm Grimm", 6)):
        assert sum(book.author == author for book in classics()) >= count


def test_the_list_holds_all_the_shared_facts(shared: Path) -> None:
    rows = [
        line.split("\t") for line in (shared / "children_classics.tsv").read_text("utf-8").splitlines()[1:]
    ]
    numbers = {book.number: book for book in classics()}
    for title, _, _, number, size in rows:
        assert numbers[int(number)].bytes == int(size), title


def test_one_authors_books_stand_together() -> None:
    authors = [book.author for book in classics()]
    changes = sum(one != other for one, other in itertools.pairwise(authors))
    assert changes == len(set(authors)) - 1
    assert authors[0] == "Aesop"


# -- searching the list --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("alice", "Alice's Adventures in Wonderland"),
        ("ALICES adventures", "Alice's Adventures in Wonderland"),
        ("peter rabbit", "The Tale of Peter Rabbit"),
        ("the tale of peter", "The Tale of Peter Rabbit"),
        ("rabbit potter", "The Story of a Fierce Bad Rabbit"),
        ("jemima puddleduck", "The Tale of Jemima Puddle-Duck"),
        ("puddle duck", "The Tale of Jemima Puddle-Duck"),
        ("lagerlof", "The Wonderful Adventures of Nils"),
        ("LAGERLÖF", "The Wonderful Adventures of Nils"),
        ("asbjornsen", "Tales from the Fjeld: A Second Series of Popular Tales"),
        ("2591", "Grimms' Fairy Tales"),
        ("secret garden burnett", "The Secret Garden"),
        ("nonsense lear", "The Book of Nonsense"),
    ],
)
def test_the_best_comes_first(query: str, first: str) -> None:
    assert search_offline(query)[0].title == first


def test_every_word_must_fit_somewhere() -> None:
    assert all("Lang" in book.author for book in search_offline("lang fairy book"))
    assert len(search_offline("lang fairy book")) >= 12
    assert search_offline("lang wonderland oz") == ()
    assert {"fairy tales"} <= {subject for book in search_offline("fairy tales") for subject in book.subjects}
    assert any(book.title == "The Velveteen Rabbit" for book in search_offline("toys")), "by its subject"


def test_a_title_that_begins_so_comes_first_then_titles_authors_and_subjects() -> None:
    found = titles(search_offline("prince"))
    assert found[0] == "The Prince and the Pauper", "the very word comes before a longer one"
    assert found.index("The Princess and Curdie") < found.index("The Happy Prince, and Other Tales")
    assert titles(search_offline("fables"))[0] == "Aesop's Fables: A New Translation"
    assert "Just So Stories" in titles(search_offline("fables"))[2:], "by its subject"
    assert titles(search_offline("andersen"))[:2] == [
        "Andersen's Fairy Tales",
        "Fairy Tales of Hans Christian Andersen",
    ]


@pytest.mark.parametrize(
    ("mistyped", "title"),
    [
        ("squirel nutkin", "The Tale of Squirrel Nutkin"),
        ("alise wonderland", "Alice's Adventures in Wonderland"),
        ("beatrx potter jemima", "The Tale of Jemima Puddle-Duck"),
        ("grimsm", "Grimms' Fairy Tales"),
        ("pinochio", "The Adventures of Pinocchio"),
    ],
)
def test_a_slip_of_the_hand_still_finds_it(mistyped: str, title: str) -> None:
    assert title in titles(search_offline(mistyped))


def test_the_nearest_spelling_is_meant_and_few_are_shown() -> None:
    found = search_offline("poter")
    assert all("Potter" in book.author or "Porter" in book.author for book in found)
    assert sum(book.author == "Beatrix Potter" for book in found) > 20
    assert {book.author for book in search_offline("leaer")} == {"Edward Lear"}
    assert search_offline("fxo") == ()  # of three letters, any word is near


def test_letters_off_counts_changes_and_swaps() -> None:
    pairs = [("potter", "potter"), ("poter", "potter"), ("grimsm", "grimms"), ("fox", "hen"), ("", "ab")]
    assert [letters_off(*pair) for pair in pairs] == [0, 1, 1, 3, 2]
    assert near("poter", ["peter", "potter", "porter", "water"]) == {"potter", "porter"}
    assert near("wonderlamb", ["wonderland", "wonder"]) == {"wonderland"}
    assert near("fox", ["box"]) == frozenset()


def test_nonsense_finds_nothing_and_nothing_finds_all() -> None:
    assert search_offline("xqzzvk") == ()
    assert search_offline("  ") == search_offline("...") == classics()


def test_a_search_never_fails() -> None:
    letters = random.Random(7)
    for _ in range(300):
        query = "".join(
            letters.choice("aeortsz '\"-.[(\\\x1b\u0301é鼠\u202e9") for _ in range(letters.randrange(12))
        )
        assert set(search_offline(query)) <= set(classics())


# -- searching everywhere ------------------------------------------------------------------------------------


def test_a_search_asks_gutendex_for_titles_and_subjects(library: LoopbackLibrary, waits: Waits) -> None:
    found = search("snail")
    assert titles(found.books) == ["The Snail's Monday"]
    assert found.note == ""
    first, second = (path for path, _ in library.requests)
    assert first == "/books?search=snail&languages=en&mime_type=text%2Fplain"
    assert second == "/books?topic=snail&languages=en&mime_type=text%2Fplain"
    assert waits.seconds == [1.0]


def test_an_author_is_found_and_called_as_people_say(library: LoopbackLibrary) -> None:
    assert {book.author for book in search("harrow").books} == {"Minnie Harrow"}
    [pell] = search("pell").books
    assert pell == GutenbergBook(90003, "Rabbits of the Lower Orchard", "J. T. Pell", subjects=("Rabbits",))


def test_the_list_comes_first_and_no_book_twice(library: LoopbackLibrary) -> None:
    found = search("rabbit").books
    here = search_offline("rabbit")
    assert found[: len(here)] == here
    assert [book.number for book in found[len(here) :]] == [90003]


def test_books_under_copyright_and_without_a_text_are_left_out(library: LoopbackLibrary) -> None:
    assert search("quick").books == search_offline("quick")


def test_a_number_is_asked_for_as_one(library: LoopbackLibrary) -> None:
    assert titles(search("90002").books) == ["The Snail's Monday"]
    assert library.requests[0][0].startswith("/books?ids=90002&")


def test_a_slip_is_forgiven_only_where_nobody_knows_the_word(library: LoopbackLibrary) -> None:
    assert titles(search("pell").books) == ["Rabbits of the Lower Orchard"]
    assert titles(search("pinochio").books) == ["The Adventures of Pinocchio"]


def test_many_titles_are_enough_without_the_subject(library: LoopbackLibrary) -> None:
    library.page_size = 1
    search("rabbit")
    assert len(library.requests) == 1


def test_what_is_typed_cannot_change_the_question(library: LoopbackLibrary) -> None:
    search("snail&copyright=true#x \x1b[2J")
    assert "/books?search=snail%26copyright%3Dtrue%23x" in library.requests[0][0]
    assert "\x1b" not in library.requests[0][0]


def test_an_empty_search_asks_nobody(library: LoopbackLibrary) -> None:
    assert search("  ").books == classics()
    assert library.requests == []


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("503", "failed (error 503)"),
        ("broken-json", "did not answer with a list of books"),
        ("other-json", "did not answer with a list of books"),
        ("html", "did not answer with a list of books"),
        ("dropped", "broke the connection"),
        ("429-long", "no requests for"),
        ("forbidden", "cannot be searched"),
        ("endless", "cannot be searched"),
    ],
)
def test_without_an_answer_the_list_does(library: LoopbackLibrary, fault: str, words: str) -> None:
    library.faults["/books"] = fault
    found = search("jemima")
    assert titles(found.books) == ["The Tale of Jemima Puddle-Duck"]
    assert words in found.note and "built-in list" in found.note and found.note.endswith(".")


def test_trouble_that_passes_is_waited_out(library: LoopbackLibrary, waits: Waits) -> None:
    library.faults["/books"] = "503-twice"
    assert search("snail").note == ""
    assert waits.seconds == [1.0, 2.0, 1.0]


def test_without_a_network_the_list_answers_at_once(waits: Waits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORYTIME_GUTENDEX", "http://127.0.0.1:9")
    found = search("alice")
    assert found.books == search_offline("alice")
    assert found.note.startswith("127.0.0.1 cannot be reached, so only the built-in list of")
    assert waits.seconds == []


def test_a_silent_catalogue_is_left(library: LoopbackLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gutenberg, "_PATIENCE", 0.05)
    library.faults["/books"] = "silent"
    assert "did not answer for" in search("alice").note


def test_what_came_before_the_trouble_is_kept(
    library: LoopbackLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue = library.catalogue

    def then_fails(query: dict[str, list[str]]) -> dict[str, object]:
        library.faults["/books"] = "503"
        return catalogue(query)

    monkeypatch.setattr(library, "catalogue", then_fails)
    found = search("harrow")
    assert len(found.books) == 2
    assert "error 503" in found.note


def test_a_search_can_be_stopped(library: LoopbackLibrary) -> None:
    library.faults["/books"] = "silent"
    stop = threading.Event()
    threading.Timer(0.05, stop.set).start()
    with pytest.raises(DownloadStopped):
        search("alice", stop=stop)


@pytest.mark.parametrize(
    "entry",
    [
        None,
        7,
        {},
        {"id": "90001", "title": "A", "formats": {"text/plain": "x"}},
        {"id": -3, "title": "A", "formats": {"text/plain": "x"}},
        {"id": 5, "title": None, "formats": {"text/plain": "x"}},
        {"id": 5, "title": " ", "formats": {"text/plain": "x"}},
        {"id": 5, "title": "A", "formats": ["text/plain"]},
        {"id": 5, "title": "A", "formats": {"audio/mpeg": "x"}},
    ],
)
def test_an_odd_entry_is_passed_over(
    library: LoopbackLibrary, monkeypatch: pytest.MonkeyPatch, entry: object
) -> None:
    good = {
        "id": 90009,
        "title": "A \x1b[2JSnail$b with\na tail",
        "formats": {"text/plain": "x"},
        "authors": [3],
    }
    monkeypatch.setattr(library, "catalogue", lambda _: {"results": [entry, good], "next": None})
    [book] = search("xqzzvk").books
    assert book == GutenbergBook(90009, "A ␛[2JSnail: with a tail", "")


@pytest.mark.parametrize(
    ("catalogued", "spoken"),
    [
        ("Burgess, Thornton W. (Thornton Waldo)", "Thornton W. Burgess"),
        ("Aesop", "Aesop"),
        ("Molesworth, Mrs.", "Mrs. Molesworth"),
        ("Harrison, Burton, Mrs.", "Mrs. Burton Harrison"),
        ("Ségur, Sophie, comtesse de", "Sophie, comtesse de Ségur"),
        ("King, Martin Luther, Jr.", "Martin Luther King, Jr."),
        ("", ""),
    ],
)
def test_names_are_turned_round(catalogued: str, spoken: str) -> None:
    assert gutenberg.spoken_name(catalogued) == spoken


# -- by number -----------------------------------------------------------------------------------------------


def test_a_book_is_known_by_its_number(library: LoopbackLibrary) -> None:
    assert numbered(2591).title == "Grimms' Fairy Tales"
    assert library.requests == []
    assert numbered(90003).author == "J. T. Pell"
    library.faults["/books"] = "503"
    assert numbered(90003) == GutenbergBook(90003, "", "")


# -- fetching ------------------------------------------------------------------------------------------------


def test_a_book_is_fetched_with_its_licence_and_source(library: LoopbackLibrary, folder: Path) -> None:
    fetched = fetch(KETTLE, folder)
    assert fetched.path == folder / "the-kettle-who-would-not-sing-90001.txt"
    assert fetched.path.read_bytes() == TALES[0].text()
    assert fetched.url == library.url + PLACE
    assert fetched.book == KETTLE
    assert fetched.licence == "Public domain in the USA (Project Gutenberg)"
    assert fetched.source == "https://www.gutenberg.org/ebooks/90001"
    assert list(folder.iterdir()) == [fetched.path]


@pytest.mark.parametrize("tries", [2, 3, 4])
def test_the_next_place_is_tried_where_there_is_nothing(
    library: LoopbackLibrary, waits: Waits, folder: Path, tries: int
) -> None:
    places = ("/ebooks/{0}.txt.utf-8", "/files/{0}/{0}-0.txt", "/files/{0}/{0}.txt")
    library.places = (places[tries - 2],)
    fetched = fetch(KETTLE, folder)
    assert fetched.path.read_bytes() == TALES[0].text()
    assert len(library.requests) == tries
    assert waits.seconds == [1.0] * (tries - 1)


def test_only_an_absence_sends_to_the_next_place(library: LoopbackLibrary, folder: Path) -> None:
    library.faults[PLACE] = "503"
    assert "error 503" in refusal(lambda: fetch(KETTLE, folder))
    assert set(library.asked()) == {PLACE}


def test_a_book_without_a_text_is_told(library: LoopbackLibrary, folder: Path) -> None:
    assert "no plain text of" in refusal(
        lambda: fetch(GutenbergBook(77777, "The Silent Film", "Nobody"), folder)
    )
    assert "the book with the number 77778" in refusal(lambda: fetch(GutenbergBook(77778, "", ""), folder))


def test_a_book_says_itself_what_it_is_called(library: LoopbackLibrary, folder: Path) -> None:
    assert fetch(GutenbergBook(90001, "", ""), folder).book == KETTLE


def test_a_fetch_goes_on_and_tells_how_far(library: LoopbackLibrary, folder: Path) -> None:
    told: list[tuple[int, int]] = []
    library.faults[PLACE] = "half-sent-once"
    fetched = fetch(KETTLE, folder, report=lambda _, done, total: told.append((done, total)))
    size = len(TALES[0].text())
    assert fetched.path.read_bytes() == TALES[0].text()
    assert (size // 2, size) in told and told[-1] == (size, size)


def test_a_fetch_that_broke_off_goes_on_next_time(library: LoopbackLibrary, folder: Path) -> None:
    library.faults[PLACE] = "half-sent"
    assert "goes on from there" in refusal(lambda: fetch(KETTLE, folder))
    library.faults.clear()
    assert fetch(KETTLE, folder).path.read_bytes() == TALES[0].text()
    assert "Range" in library.requests[-1][1]


@pytest.mark.parametrize("fault", ["html", "html-as-text", "to-login", "empty"])
def test_what_is_no_text_is_refused(library: LoopbackLibrary, folder: Path, fault: str) -> None:
    library.faults[PLACE] = fault
    refusal(lambda: fetch(KETTLE, folder))
    assert list(folder.iterdir()) == []


def test_another_book_in_its_place_is_refused(library: LoopbackLibrary, folder: Path) -> None:
    library.places = ()
    library.put(PLACE, TALES[1].text())
    assert "not the text of" in refusal(lambda: fetch(KETTLE, folder))
    library.put(PLACE, b"A text that nobody knows, of no library.\n" * 100)
    assert "not the text of" in refusal(lambda: fetch(KETTLE, folder))
    assert list(folder.iterdir()) == []


def test_a_book_that_is_cut_short_is_refused(library: LoopbackLibrary, folder: Path) -> None:
    library.places = ()
    library.put(PLACE, TALES[0].text()[:3000])
    assert "cut short" in refusal(lambda: fetch(KETTLE, folder))
    known = GutenbergBook(90001, KETTLE.title, KETTLE.author, bytes=len(TALES[0].text()))
    assert "cut short" in refusal(lambda: fetch(known, folder))
    assert list(folder.iterdir()) == []


def test_an_old_text_without_a_number_is_known_by_its_title(library: LoopbackLibrary, folder: Path) -> None:
    text = TALES[0].text().replace(b" [eBook #90001]", b"").replace(b"*** END OF THE", b"\r\n\r\n*The")
    library.places = ()
    library.put(PLACE, text)
    assert fetch(KETTLE, folder).path.read_bytes() == text
    refusal(lambda: fetch(GutenbergBook(90001, "Dragons and Buttons", ""), folder))


def test_a_text_in_latin_1_is_kept_as_it_is(library: LoopbackLibrary, folder: Path) -> None:
    tale = Tale(90010, "Füchse im Schnee", "Grün, Ada", (), "Und dann schneite es für Füchse.\n" * 20)
    data = tale.text().decode("utf-8-sig").encode("latin-1")
    library.put("/cache/epub/90010/pg90010.txt", data)
    fetched = fetch(GutenbergBook(90010, "", ""), folder)
    assert fetched.path.read_bytes() == data
    assert (fetched.book.title, fetched.book.author) == ("Füchse im Schnee", "Ada Grün")


def test_a_fetch_can_be_stopped_between_two_pieces(library: LoopbackLibrary, folder: Path) -> None:
    stop = threading.Event()
    with pytest.raises(DownloadStopped):
        fetch(KETTLE, folder, report=lambda *_: stop.set(), stop=stop)
    assert not list(folder.glob("*.txt"))


def test_real_books_are_recognised_and_their_cut_copies_are_not(shared: Path) -> None:
    for path in sorted((shared / "gutenberg_raw").glob("*.txt")):
        book = numbered_offline(int(path.name.partition("_")[0]))
        text = gutenberg._decoded(path.read_bytes())
        assert gutenberg._is_of(book, text[: gutenberg._HEAD]), path.name
        assert not gutenberg._is_of(
            GutenbergBook(book.number + 1, book.title, ""), text[: gutenberg._HEAD]
        ), path.name
        assert gutenberg._ends(text), path.name
        assert not gutenberg._ends(text[: len(text) // 2]), path.name


def numbered_offline(number: int) -> GutenbergBook:
    return next(book for book in classics() if book.number == number)
