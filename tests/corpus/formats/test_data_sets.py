"""Data sets: each row of JSON, JSON Lines, CSV and TSV is one tale, and no row vanishes without a word."""

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storytime_tui.cli import main
from storytime_tui.corpus.dividing.divide import divide, read_book
from storytime_tui.corpus.document import Document
from storytime_tui.corpus.formats import csv_sets, json_sets
from storytime_tui.corpus.formats.read import read_document
from storytime_tui.corpus.formats.sources import source_files
from storytime_tui.corpus.library.cards import Card, read_card
from storytime_tui.corpus.library.importing import add_collection
from storytime_tui.errors import CorpusError
from tests.examples import many

HAT = "Once upon a time there was a hat.\n\nIt sat on a shelf, and it was blue."
FOX = "There was a fox, who ran home."


def document(folder: Path, name: str, content: str | bytes | Any, column: str = "") -> Document:
    if not isinstance(content, str | bytes):
        content = json.dumps(content, ensure_ascii=False)
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_document(path, column)


def tales(read: Document) -> list[tuple[str, str]]:
    return [(tale.title, tale.text) for tale in divide(read)]


BOTH = [("The Hat", HAT), ("The Fox", FOX)]
ROWS = [{"title": "The Hat", "text": HAT, "n": 1}, {"title": "The Fox", "text": FOX, "n": 2}]
LINES = "\n".join(map(json.dumps, ROWS))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", LINES),
        ("a.jsonl", "\ufeff" + LINES.replace("\n", "\r\n\r\n") + "\r\n"),
        ("a.ndjson", LINES.encode("utf-16")),
        ("a.json", LINES),  # lines under the wrong name, and one value under the other wrong name
        ("a.jsonl", json.dumps(ROWS, indent=2)),
        ("a.jsonl", json.dumps({"data": ROWS})),
        ("a.json", ROWS),
        ("a.json", {"data": ROWS}),
        ("a.json", {"version": "1", "tags": ["x y"], "sets": {"train": ROWS[:1], "test": ROWS[1:]}}),
        ("a.json", {"rows": [{"row_idx": n, "row": row} for n, row in enumerate(ROWS)]}),
        ("a.json", {"text": {"0": HAT, "1": FOX}, "title": {"0": "The Hat", "1": "The Fox"}}),
        ("a.json", {"text": [HAT, FOX], "title": ["The Hat", "The Fox"], "other": [1]}),
        (
            "a.json",
            {"columns": ["title", "text"], "index": [0, 1], "data": [["The Hat", HAT], ["The Fox", FOX]]},
        ),
        ("a.json", [["title", "text"], ["The Hat", HAT], ["The Fox", FOX]]),
        ("a.json", [{"Title": "The Hat", "TEXT": HAT}, {"Title": "The Fox", "TEXT": FOX.split("\n\n")}]),
    ],
)
def test_the_rows_are_found_however_a_program_laid_them_out(tmp_path: Path, name: str, content: Any) -> None:
    assert tales(document(tmp_path, name, content)) == BOTH


def as_csv(rows: list[list[str]], **how: Any) -> str:
    file = io.StringIO(newline="")
    csv.writer(file, **how).writerows(rows)
    return file.getvalue()


TABLE = [["title", "id", "text"], ["The Hat", "1", HAT], ["The Fox", "2", FOX]]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", as_csv(TABLE)),
        ("a.csv", as_csv(TABLE, quoting=csv.QUOTE_ALL, lineterminator="\n")),
        ("a.csv", "\ufeff" + as_csv(TABLE, delimiter=";")),
        ("a.csv", "sep=;\r\n" + as_csv(TABLE, delimiter=";")),
        ("a.csv", as_csv(TABLE, delimiter="|")),
        ("a.csv", as_csv(TABLE, delimiter="\t")),
        ("a.tsv", as_csv(TABLE, delimiter="\t")),
        ("a.tsv", as_csv(TABLE, delimiter="\t").encode("utf-16")),
    ],
)
def test_a_table_is_read_whatever_separates_its_columns(tmp_path: Path, name: str, content: Any) -> None:
    assert tales(document(tmp_path, name, content)) == BOTH


def test_a_tables_quotes_stay_where_they_are_speech(tmp_path: Path) -> None:
    read = document(tmp_path, "a.tsv", 'title\ttext\nHen\t"Help!" she said, and "ran".\nCat\t"He sat."\n')
    assert tales(read) == [("Hen", '"Help!" she said, and "ran".'), ("Cat", "He sat.")]
    # commas of a text without quotes are the last column's
    read = document(tmp_path, "a.csv", "title,text\nHen,She ran, and ran, home.\n")
    assert tales(read) == [("Hen", "She ran, and ran, home.")]


def test_a_story_longer_than_the_readers_own_limit_is_read(tmp_path: Path) -> None:
    long = " ".join(["The fox ran home again."] * 20_000)
    assert tales(document(tmp_path, "a.csv", as_csv([["text"], [long]]))) == [("", long)]


def test_a_single_column_is_the_text_with_a_name_or_without(tmp_path: Path) -> None:
    assert tales(document(tmp_path, "a.csv", f'tales\n"{FOX}"\n')) == [("", FOX)]
    assert tales(document(tmp_path, "a.csv", f'"{FOX} {FOX}"\n"{FOX}"\n')) == [
        ("", f"{FOX} {FOX}"),
        ("", FOX),
    ]


def test_a_list_of_strings_is_tales_and_their_first_lines_may_be_titles(tmp_path: Path) -> None:
    assert tales(document(tmp_path, "a.json", [f"The Hat\n\n{HAT}", FOX])) == [("The Hat", HAT), ("", FOX)]
    assert tales(document(tmp_path, "a.jsonl", f"{json.dumps(FOX)}\n{json.dumps(HAT)}")) == [
        ("", FOX),
        ("", HAT),
    ]
    assert tales(document(tmp_path, "a.json", {"stories": [HAT, FOX]})) == [("", HAT), ("", FOX)]


def test_a_title_in_the_text_too_is_there_once(tmp_path: Path) -> None:
    rows = [
        {"title": "THE HAT", "text": f"The Hat\n\n{HAT}"},
        {"title": "Another", "text": f"The Hat\n\n{HAT}"},
    ]
    assert tales(document(tmp_path, "a.json", rows)) == [("THE HAT", HAT), ("Another", f"The Hat\n\n{HAT}")]


@pytest.mark.parametrize("column", ["story", "completion", "content", "Story ", "TEXT"])
def test_the_usual_names_of_the_column(tmp_path: Path, column: str) -> None:
    assert tales(document(tmp_path, "a.json", [{"prompt": "Tell.", column: HAT}])) == [("", HAT)]


def test_the_named_column_is_read_and_its_name_is_needed_otherwise(tmp_path: Path) -> None:
    rows = [{"id": "1", "plot": HAT, "cast": "a hat"}, {"id": "2", "plot": FOX, "cast": "a fox"}]
    assert tales(document(tmp_path, "a.json", rows, "plot")) == [("", HAT), ("", FOX)]
    assert tales(document(tmp_path, "a.json", [{**row, "text": "x"} for row in rows], "PLOT")) == [
        ("", HAT),
        ("", FOX),
    ]
    with pytest.raises(CorpusError, match=r"no column text.*“id”, “plot” and “cast”.*--column plot`"):
        document(tmp_path, "a.json", rows)
    with pytest.raises(CorpusError, match="no column “story”: its columns are “id”, “plot” and “cast”"):
        document(tmp_path, "a.json", rows, "story")


def test_a_row_without_text_and_a_line_that_is_no_json_are_accounted_for(tmp_path: Path) -> None:
    rows = [
        ROWS[0],
        {"title": "None", "text": " "},
        {"title": "Empty", "text": None, "note": "lost"},
        {"text": 7},
    ]
    lines = [*map(json.dumps, rows), '{"text": "cut off', json.dumps(ROWS[1])]
    read = document(tmp_path, "a.jsonl", "\n".join(lines))
    assert tales(read) == BOTH
    assert [(each.reason, each.place, each.text) for each in read.left_out] == [
        ("no text in the column “text”", "rows 2 to 4", "None\nEmpty\nlost"),
        ("not readable", "row 5", '{"text": "cut off'),
    ]
    assert "4 rows have no text to read and are left out." in read.remarks
    assert "not read: the column “note”." in read.remarks[0]


def test_an_author_is_the_books_if_all_rows_have_the_same(tmp_path: Path) -> None:
    rows = [{"text": HAT, "author": "Wren, Ann"}, {"text": FOX, "author": "Wren, Ann"}]
    assert read_book(document(tmp_path, "a.json", rows)).author == "Ann Wren"
    rows[1]["author"] = "Bo Lark"
    assert read_book(document(tmp_path, "a.json", rows)).author == ""


def test_rows_are_not_divided_and_headings_in_them_stay(tmp_path: Path) -> None:
    text = f"CHAPTER I\n\n{HAT}\n\n\n\nCHAPTER II\n\n{FOX}"
    ((title, kept),) = tales(document(tmp_path, "a.json", [{"title": "Both", "text": text}]))
    assert title == "Both"
    assert kept.split() == text.split()


def test_an_end_of_text_mark_is_a_border_and_no_word(tmp_path: Path) -> None:
    (first, second, third) = divide(
        document(tmp_path, "a.json", [{"text": f"{HAT}<|endoftext|>"}, {"text": f"{FOX}<|endoftext|>{HAT}"}])
    )
    assert [first.text, second.text, third.text] == [HAT, FOX, HAT]
    assert (first.lines, second.lines, third.lines) == ((0, 4), (5, 7), (6, 10))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([{"messages": [{"role": "user", "content": "Tell me."}]}], "holds conversations"),
        ({"conversations": [{"from": "human", "value": "Tell me."}]}, "holds conversations"),
        ({"format": "storytime-story", "version": 2, "passages": [{"text": "Once."}]}, "stories import"),
        ({"a": 1}, "without a list of texts"),
        ("7", "single value"),
        ('"Once."', "single value"),
        ("[]", "no columns with words"),
        ("[" * 100_000, "nested too deeply"),
        ('{"text": ', "its line 1 is not JSON"),
        ('[{"text": "a"},\n{"text": "b"]', "line 2 is not JSON"),
        ([{"text": ""}, {"text": " "}], "no text in its column “text”"),
        ("[" + "[]," * 5_000_000 + "[]]", "more values than any data set"),
    ],
)
def test_what_is_no_data_set_gets_a_sentence(tmp_path: Path, content: Any, said: str) -> None:
    with pytest.raises(CorpusError, match=said) as caught:
        document(tmp_path, "a.json", content)
    assert "a.json" in str(caught.value) and "\n" not in str(caught.value)


def test_numbers_of_a_million_digits_take_no_time(tmp_path: Path) -> None:
    assert tales(document(tmp_path, "a.json", f'[{{"n": {"9" * 1_000_000}, "text": "{FOX}"}}]')) == [
        ("", FOX)
    ]


def test_the_column_is_kept_with_the_collection(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "plots.csv"
    source.write_text(as_csv([["title", "plot"], ["The Hat", HAT], ["The Fox", FOX]]), encoding="utf-8")
    assert main(["corpus", "add", str(source)]) == 1
    assert "--column plot" in capsys.readouterr().err
    assert main(["corpus", "add", str(source), "--column", "plot"]) == 0
    assert capsys.readouterr().out.startswith("Added plots: 2 stories")
    card = read_card(home / "collections" / "plots")
    assert card.column == "plot"
    shutil.rmtree(home / "cache")  # what was read is read again
    assert main(["corpus", "show", "plots", "--text", "--story", "The Hat"]) == 0
    assert capsys.readouterr().out == f"The Hat\n\n{HAT}\n"
    assert main(["corpus", "show", "plots", "--before", "--story", "The Fox"]) == 0
    assert capsys.readouterr().out == f"{FOX}\n"


def test_a_folder_and_an_archive_are_read_with_the_named_column(tmp_path: Path, home: Path) -> None:
    inside = tmp_path / "sets"
    inside.mkdir()
    (inside / "a.json").write_text(json.dumps([{"plot": HAT}]), encoding="utf-8")
    (inside / "b.csv").write_text(as_csv([["id", "plot"], ["1", FOX]]), encoding="utf-8")
    (inside / "other.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    added = add_collection([inside], "one", card=Card(column="plot"))
    assert [story.text for story in added.collection.stories] == [HAT, FOX]
    assert not added.problems and "other.csv is a table" in added.notes[0]
    shutil.make_archive(str(tmp_path / "sets"), "zip", inside)
    added = add_collection([tmp_path / "sets.zip"], "two", card=Card(column="plot"))
    assert [story.text for story in added.collection.stories] == [HAT, FOX]
    assert not added.problems and "other.csv in " in added.notes[0]


def test_tables_of_other_things_in_a_folder_are_notes_and_do_not_stop_a_run(tmp_path: Path) -> None:
    inside = {
        "INDEX.tsv": "number\tfile\n1\tfox.txt\n",
        "prices.csv": "a,b\n1,2\n",
        "config.json": '{"version": 2, "names": ["a", "b"]}',
        "owl.json": '{\n "format": "storytime-story",\n "passages": [{"text": "x"}]}',
        "chat.jsonl": '{"messages": [{"role": "user", "content": "x"}]}',
        "tales.jsonl": LINES,
        "more.csv": as_csv(TABLE),
        "list.json": json.dumps([HAT, FOX]),
        "fox.txt": FOX,
    }
    for name, content in inside.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    found = source_files(tmp_path, column="")
    assert sorted(path.name for path in found.files) == ["fox.txt", "list.json", "more.csv", "tales.jsonl"]
    assert not found.problems
    assert len(found.notes) == 5 and all(note.endswith(": it is left out.") for note in found.notes)
    named = source_files(tmp_path, column="names")
    assert [path.name for path in named.files if path.suffix == ".json"] == ["config.json", "list.json"]
    assert len(source_files(tmp_path).files) == 9


words = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Z", "Cf")), min_size=1, max_size=8
)
texts = st.lists(words, max_size=12).map(" ".join)


@settings(max_examples=many(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.fixed_dictionaries({"title": texts, "story": texts}), min_size=1, max_size=6),
    form=st.integers(0, 2),
)
def test_every_word_is_in_a_tale_or_accounted_for(rows: list[dict[str, str]], form: int) -> None:
    rows = [{"title": "", "story": "fox"}, *rows]  # a set without any text is refused
    if form == 0:
        read = json_sets.read_json(json.dumps(rows).encode(), "a.json")
    elif form == 1:
        read = json_sets.read_json_lines("\n".join(map(json.dumps, rows)).encode(), "a.jsonl")
    else:
        table = as_csv([["title", "story"], *([row["title"], row["story"]] for row in rows)])
        read = csv_sets.read_csv(table, "a.csv")
    kept = [read.text, *(row.title for row in read.rows), *(each.text for each in read.left_out)]
    wanted = [f"{row['title']} {row['story']}" for row in rows]
    assert sorted(" ".join(kept).split()) == sorted(" ".join(wanted).split())
    assert len(read.rows) == sum(bool(row["story"].strip()) for row in rows)


def test_the_set_that_failed_gives_its_two_tales(shared: Path) -> None:
    read = read_document(shared / "tries" / "books" / "t12_jsonl.jsonl")
    assert tales(read) == [("Hat", "Once upon a time..."), ("Fox", "There was...")]


def test_what_stands_around_the_rows_is_the_title_the_author_or_named_as_left_out(tmp_path: Path) -> None:
    path = tmp_path / "crow.json"
    chapters = [{"title": "One", "text": "The crow sat down."}, {"title": "Two", "text": "The crow got up."}]
    outer = {"title": "The Crow", "author": "N. O. Body", "summary": "A crow eats.", "meta": {"mood": "grim"}}
    path.write_text(json.dumps(outer | {"stories": chapters}))
    document = read_document(path)
    assert (document.title, document.author) == ("The Crow", "N. O. Body")
    assert [row.title for row in document.rows] == ["One", "Two"]
    assert [(each.reason, each.place, each.text) for each in document.left_out] == [
        ("beside the texts", "field summary", "A crow eats."),
        ("beside the texts", "field meta.mood", "grim"),
    ]
