"""Japanese plain texts with readings and notes: the base text alone is read, with title, author and chapters."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.corpus.dividing.divide import read_book
from storytime_tui.corpus.formats.plain import plain_document
from storytime_tui.corpus.formats.read import read_document
from tests.corpus.formats.tongues import tale_in

FRAME = """狐のランプ
野原花子

-------------------------------------------------------
【テキスト中に現れる記号について】

《》：ルビ
（例）囁《ささや》いた

｜：ルビの付く文字列の始まりを特定する記号
（例）山道｜明《あか》り

［＃］：入力者注　主に外字の説明や、傍点の位置の指定
（例）［＃ここから２字下げ］
-------------------------------------------------------

{}

底本：「狐のランプ」森の書店
　　　1987（昭和62）年9月29日第1刷発行
入力：山田太郎
校正：川上次郎
青空文庫作成ファイル：
このファイルは、インターネットの図書館、青空文庫で作られました。
"""
CHAPTERS = """［＃８字下げ］一［＃「一」は中見出し］

　むかし、｜小さな村《むら》に娘《むすめ》が住んでいた。※［＃「てへん＋宛」、第3水準1-84-80］
　狐《きつね》は「｜Lamp《ランプ》だ」と囁《ささや》いた。［＃「囁いた」に傍点］
［＃改ページ］
［＃８字下げ］二［＃「二」は中見出し］

　娘は※［＃「口＋世」、U+546D、1-2］と笑って、明《あか》りをつけた。
"""


@pytest.mark.parametrize("encoding", ["shift_jis", "utf-8", "euc_jp", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_book_of_aozora_is_read_without_its_frame(tmp_path: Path, encoding: str, end: str) -> None:
    path = tmp_path / "kitsune.txt"
    path.write_bytes(FRAME.format(CHAPTERS + tale_in("Japanese", 500)).replace("\n", end).encode(encoding))
    document = read_document(path)
    assert (document.title, document.author) == ("狐のランプ", "野原花子")
    assert [document.text.split("\n")[heading.line] for heading in document.headings] == [
        *("狐のランプ", "一", "二")
    ]
    for kept in (
        "小さな村に娘が住んでいた。捥\n",
        "「Lampだ」と囁いた。\n",
        "娘は呭と笑って、明りをつけた。",
    ):
        assert kept in document.text
    assert not set("《》｜［］＃※") & set(document.text)
    reasons = [left.reason for left in document.left_out]
    assert (reasons[0], reasons[1], set(reasons[2:])) == ("note", "credits", {"typesetting mark"})
    assert "ルビの付く" in document.left_out[0].text
    assert "山田太郎" in document.left_out[1].text
    assert "底本" not in document.text
    book = read_book(document)
    assert (book.title, book.author) == ("狐のランプ", "野原花子")
    assert "".join(tale.text for tale in book.tales).endswith(document.text.strip().split("\n")[-1])


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("囁《ささや》いた｜明《あか》り［＃ここから２字下げ］", "囁いた明り"),
        ("彼は|青い炎《ブルーフレイム》を見た。", "彼は青い炎を見た。"),
        ("人々《ひとびと》が〆切《しめきり》に追われた。", "人々が〆切に追われた。"),
        ("我在看《红楼梦》和《西游记》。", "我在看《红楼梦》和《西游记》。"),
        ("《始めよ》と声がした。", "《始めよ》と声がした。"),
        ("［これは本文］と［注］だ。", "［これは本文］と［注］だ。"),
    ],
)
def test_readings_and_notes_go_and_all_else_stays(tmp_path: Path, text: str, base: str) -> None:
    for encoding in ("utf-8", "utf-16"):
        path = tmp_path / "tale.txt"
        path.write_bytes((f"{text}\n" * 9).encode(encoding))
        document = read_document(path)
        assert document.text == f"{base}\n" * 9
        assert bool(document.left_out) == (text != base)


@given(
    st.lists(st.sampled_from(["字", "かな", "、", "《よみ》", "《漢》", "［＃注］", "《", "》", "a", "\n"]))
)
def test_every_letter_is_kept_or_left_out(pieces: list[str]) -> None:
    text = "".join(pieces)
    document = plain_document(text)
    left_out = "".join(left.text for left in document.left_out)
    for letter in "字、漢aかよ注":
        assert text.count(letter) == document.text.count(letter) + left_out.count(letter)


def test_the_page_with_readings_beside_the_checkout(shared: Path) -> None:
    (tale,) = read_book(read_document(shared / "tries" / "books" / "u3_ruby.html")).tales
    assert "囁いた明り" in tale.text
    assert not set("《》｜［］＃") & set(tale.text)
