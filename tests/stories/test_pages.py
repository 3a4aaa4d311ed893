"""Lists and searches say what the stories hold now, with or without an index, also after an update."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.stories import pages
from storytime_tui.stories.history import redo, undo
from storytime_tui.stories.pages import fold, listed
from storytime_tui.stories.schema import MIGRATIONS
from storytime_tui.stories.search import place_of, search
from storytime_tui.stories.shelf import set_favourite
from storytime_tui.stories.steering import Steering
from storytime_tui.stories.store import StoryStore
from storytime_tui.stories.story import UNTITLED
from storytime_tui.tui.manuscript import Manuscript, last_story
from storytime_tui.word_count import count_words


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "stories.sqlite3"


@pytest.fixture
def store(path: Path) -> Iterator[StoryStore]:
    with closing(StoryStore(path)) as store:
        yield store


def begun(store: StoryStore, title: str, *texts: str, model: str = "") -> int:
    story = store.new_story(title).id
    for text in texts:
        store.add_passage(story, "model" if model else "you", text, model)
    return story


def found(store: StoryStore, *phrases: str) -> list[str]:
    return sorted(hit.story.title for hit in search(store, phrases).hits)


def has_fts5(store: StoryStore) -> bool:
    with store.reading() as db:
        return bool(db.execute("SELECT 1 FROM sqlite_master WHERE name = 'page_index'").fetchall())


# -- what is found ---------------------------------------------------------------------------------------


def test_a_story_is_found_by_its_text_and_its_title_in_any_case_with_or_without_accents(
    store: StoryStore,
) -> None:
    begun(store, "Das Märchen", "Die Füchse\nund der Igel. ", "Ende.")
    begun(store, "The fox", "It's a hedge-hog's tale.")
    begun(store, "狐", "昔々、狐がいました。")
    assert found(store, "marchen") == ["Das Märchen"]
    assert found(store, "FÜCHSE UND") == ["Das Märchen"]  # across a line's end
    assert found(store, "igel. ende") == ["Das Märchen"]  # across passages
    assert found(store, "fox", "hedge") == ["The fox"]  # one in the title, one in the text
    assert found(store, "its", "hogs") == ["The fox"]
    assert found(store, "狐が") == ["狐"]
    assert found(store, "狐") == ["狐"]  # too short for the index
    assert found(store, "e") == ["Das Märchen", "The fox"]
    assert found(store, "fox igel") == []  # one phrase
    assert found(store, "fox", "igel") == []
    assert found(store, " ", "") == []
    assert found(store, '"', "fox") == []
    assert found(store, "NEAR(fox)", "* OR fox") == []  # the index's own language means nothing


def test_only_the_present_text_of_stories_in_the_list_is_searched(store: StoryStore) -> None:
    story = begun(store, "owl", "An owl", " sang loudly.")
    assert found(store, "loud") == ["owl"]
    undo(store, story)
    assert found(store, "loud") == []
    store.add_passage(story, "you", " slept.")
    store.rename(story, "sleeper")
    assert found(store, "slept") == found(store, "owl") == ["sleeper"]
    store.remove(story)
    assert found(store, "slept") == []
    store.restore(story)
    passage = store.passages(story)[-1]
    store.extend_passage(passage.id, " Then it woke.")
    assert found(store, "slept. then") == ["sleeper"]


def test_an_empty_story_is_not_listed_until_something_is_kept_in_it(store: StoryStore) -> None:
    def titles() -> list[str]:
        return [each.story.title for each in listed(store)]

    story = Manuscript()
    assert last_story(store) is None
    story.save_draft(store, "Once")
    assert titles() == found(store, "untitled") == [UNTITLED]
    assert last_story(store) == story.story  # the app opens it at its start
    story.save_draft(store, " ")
    assert titles() == found(store, "untitled") == []
    assert last_story(store) is None
    assert story.story is not None
    number = story.story.id
    story.save_steering(store, Steering(note="It rains."))
    assert titles() == [UNTITLED]
    story.save_steering(store, Steering())
    assert titles() == []
    set_favourite(store, number, True)
    assert titles() == [UNTITLED]
    set_favourite(store, number, False)
    with closing(StoryStore(store.path)) as other:  # another window's draft
        other.set_draft(number, "A thought")
        store.set_draft(number, "")
        assert titles() == [UNTITLED]
        other.set_draft(number, "")
        assert titles() == []
    story.rename(store, "Mine")
    assert titles() == ["Mine"]
    story.rename(store, UNTITLED)
    story.add(store, "An owl sang.")
    assert titles() == ["An owl sang"]
    undo(store, number)
    assert titles() == ["An owl sang"]  # its words are kept


@pytest.mark.parametrize("word", ["I", "o", "\u732b", "\u00e9", "\u0661"])
def test_one_letter_is_a_word_in_any_script(store: StoryStore, word: str) -> None:
    draft, sent = Manuscript(), Manuscript()
    draft.save_draft(store, word)
    sent.add(store, word)
    assert len(listed(store)) == 2


def test_one_digit_or_mark_is_no_story_until_the_model_tells_or_more_is_written(store: StoryStore) -> None:
    def titles() -> list[str]:
        return [each.story.title for each in listed(store)]

    draft, sent = Manuscript(), Manuscript()
    draft.save_draft(store, "3")
    sent.add(store, "3")
    assert titles() == found(store, "untitled") == found(store, "3") == []
    assert last_story(store) is None
    assert draft.story is not None and sent.story is not None
    undo(store, sent.story.id)
    assert titles() == []
    redo(store, sent.story.id)
    store.add_passage(sent.story.id, "model", " mice came.")
    assert titles() == ["3"]
    draft.save_draft(store, "3 owls")
    assert titles() == [UNTITLED, "3"]
    named = Manuscript()
    named.save_draft(store, "3")
    named.rename(store, "Three")
    assert titles() == ["Three", UNTITLED, "3"]
    more = Manuscript()
    more.add(store, "3")
    more.add(store, "Owls sang.")
    assert titles() == ["3", "Three", UNTITLED, "3"]


def test_each_result_has_a_line_around_the_first_place(store: StoryStore) -> None:
    text = (
        "It was a long way. " * 9
        + "There, at the\ncafé of Mrs. Ｂrown, she — it’s said — ate a plum. "
        + "So it goes. " * 9
    )
    begun(store, "far", text, model="grimm-1")
    (hit,) = search(store, ["plum"]).hits
    assert "it’s said — ate a plum. So it goes." in hit.context
    assert hit.context[0] == hit.context[-1] == "…" and len(hit.context) < 110
    assert (hit.model, hit.words) == ("grimm-1", len(text.split()) - 2)  # two dashes
    assert "the café of" in search(store, ["cafe"]).hits[0].context
    assert "Ｂrown" in search(store, ["brown"]).hits[0].context  # wide letters fold to others
    assert search(store, ["far"]).hits[0].context.startswith("It was a long way.")  # only the title holds it
    begun(store, "empty plum")
    assert [hit.context[:1] for hit in search(store, ["plum"]).hits] == ["", "…"]


def test_the_place_is_found_wherever_it_is() -> None:
    for before in range(1_900, 2_100, 3):  # the text is folded in windows of 2,000 characters
        text = "é" * before + " ŒUVRE d’un ours " + "x" * before
        assert text[place_of("dun ours", text) :].startswith("d’un ours")
    assert place_of("elsewhere", text) == -1


def test_at_most_as_many_are_returned_as_were_asked_for_and_all_are_counted(store: StoryStore) -> None:
    for number in range(5):
        begun(store, f"owl {number}")
    found = search(store, ["owl"], 2)
    assert (found.total, [hit.story.title for hit in found.hits]) == (5, ["owl 4", "owl 3"])


# -- with and without an index ---------------------------------------------------------------------------


def without_fts5(path: Path) -> None:
    """Make the file one whose index this SQLite cannot open."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA writable_schema = ON")
        db.execute("UPDATE sqlite_master SET sql = replace(sql, 'fts5', 'fts9') WHERE name = 'page_index'")
        db.commit()


WORDS = st.sampled_from(
    ["fox", "Füchse", "hedge", "hog", "a", "b", " ", "\n", "’", "狐", "\0", '"', "ß", "e\u0301"]
)
TEXTS = st.lists(WORDS, max_size=6).map("".join)
ACTS = st.tuples(st.sampled_from(["new", "add", "extend", "undo", "redo", "rename", "remove", "list"]), TEXTS)


def act(store: StoryStore, what: str, text: str) -> None:
    stories = store.stories()
    if what == "new" or not stories:
        store.new_story(text)
        return
    story = stories[-1].id
    match what:
        case "add":
            store.add_passage(story, "you", text)
        case "extend" if store.passages(story):
            store.extend_passage(store.passages(story)[-1].id, text)
        case "undo":
            undo(store, story)
        case "redo":
            redo(store, story)
        case "rename":
            store.rename(story, text)
        case "remove":
            store.remove(story)
        case "list":
            assert {each.story.id: each.words for each in listed(store)} == {
                each.id: count_words(store.text(each.id)) for each in store.stories()
            }


@given(st.lists(ACTS, max_size=25), st.lists(TEXTS, min_size=1, max_size=2))
def test_whatever_was_done_the_index_and_the_slow_search_find_the_same(
    acts: Sequence[tuple[str, str]], phrases: Sequence[str]
) -> None:
    quick, slow = StoryStore(Path(":memory:")), StoryStore(Path(":memory:"))
    with closing(quick), closing(slow), pytest.MonkeyPatch.context() as patch:
        for store in (quick, slow):
            if store is slow:
                patch.setattr(pages, "INDEX", pages.INDEX.replace("fts5", "fts9"))
            for what, text in acts:
                act(store, what, text)
        sought = [fold(phrase) for phrase in phrases if fold(phrase)]
        plainly = {
            story.id
            for story in slow.stories()
            if sought and all(p in fold(story.title) or p in fold(slow.text(story.id)) for p in sought)
        }
        assert {hit.story.id for hit in search(slow, phrases).hits} == plainly
        assert not has_fts5(slow)
        patch.undo()
        assert {hit.story.id for hit in search(quick, phrases).hits} == plainly


def test_a_file_with_an_index_is_searched_and_changed_without_fts5_and_then_with_it(path: Path) -> None:
    with closing(StoryStore(path)) as store:
        story = begun(store, "owl", "An owl")
        begun(store, "fox", "A fox")
        assert found(store, "an owl") == ["owl"]
        assert has_fts5(store)
    without_fts5(path)
    with closing(StoryStore(path)) as store:
        store.add_passage(story, "you", " and a hedgehog")
        assert found(store, "hedgehog") == ["owl"]
        assert found(store, "fox") == ["fox"]
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA writable_schema = ON")
        db.execute("UPDATE sqlite_master SET sql = replace(sql, 'fts9', 'fts5') WHERE name = 'page_index'")
        db.commit()
    with closing(StoryStore(path)) as store:
        assert found(store, "hedgehog") == found(store, "an owl") == ["owl"]
        undo(store, story)
        assert found(store, "hedgehog") == []
        assert found(store, "an owl") == ["owl"]


def test_a_damaged_index_costs_time_and_finds_the_same(path: Path) -> None:
    with closing(StoryStore(path)) as store:
        story = begun(store, "owl", "An owl")
        assert found(store, "owl") == ["owl"] and has_fts5(store)
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE page_index_data SET block = x'ff00ff00ff'")
        db.commit()
    with closing(StoryStore(path)) as store:
        assert found(store, "owl") == ["owl"]
        store.add_passage(story, "you", " and a hedgehog")
        assert found(store, "hedgehog") == ["owl"]
        assert [each.words for each in listed(store)] == [5]


@pytest.mark.parametrize("trouble", ["another program writes", "the disk is full"])
def test_what_cannot_be_kept_now_is_listed_and_found_all_the_same(path: Path, trouble: str) -> None:
    with closing(StoryStore(path, patience=0)) as store, closing(sqlite3.connect(path)) as other:
        begun(store, "owl", "An owl sang " * 5_000, model="grimm-1")
        if trouble == "another program writes":
            other.execute("BEGIN IMMEDIATE")
        else:
            with store.reading() as db:
                pages = db.execute("PRAGMA page_count").fetchone()[0]
                db.execute(f"PRAGMA max_page_count = {pages + 1}")
        assert found(store, "sang") == ["owl"]
        assert [(each.words, each.model) for each in listed(store)] == [(15_000, "grimm-1")]
        with store.reading() as db:
            assert db.execute("SELECT count(*) FROM page").fetchone() == (0,)


def test_a_later_page_of_another_program_is_not_replaced(store: StoryStore) -> None:
    story = begun(store, "owl", "An owl")
    with store.reading() as db:
        earlier = pages._derived(db, story, 1, "owl")
    store.add_passage(story, "you", " sang")
    assert found(store, "sang") == ["owl"]
    with store.writing() as db:
        pages._keep(db, [earlier])
    with store.reading() as db:
        assert db.execute("SELECT version, words FROM page").fetchall() == [(2, 3)]


def test_a_stream_of_tokens_makes_no_page(store: StoryStore) -> None:
    """What is derived is made when it is asked for: a token costs what it cost before."""
    story = begun(store, "owl", "An owl")
    statements: list[str] = []
    with store.reading() as db:
        db.set_trace_callback(statements.append)
    store.extend_passage(store.passages(story)[-1].id, " sang")
    assert statements and not [each for each in statements if "page" in each.replace("passage", "")]


# -- updates ---------------------------------------------------------------------------------------------


def as_version(db: sqlite3.Connection, version: int) -> None:
    for migration in MIGRATIONS[:version]:
        for statement in migration:
            db.execute(statement)
    db.execute("INSERT INTO story (id, title, created, changed) VALUES (7, 'The owl', 5.0, 6.0)")
    for id, parent, text in ((1, None, "An owl"), (2, 1, " sang"), (3, 1, " slept")):
        db.execute(
            "INSERT INTO passage VALUES (?, 7, ?, 'model', ?, 'grimm-1', '{}', 5.0)", (id, parent, text)
        )
    db.execute("UPDATE story SET head = 2")
    db.execute(f"PRAGMA user_version = {version}")
    db.commit()


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_stories_of_every_older_version_are_listed_and_found(path: Path, version: int) -> None:
    with closing(sqlite3.connect(path)) as db:
        as_version(db, version)
    with closing(StoryStore(path)) as store:
        assert [(each.story.id, each.words, each.model) for each in listed(store)] == [(7, 3, "grimm-1")]
        assert found(store, "owl sang") == ["The owl"]
        assert found(store, "slept") == []
    with closing(StoryStore(path)) as store:  # the second time nothing is left to do
        assert store.text(7) == "An owl sang"
        assert found(store, "owl sang") == ["The owl"]


def test_an_older_file_comes_to_the_tables_of_a_new_one(tmp_path: Path) -> None:
    def tables(name: str) -> list[tuple[str]]:
        with closing(sqlite3.connect(tmp_path / name)) as db:
            return db.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall()

    StoryStore(tmp_path / "new").close()
    for version in range(1, len(MIGRATIONS)):
        with closing(sqlite3.connect(tmp_path / str(version))) as db:
            as_version(db, version)
        StoryStore(tmp_path / str(version)).close()
        assert tables(str(version)) == tables("new")
