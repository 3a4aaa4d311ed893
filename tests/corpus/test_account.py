"""The account of a file: each of its words is in a story or among what is left out, with a reason."""

import random
import re
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storytime_tui.corpus.account import account_of
from storytime_tui.corpus.dividing.divide import read_book
from storytime_tui.corpus.document import Account, Book, Document, LeftOut, Omitted
from storytime_tui.corpus.formats.read import read_document
from storytime_tui.word_count import count_words
from tests.corpus import invented_books
from tests.corpus.invented_books import Book as InventedBook
from tests.corpus.test_nothing_lost import Piece, html, markdown, plain, texts
from tests.corpus.truth_tools import BOOKS
from tests.examples import many

MARKS = re.compile(r"<\|\w+\|>")


def words_of(text: str) -> Counter[str]:
    """The words of a text; underscores mark emphasis, also within a word."""
    for sign in "_'’":
        text = text.replace(sign, "")
    return Counter(re.findall(r"[^\W_]+", MARKS.sub(" ", text).casefold()))


def accounted(document: Document) -> tuple[Book, Account, tuple[str, ...]]:
    """The account, once it is shown that no word is missing from it."""
    book = read_book(document)
    account, left_out = account_of("a.txt", document, book)
    titles = [*(tale.title for tale in book.tales), *(c.title for tale in book.tales for c in tale.chapters)]
    told = words_of("\n".join([*(tale.text for tale in book.tales), *left_out]))
    joined = re.sub(r"-\n\s*", "", document.text)  # a word that was divided at the end of a line
    missing = (words_of(document.text) - told) & (words_of(joined) - told)
    headings = words_of("\n".join([*titles, book.title, book.author]))  # which may stand there twice
    assert not {word for word in missing if word not in headings and not is_number(word)}
    assert account.kept + sum(each.words for each in account.omitted) == account.words
    assert len(left_out) == len(account.omitted)
    return book, account, left_out


def is_number(word: str) -> bool:
    """Whether it may be a heading's number, which titles are shown without."""
    return word in ("chapter", "story", "part") or re.fullmatch(r"\d+|[ivxlc]+", word) is not None


def reasons(account: Account) -> set[str]:
    return {each.reason for each in account.omitted if each.words}


@settings(max_examples=many(40))
@given(texts(), st.sampled_from([lambda pieces: plain(pieces, 4), markdown, html]))
def test_every_word_of_a_private_text_is_kept_or_accounted_for(
    pieces: list[Piece], written: Callable[[list[Piece]], Document]
) -> None:
    _, account, _ = accounted(written(pieces))
    assert reasons(account) <= {"contents list", "author", "unknown"}


@pytest.mark.parametrize(
    "make", [invented_books.before_the_book, invented_books.after_the_book, invented_books.with_pictures]
)
def test_every_word_of_a_published_book_is_kept_or_accounted_for(make: Callable[[], InventedBook]) -> None:
    book = make()
    _, account, left_out = accounted(Document(book.text))
    assert "licence" in reasons(account)
    dropped = {number for first, last in book.ranges["drop"] for number in range(first - 1, last)}
    for each, text in zip(account.omitted, left_out, strict=True):
        first, last = each.lines
        if each.reason in ("licence", "contents list"):
            shown = {at for at in range(first, last) if book.lines[at].strip()}
            assert shown <= dropped, each
        assert text in "\n".join(book.lines[first:last])


def test_real_books_are_accounted_for_word_by_word() -> None:
    """Where they are there; the invented ones hold the same in small."""
    for path in sorted(BOOKS.glob("*.txt"))[::3]:
        _, account, _ = accounted(read_document(path))
        named = sum(each.words for each in account.omitted if each.reason != "unknown")
        unknown = sum(each.words for each in account.omitted if each.reason == "unknown")
        assert unknown <= 0.005 * account.words, path.name
        assert named > 0
        assert "licence" in reasons(account), path.name


def test_each_reason_is_found() -> None:
    story = "\n\n".join(
        f"The goose met the miller on day {number} and asked him for a lamp.[{number}]"
        for number in range(1, 9)
    )
    notes = "\n\n".join(f"[{number}] A lamp burns oil, says note {number}." for number in range(1, 9))
    text = f"[Illustration: A goose in a hat.]\n\n{story}\n\n{notes}\n\nTHE END"
    _, account, left_out = accounted(Document(text))
    by_reason = {reason: " ".join(" ".join(t.split()) for e, t in zip(account.omitted, left_out, strict=True)
                 if e.reason == reason) for reason in reasons(account)}  # fmt: skip
    assert by_reason["illustration"] == "[Illustration: A goose in a hat.]"
    assert "[8] A lamp burns oil, says note 8." in by_reason["note"]
    assert account.asked == ()


def test_a_large_part_without_a_plain_reason_is_asked_about() -> None:
    preface = "PREFACE\n\n" + "\n\n".join(
        f"It was in the year {year} that I began to write." for year in range(1800, 1840)
    )
    tales = "".join(
        f"\n\n\n\nTHE {name}\n\n\n"
        + "\n\n".join(f"The {name.lower()} went out and met number {n}." for n in range(90))
        for name in ("GOOSE", "MILLER", "HERON")
    )
    listed = "CONTENTS\n\n PREFACE\n THE GOOSE\n THE MILLER\n THE HERON"
    start = "*** START OF THE PROJECT GUTENBERG EBOOK THREE TALES ***"
    end = "*** END OF THE PROJECT GUTENBERG EBOOK THREE TALES ***"
    text = f"{start}\n\n\nTHREE TALES\n\n\n\n{listed}\n\n\n\n{preface}{tales}\n\n\n{end}\n"
    book, account, left_out = accounted(Document(text))
    assert [tale.title for tale in book.tales] == ["The Goose", "The Miller", "The Heron"]
    (asked,) = account.asked
    assert asked.reason == "front matter"
    assert "It was in the year 1839" in left_out[account.omitted.index(asked)]


def test_what_the_reader_left_out_is_in_the_account() -> None:
    page = LeftOut("no prose", "page cover.xhtml", "A Goose by N. O. Body")
    document = Document("The goose sat down.", left_out=(page,), remarks=("It was read as UTF-8.",))
    _, account, left_out = accounted(document)
    assert (account.words, account.kept) == (10, 4)
    assert [(each.reason, each.place, each.words) for each in account.omitted] == [
        ("no prose", "page cover.xhtml", 6)
    ]
    assert left_out == ("A Goose by N. O. Body",)
    assert account.remarks == ("It was read as UTF-8.",)


def test_a_dropped_line_that_begins_like_the_one_after_it_is_named_whole() -> None:
    lines = [
        "The goose sat down by the lamp.",
        "",
        "[Illustration: The goose]",
        "",
        "The goose got up again.",
    ]
    _, account, left_out = accounted(Document("\n".join(lines)))
    assert [each.place for each in account.omitted] == ["line 3"]
    assert left_out == ("[Illustration: The goose]",)


def test_long_texts_take_no_time_that_grows_faster_than_they_do(tmp_path: Path) -> None:
    """A text of the same word a million times, of which every second line is an illustration."""
    text = "\n\n".join(["goose " * 12, "[Illustration: goose goose goose]"] * 4_000)
    _, account, _ = accounted(Document(text))
    assert account.kept == 48_000


def test_the_line_of_an_author_says_what_it_is_and_few_words_are_asked_about_by_nobody(
    tmp_path: Path,
) -> None:
    path = tmp_path / "ferry.txt"
    path.write_text(
        "THE LAST FERRY\n\nby R. Mills\n\n\nA ferry knocks against the quay. Nobody is there.\n\nTHE END\n",
        encoding="utf-8",
    )
    book, account, _ = accounted(read_document(path))
    assert book.tales[0].title == "The Last Ferry"
    assert reasons(account) == {"author", "end of the text"}
    assert not account.asked
    more = Account("a.txt", 100, (Omitted("unknown", "line 3", 9), Omitted("unknown", "line 9", 10)))
    assert [each.words for each in more.asked] == [10]


WORDS = {
    "cp1252": "le héron était assis près de la rivière où naguère une forêt brûlait façade dorée île déserte Noël été",
    "iso8859_2": "żółty jeż szedł przez łąkę gdzie źródło biło świeżą wodą aż noc się skończyła cień mgła ćma",
    "cp1251": "лиса пошла к реке и встретила старую гусыню которая пела песню луне вечером возле мельницы дома",
    "koi8_r": "ёж нашёл шапку под ёлкой и отнёс её сове которая жила далеко за тёмным лесом над синим озером",
    "gb18030": "狐狸 走到 河边 遇见 一只 老鹅 她 正在 唱歌 月亮 升起 来了 磨坊 里 没有 灯 他们 一起 回家",
    "big5": "狐狸 走到 河邊 遇見 一隻 老鵝 她 正在 唱歌 月亮 升起 來了 磨坊 裡 沒有 燈 他們 一起 回家",
    "shift_jis": "むかし 狐が 川へ 行って 年寄りの がちょうに 会いました 月が のぼり 歌を うたい 灯りが 消えた",
    "euc_jp": "ある日 ハリネズミは 帽子を なくし 森の 中を さがして 歩いた ふくろうは 木の 上で 笑って いました",
    "iso2022_jp": "ある日 ハリネズミは 帽子を なくし 森の 中を さがして 歩いた ふくろうは 木の 上で 笑って いました",
    "euc_kr": "여우가 강으로 내려가 늙은 거위를 만났다 달이 떠오르고 노래가 들렸다 물레방아 집에는 불이 없었다",
    "utf-16": "η αλεπού πήγε στο ποτάμι και συνάντησε μια γριά χήνα που τραγουδούσε στο φεγγάρι τη νύχτα",
    "utf-8": "igelinn fann hattinn sinn undir steini þegar tunglið kom upp yfir ána í gær straße größe żaba",
}
UNSPACED = ("gb18030", "big5", "shift_jis", "euc_jp", "iso2022_jp")


def tale_in(encoding: str, chance: random.Random) -> str:
    """Paragraphs of the language that is written in this encoding."""
    words, unspaced = WORDS[encoding].split(), encoding in UNSPACED
    space, stop = ("", "。") if unspaced else (" ", ". ")

    def sentence() -> str:
        chosen = chance.sample(words, chance.randint(8, len(words)))
        return space.join(chosen).capitalize() + stop

    paragraphs = ["".join(sentence() for _ in range(chance.randint(2, 6))).strip() for _ in range(12)]
    return "\n\n".join(paragraphs)


@settings(max_examples=many(60))
@given(st.integers(0, 10_000), st.sampled_from(sorted(WORDS)))
def test_every_word_of_a_text_in_any_encoding_is_kept_or_accounted_for(seed: int, encoding: str) -> None:
    text = tale_in(encoding, random.Random(seed))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.txt"
        path.write_bytes(text.encode(encoding))
        document = read_document(path)
    _, account, _ = accounted(document)
    assert words_of(document.text) == words_of(text)
    assert account.words == count_words(text)
    assert account.kept >= 0.99 * account.words
