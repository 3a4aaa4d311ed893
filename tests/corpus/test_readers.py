"""Whatever the encoding, the text comes out; what is no text is refused in one sentence that names it."""

from pathlib import Path

import pytest

from storytime_tui.corpus import readers
from storytime_tui.corpus.readers import read_text
from storytime_tui.errors import CorpusError

STORY = "“Où est-il?” said the café owner—and the fox’s tail…\nwas gone.\n"


def write(folder: Path, data: bytes, name: str = "tale.txt") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_every_encoding_gives_the_same_text(tmp_path: Path, encoding: str) -> None:
    assert read_text(write(tmp_path, STORY.encode(encoding))) == STORY


@pytest.mark.parametrize("order", ["le", "be"])
def test_utf16_of_either_order_is_read_by_its_mark(tmp_path: Path, order: str) -> None:
    assert read_text(write(tmp_path, f"\ufeff{STORY}".encode(f"utf-16-{order}"))) == STORY


def test_bytes_that_windows_1252_lacks_are_read_as_latin_1(tmp_path: Path) -> None:
    assert read_text(write(tmp_path, b"caf\xe9 \x81 and more")) == "café \x81 and more"


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
def test_every_line_end_becomes_a_newline(tmp_path: Path, end: str) -> None:
    assert read_text(write(tmp_path, f"one{end}two{end}{end}three".encode())) == "one\ntwo\n\nthree"


def test_one_broken_byte_does_not_spoil_the_rest_of_a_utf8_text(tmp_path: Path) -> None:
    data = ("“Hush,” said the hen. “Don’t.” " * 5).encode() + b"\xe2\x80"  # cut off in the middle of a quote
    assert read_text(write(tmp_path, data)).startswith("“Hush,” said the hen. “Don’t.”")


def test_escape_sequences_in_a_story_are_kept(tmp_path: Path) -> None:
    text = "A [/b] [@click=app.quit] \x1b[2J story.\n"
    assert read_text(write(tmp_path, text.encode())) == text


def test_a_few_control_characters_do_not_make_a_text_binary(tmp_path: Path) -> None:
    text = "Bell\x07 and backspace\x08, form feed\x0c, escape\x1b.\n"
    assert read_text(write(tmp_path, text.encode())) == text


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b" \r\n\t \n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"MZ\x00\x01\x02\x00 and words", "binary"),
        (bytes(range(1, 256)) * 20, "binary"),
        ("\ufeffa\0b".encode(), "binary"),
        (b"%PDF-1.7 and so on", "PDF"),
        (b"PK\x03\x04rest", "zip"),
        (b"{\\rtf1 Once}", "rich-text"),
        (b"\xff\xfea\x00b", "broken UTF-16"),
    ],
)
def test_what_is_no_text_is_refused_by_name(tmp_path: Path, data: bytes, said: str) -> None:
    path = write(tmp_path, data)
    with pytest.raises(CorpusError) as caught:
        read_text(path)
    message = str(caught.value)
    assert str(path) in message
    assert said in message
    assert "\n" not in message


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"gone\.txt is not there"):
        read_text(tmp_path / "gone.txt")


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, b"Once.")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)  # the tests may run as root, whom no mode stops
    with pytest.raises(CorpusError, match=r"tale\.txt cannot be read: it is not permitted"):
        read_text(path)


def test_a_file_of_another_kind_or_a_folder(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"tale\.docx is not a \.txt file"):
        read_text(write(tmp_path, b"Once.", "tale.docx"))
    with pytest.raises(CorpusError, match="is a folder"):
        read_text(tmp_path)


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.txt"
    with path.open("wb") as file:
        file.truncate(readers.LARGEST + 1)  # sparse: takes no room
    with pytest.raises(CorpusError, match=r"huge\.txt is larger than 200 MB"):
        read_text(path)


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    import os

    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no named pipes")
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(CorpusError, match="not an ordinary file"):
        read_text(tmp_path / "pipe.txt")


def test_a_file_name_cannot_break_the_message(tmp_path: Path) -> None:
    with pytest.raises(CorpusError) as caught:
        read_text(write(tmp_path, b"", "bad\x1b[2J\nname.txt"))
    assert "\x1b" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_real_books_in_every_encoding(shared: Path) -> None:
    for path in sorted((shared / "gutenberg_raw").glob("*.txt")):
        text = read_text(path)
        assert "\r" not in text
        assert "\ufeff" not in text
        assert "�" not in text
        assert "â€" not in text
