"""Whatever the encoding, the text comes out; what is no text is refused in one sentence that names it."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storytime_tui.corpus.formats.read import read_document, read_text
from storytime_tui.corpus.formats.registry import LARGEST, SUFFIXES
from storytime_tui.errors import CorpusError
from tests.examples import many

STORY = "“Où est-il?” said the café owner—and the fox’s tail…\nwas gone.\n"


def write(folder: Path, data: bytes, name: str = "tale.txt") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_every_encoding_gives_the_same_text(tmp_path: Path, encoding: str) -> None:
    assert read_text(write(tmp_path, STORY.encode(encoding))) == STORY


# Tales of our own in several tongues, for the encodings that are guessed.
FRENCH = (
    "Le hérisson rêvait d’été : « Où est passée la neige ? » Il n’avait mangé qu’une pêche gâtée, déjà.\n"
)
GERMAN = (
    "Die Mäuse übten täglich; der Frosch hörte zu und schüttelte müde den Kopf. „Schön“, sagte er, „süß!“\n"
)
POLISH = "Mała żaba siedziała na ścieżce i śpiewała pieśń o księżycu, aż obudziła śpiącą łasicę i jeża.\n"
CZECH = "Ježek šel přes louku, žába seděla u říčky a čekala, až přijde večer a vzejdou hvězdičky.\n"
RUSSIAN = "Ёж шёл через поле и нёс домой яблоко; лягушка сидела у ручья и ждала вечера.\n"
JAPANESE = "はりねずみは野原をあるいて、りんごを家にはこびました。かえるは小川のそばで夜をまっていました。\n"
CHINESE = "刺猬走过田野，把苹果带回家去。青蛙坐在小溪旁边，等着晚上和星星。\n"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        *((text, encoding) for text in (FRENCH, GERMAN) for encoding in ("cp1252", "mac_roman", "utf-8")),
        (GERMAN.replace("„", "").replace("“", ""), "latin-1"),
        (POLISH, "cp1250"),
        (POLISH, "iso8859_2"),
        (CZECH, "cp1250"),
        *((RUSSIAN, encoding) for encoding in ("koi8_r", "cp1251", "cp866")),
        *((JAPANESE, encoding) for encoding in ("shift_jis", "euc_jp", "utf-16-le", "utf-16-be")),
        *((CHINESE, encoding) for encoding in ("gb18030", "big5", "utf-16-be", "utf-32-le")),
        *((STORY, encoding) for encoding in ("utf-16-le", "utf-16-be", "utf-32-be")),
        *((RUSSIAN, encoding) for encoding in ("utf-16-le", "utf-16-be")),
    ],
)
@pytest.mark.parametrize("lines", [1, 40])
def test_an_encoding_that_nothing_names_is_found(
    tmp_path: Path, text: str, encoding: str, lines: int
) -> None:
    if encoding == "euc_jp":
        lines = 40  # a single line reads as Korean just as well
    if encoding == "big5":
        text = "刺蝟走過田野，把蘋果帶回家去。青蛙坐在小溪旁邊，等著晚上和星星。\n"
    assert read_text(write(tmp_path, (text * lines).encode(encoding))) == text * lines


ENGLISH = (
    "“Hush,” said the old hen, “the fox is not asleep; don’t sing so loud.” And they went home—slowly.\n"
)


@pytest.mark.parametrize(
    "word", ["café", "naïve", "Æsop", "Zoë", "façade", "Übermut", "rôle", "mañana", "Thórr"]
)
def test_english_with_few_foreign_words_is_read_as_windows_1252(tmp_path: Path, word: str) -> None:
    plain = ENGLISH.translate(str.maketrans("“”’—", '""\'-'))
    for text in (ENGLISH * 9 + word, plain * 9 + f"The {word} was shut.\n" + plain * 9):
        assert read_text(write(tmp_path, text.encode("cp1252"))) == text


def test_windows_1252_of_many_tongues_is_not_taken_for_another_code_page(tmp_path: Path) -> None:
    text = "".join(
        f"{ENGLISH * 4}The name was {name}.\n" for name in ("Jötunn", "Émile", "Åse", "Señor", "Çelik")
    )
    assert read_text(write(tmp_path, text.encode("cp1252"))) == text


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


def test_a_utf8_text_cut_off_in_its_only_quote_loses_just_that(tmp_path: Path) -> None:
    text = "The hen sat still and said nothing at all. " * 3
    assert read_text(write(tmp_path, text.encode() + "“".encode()[:2])) == text


def test_some_broken_bytes_leave_utf8_as_it_is(tmp_path: Path) -> None:
    data = (ENGLISH * 5).encode() + b"\x9d and \xe2\x80 then " + (ENGLISH * 5).encode()
    text = read_text(write(tmp_path, data))
    assert text == f"{ENGLISH * 5}\ufffd and \ufffd then {ENGLISH * 5}"


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
        (b"Once upon a time.\0\0 " * 20, "binary"),
        (b"%PDF-1.7 and so on", "PDF"),
        (b"PK\x03\x04rest", "zip"),
        (b"{\\rtf1 Once}", "rich-text"),
        (b"\xff\xfea\x00" + b"\x00\xd8" * 9, "broken UTF-16"),
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
    with pytest.raises(CorpusError, match=r"gone\.txt does not exist"):
        read_text(tmp_path / "gone.txt")


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, b"Once.")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("os.open", refuse)  # the tests may run as root, whom no mode stops
    with pytest.raises(CorpusError, match=r"tale\.txt cannot be read: it is not permitted"):
        read_text(path)


def test_a_file_of_another_kind_or_a_folder(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"tale\.doc is not a \.txt, \.md, \.html, .* file"):
        read_text(write(tmp_path, b"Once.", "tale.doc"))
    with pytest.raises(CorpusError, match="is a folder"):
        read_text(tmp_path)


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.txt"
    with path.open("wb") as file:
        file.truncate(LARGEST + 1)  # sparse: takes no room
    with pytest.raises(CorpusError, match=r"huge\.txt is larger than 50 MB: split it"):
        read_text(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_two_gigabytes_are_refused_at_once_whatever_the_suffix(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"huge{suffix}"
    with path.open("wb") as file:
        file.truncate(2 * 1024**3)
    with pytest.raises(CorpusError, match=r"huge\.[\w.-]+ is larger than \d+ MB") as caught:
        read_document(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_that_vanishes_while_it_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    path = write(tmp_path, b"Once.", f"tale{suffix}")
    opened = os.open

    def vanish(name: Path, *args: int) -> int:
        os.unlink(name)
        return opened(name, *args)

    monkeypatch.setattr(os, "open", vanish)
    with pytest.raises(CorpusError, match=r"does not exist"):
        read_document(path)


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


def test_each_format_gives_its_text_headings_and_names(tmp_path: Path) -> None:
    plain = read_document(write(tmp_path, b"The Hen\n\nShe sat\nstill.\n"))
    assert (plain.text, plain.wrapped, plain.headings) == ("The Hen\n\nShe sat\nstill.\n", True, ())
    source = b"---\ntitle: 'The Hen'\nauthor: A. Wren\n---\n# The Hen\n\nShe sat\nstill.\n"
    for name in ("hen.md", "hen.markdown", "HEN.MD"):
        marked = read_document(write(tmp_path, source, name))
        assert marked.text == "The Hen\n\nShe sat still."
        assert (marked.wrapped, marked.title, marked.author) == (False, "The Hen", "A. Wren")
        assert [(heading.line, heading.level) for heading in marked.headings] == [(0, 1)]
    page = b"<title>The Hen</title><h1>The Hen</h1><p>She sat\nstill."
    for name in ("hen.html", "hen.htm", "hen.xhtml"):
        assert read_document(write(tmp_path, page, name)).text == "The Hen\n\nShe sat still."


def test_a_zip_is_named_as_one(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"tales\.zip is a zip file"):
        read_document(write(tmp_path, b"PK\x03\x04", "tales.zip"))


@settings(max_examples=many(100), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    suffix=st.sampled_from(SUFFIXES),
    data=st.one_of(
        st.binary(max_size=400),
        st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")),
        st.text(alphabet="<>/ab!-[]&;#=\"' \npdivx", max_size=300).map(str.encode),
        st.binary(max_size=200).map(lambda data: b"PK\x03\x04" + data),
    ),
)
def test_any_bytes_are_a_document_or_one_sentence(tmp_path: Path, suffix: str, data: bytes) -> None:
    path = write(tmp_path, data, f"tale{suffix}")
    try:
        document = read_document(path)
    except CorpusError as error:
        said = str(error)
    else:
        said = str(path)
        lines = document.text.split("\n")
        assert document.text.strip()
        assert not {"\r", "\0"} & set(document.text)
        assert all(lines[heading.line] for heading in document.headings)
        document.text.encode()  # it can be kept
    assert str(path) in said
    assert "\n" not in said


def test_the_guessing_library_is_not_loaded_for_what_needs_no_guess() -> None:
    import subprocess

    code = (
        "import sys, pathlib, tempfile; from storytime_tui.corpus.formats.read import read_text\n"
        "path = pathlib.Path(tempfile.mkdtemp(), 'a.txt'); path.write_text('Once “upon” a time', encoding='utf-8')\n"
        "read_text(path); print(sorted({'chardet', 'ftfy', 'lxml', 'markdown_it'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_real_books_in_every_encoding(shared: Path) -> None:
    for path in sorted((shared / "gutenberg_raw").glob("*.txt")):
        text = read_text(path)
        assert "\r" not in text
        assert "\ufeff" not in text
        assert "�" not in text
        assert "â€" not in text


def test_real_latin_1_books_are_read_whole(shared: Path) -> None:
    for name in ("8933_8933-8.txt", "20963_20963-8.txt", "30834_30834-8.txt"):
        path = shared / "gutenberg_raw" / name
        lines = path.read_bytes().decode("latin-1").replace("\r\n", "\n").split("\n")
        assert [line.rstrip() for line in read_text(path).split("\n")] == [line.rstrip() for line in lines]
