"""Encodings: long and short texts of many languages are never read in a wrong one, and what is guessed is said."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storytime_tui.corpus.formats.encodings import decode
from storytime_tui.corpus.formats.read import read_document
from tests.corpus.formats.tongues import tale_in
from tests.examples import many

OLDER = [
    *(("Chinese", encoding) for encoding in ("gb18030", "gbk", "gb2312")),
    ("Traditional Chinese", "big5"),
    *(("Japanese", encoding) for encoding in ("shift_jis", "euc_jp")),
    *(("Korean", encoding) for encoding in ("euc_kr", "cp949")),
    *(("Russian", encoding) for encoding in ("cp1251", "koi8_r", "cp866", "iso8859_5")),
    *(("Ukrainian", encoding) for encoding in ("cp1251", "koi8_u")),
    *((each, encoding) for each in ("Polish", "Czech", "Hungarian") for encoding in ("cp1250", "iso8859_2")),
    *((each, encoding) for each in ("German", "French", "Spanish") for encoding in ("cp1252", "latin_1")),
    *((each, encoding) for each in ("German", "French", "Spanish") for encoding in ("mac_roman", "cp850")),
    *(
        ("Greek", "cp1253"),
        ("Turkish", "cp1254"),
        ("Hebrew", "cp1255"),
        ("Arabic", "cp1256"),
        ("Thai", "tis_620"),
    ),
]
SURE = [("Japanese", "iso2022_jp"), *((each, "utf-8") for each in ("Chinese", "Polish", "Thai"))]
ASKED = [
    pair for pair in OLDER if pair[1] not in ("mac_roman", "cp850", "cp866")
]  # of which a few lines are enough
ENGLISH = (
    "This text is free. You may copy it, give it away or use it again under the licence that comes with it.\n"
)


def encoded(language: str, encoding: str, length: int, seed: int = 1) -> tuple[str, bytes]:
    """A tale, as far as the encoding has its characters."""
    data = tale_in(language, length, seed).encode(encoding, "ignore")
    return data.decode(encoding), data


@pytest.mark.parametrize(("language", "encoding"), [*OLDER, *SURE])
def test_a_long_tale_is_read_right(language: str, encoding: str) -> None:
    text, data = encoded(language, encoding, 100_000)
    assert decode(data, "tale.txt").text == text


# one with a byte a character, one with two and one with up to four, one that shifts, and UTF-8
@pytest.mark.parametrize(
    ("language", "encoding"),
    [
        ("Russian", "koi8_r"),
        ("Traditional Chinese", "big5"),
        ("Chinese", "gb18030"),
        ("Japanese", "iso2022_jp"),
        ("Polish", "utf-8"),
    ],
)
def test_a_novel_of_a_million_characters_is_read_right(language: str, encoding: str) -> None:
    text, data = encoded(language, encoding, 1_000_000)
    assert decode(data, "novel.txt").text == text


@pytest.mark.parametrize(("language", "encoding"), OLDER)
@pytest.mark.parametrize("before", [1, 16_383, 100_001, 1_000_000])
def test_it_makes_no_difference_where_the_first_other_character_stands(
    language: str, encoding: str, before: int
) -> None:
    text, data = encoded(language, encoding, 1200)
    ascii_text = (ENGLISH * (before // len(ENGLISH) + 1))[-before:]
    assert decode(ascii_text.encode() + data, "tale.txt").text == ascii_text + text
    assert decode(data + ascii_text.encode(), "tale.txt").text == text + ascii_text


@pytest.mark.parametrize(("language", "encoding"), [*ASKED, *SURE])
@settings(max_examples=many(8))
@given(length=st.integers(200, 2000), seed=st.integers(0, 1000), one_line=st.booleans())
def test_a_few_hundred_characters_are_enough(
    language: str, encoding: str, length: int, seed: int, one_line: bool
) -> None:
    text, data = encoded(language, encoding, length, seed)
    if one_line:
        text, data = text.replace("\n", ""), data.replace(b"\n", b"")
    assert decode(data, "tale.txt").text == text


@pytest.mark.parametrize(("language", "encoding"), [pair for pair in ASKED if pair[1] != "gb2312"])
@settings(max_examples=many(6))
@given(seed=st.integers(0, 1000))
def test_damaged_bytes_spoil_only_their_lines(language: str, encoding: str, seed: int) -> None:
    text, data = encoded(language, encoding, 8_000, seed)
    dice = random.Random(seed)
    damaged = bytearray(data)
    for _ in range(3):
        damaged[dice.randrange(len(damaged))] = dice.choice(b"\x81\xff\x80A\x9d")
    del damaged[dice.randrange(len(damaged))]
    read = decode(bytes(damaged), "tale.txt").text.split("\n")
    lines = text.split("\n")
    right = len(lines) - len(set(lines) - set(read))
    assert right >= len(lines) - 6  # a lost or damaged line end spoils two


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("language", ["Chinese", "Japanese", "Korean", "Russian", "Thai", "French"])
@pytest.mark.parametrize("length", [300, 100_000])
def test_utf_16_and_utf_32_are_read_with_and_without_a_mark(
    language: str, encoding: str, length: int
) -> None:
    text = tale_in(language, length)
    assert decode(text.encode(encoding), "tale.txt").text == text
    assert decode(text.replace("\n", "").encode(encoding), "tale.txt").text == text.replace("\n", "")


def test_a_truncated_or_damaged_utf_16_text_loses_only_that() -> None:
    text = tale_in("Russian", 2000)
    decoded = decode(text.encode("utf-16")[:-1], "tale.txt")
    assert decoded.text == f"{text[:-1]}\ufffd"
    assert decoded.remarks


def test_what_is_guessed_is_said_with_a_way_out() -> None:
    for language, encoding, named in [
        ("Chinese", "gbk", "GBK"),
        ("Russian", "koi8_r", "KOI8-R"),
        ("French", "cp1252", "Windows-1252"),
    ]:
        (remark,) = decode(encoded(language, encoding, 3000)[1], "tale.txt").remarks
        assert named in remark
        assert "a guess" in remark
        assert "save the file as UTF-8" in remark


def test_what_the_file_says_itself_is_no_guess() -> None:
    text, data = encoded("French", "latin_1", 3000)
    stated = "Title: Le Renard\n\nCharacter set encoding: ISO-8859-1\n\n"
    assert decode(stated.encode() + data, "tale.txt") == decode((stated + text).encode(), "tale.txt")
    assert not decode(text.encode(), "tale.txt").remarks
    assert not decode(data, "tale.txt", "iso-8859-1").remarks


def test_a_remark_reaches_the_document(tmp_path: Path) -> None:
    for name in ("tale.txt", "tale.md", "tale.html"):
        path = tmp_path / name
        path.write_bytes(encoded("Russian", "cp1251", 2000)[1])
        assert any("Windows-1251" in remark for remark in read_document(path).remarks)


# -- UTF-8 with other bytes in it -------------------------------------------------------------------------

QUOTED = "“Café,” said the fox—“naïve,” and the goose’s hat was très belle.\n"


@given(places=st.lists(st.integers(0, 20), max_size=8), signs=st.text("‘’“”–—…é•", min_size=1, max_size=3))
def test_stray_bytes_of_windows_1252_become_their_characters(places: list[int], signs: str) -> None:
    lines = [QUOTED.encode()] * 21
    expected = [QUOTED] * 21
    for place in set(places):
        lines[place] = b"It" + signs.encode("cp1252") + b"s the fox, " + QUOTED.encode()
        expected[place] = f"It{signs}s the fox, {QUOTED}"
    decoded = decode(b"".join(lines), "tale.txt")
    assert decoded.text == "".join(expected)
    assert bool(decoded.remarks) == bool(places)


@pytest.mark.parametrize(
    ("language", "encoding"), [("Russian", "cp1251"), ("Chinese", "gbk"), ("French", "cp1252")]
)
def test_a_chapter_in_another_encoding_is_read_in_that(language: str, encoding: str) -> None:
    text, data = encoded(language, encoding, 3000)
    for chapters in (1, 10):
        assert decode(text.encode() * chapters + data, "tale.txt").text == text * chapters + text


@given(cut=st.integers(1, 2), seed=st.integers(0, 500))
def test_damage_in_a_chinese_utf_8_text_makes_no_latin_letters(cut: int, seed: int) -> None:
    text = tale_in("Chinese", 3000, seed)
    data = text.encode()
    at = 3 * random.Random(seed).randrange(100, 300)
    read = decode(data[:at] + data[at + cut :], "tale.txt").text
    assert read.count("\ufffd") <= 2
    assert not [letter for letter in read if "\x80" <= letter < "\u0250"]


# -- double-encoded text ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "language", ["French", "German", "Polish", "Russian", "Chinese", "Japanese", "Greek"]
)
@pytest.mark.parametrize("wrong", ["latin-1", "sloppy-windows-1252"])
def test_utf_8_that_was_read_in_another_encoding_is_mended(language: str, wrong: str) -> None:
    import ftfy.bad_codecs

    ftfy.bad_codecs.ok()
    text = tale_in(language, 3000)
    decoded = decode(text.encode().decode(wrong).encode(), "tale.txt")
    assert decoded.text == text
    assert any("mended" in remark for remark in decoded.remarks)


def test_the_last_byte_of_a_quote_that_windows_1252_lacks_is_known() -> None:
    wrong = QUOTED.encode().decode("cp1252", "replace")
    assert "\ufffd" in wrong
    assert decode(wrong.encode() * 3, "tale.txt").text == QUOTED * 3


def test_a_right_line_beside_a_mended_one_stays() -> None:
    wrong = QUOTED.encode().decode("cp1252", "replace")
    right = "“ﬁne”, ‘don’t’ — ½ ｆｕｌｌ １２ &amp; \x1b[0m\u00a0é\n"
    assert decode((wrong + right).encode(), "tale.txt").text == QUOTED + right


@pytest.mark.parametrize(
    "right",
    [
        "“VIVA A MANHÃ”, disse ele. «ÂNGELO», O CORAÇÃO… NÃO! A LÃ” — “ÃO”.\n",
        "Ña Ñusta y el año: ¡ÑU! El PIÑÓN.\n",
        "Él dijo: «¿Cuánto?» Ångström, Ærø, Übermut, Señor, 5 × 3 √2.\n",
        *(
            tale_in(language, 3000)
            for language in ("French", "Spanish", "Polish", "Turkish", "Russian", "Thai")
        ),
    ],
)
def test_a_right_text_is_not_mended(right: str) -> None:
    decoded = decode(right.encode(), "tale.txt")
    assert (decoded.text, decoded.remarks) == (right, ())


# -- NULs and control characters --------------------------------------------------------------------------


@given(places=st.lists(st.integers(0, 2999), min_size=1, max_size=40))
def test_a_few_nuls_are_dropped_from_a_text(places: list[int]) -> None:
    text = (QUOTED * 60)[:3000]
    data = "".join(f"\0{sign}" if at in places else sign for at, sign in enumerate(text)).encode()
    assert decode(data, "tale.txt").text == text


@pytest.mark.parametrize(("language", "encoding"), [*OLDER, *SURE])
def test_a_stray_nul_makes_no_text_utf_16(language: str, encoding: str) -> None:
    text, data = encoded(language, encoding, 2000)
    for line in (1, 4):
        lines = data.split(b"\n")
        lines[line] += b"\0"
        assert decode(b"\n".join(lines), "tale.txt").text == text


def test_what_a_crash_left_of_a_file_is_read() -> None:
    data = (QUOTED * 20).encode()
    assert decode(data + b"\0" * 4096, "tale.txt").text == QUOTED * 20
    assert decode(data + b"\0" * 4096 + data, "tale.txt").text == QUOTED * 40


# -- the files beside the checkout ------------------------------------------------------------------------


def test_the_tries_beside_the_checkout(shared: Path) -> None:
    books = shared / "tries" / "books"
    read = read_document(books / "06_cp1252_in_utf8.txt")
    assert "\nIt’s the goose’s hat, “no”.\n" in read.text
    assert "\ufffd" not in read.text
    read = read_document(books / "07_mojibake.txt")
    assert "It’s “raining,” said the fox — “très bien.”" in read.text
    assert "mended" in read.remarks[0]
    assert read_document(books / "08_iso2022jp.txt").text.startswith("昔々あるところに、おじいさん")
    assert "one stray byte" in read_document(books / "09_nul.txt").text
