"""Titles in scripts without capitals are known, and the first lines of their stories are not taken for titles."""

import pytest

from storytime_tui.corpus.dividing.caseless import is_caseless_end, is_caseless_title
from storytime_tui.corpus.dividing.divide import read_book
from storytime_tui.corpus.dividing.titles import is_title
from storytime_tui.corpus.formats.plain import plain_document

# A title, then the paragraphs of a story.
STORIES = {
    "Korean": (
        "늙은 등대지기",
        "옛날 옛적에 한 마을에 등대지기가 살았습니다. 그는 키가 아주 컸습니다.",
        '어느 날 거위가 찾아왔습니다. "불을 켜세요." 하고 거위가 말했습니다.',
    ),
    "Arabic": (
        "حارس المصباح",
        "كان يا ما كان في قديم الزمان رجل يحرس المصباح في المدينة. وكان طويلا جدا.",
        "وفي ليلة جاءت إوزة ومشت في الطريق. ونظرت إلى المصباح المظلم.",
    ),
    "Hebrew": (
        "שומר הפנס",
        "היה היה פעם איש ששמר על הפנס בעיר. הוא היה גבוה מאוד.",
        "ערב אחד באה אווזה והלכה בדרך. היא הביטה בפנס החשוך.",
    ),
    "Thai": (
        "คนจุดโคม",
        "กาลครั้งหนึ่งนานมาแล้วมีชายคนหนึ่งจุดโคมในเมือง เขาตัวสูงมากจนไม่ต้องใช้บันได",
        "เย็นวันหนึ่งห่านเดินมาตามถนน มันมองดูโคมที่มืดและมองชายคนนั้น",
    ),
    "Hindi": (
        "दीपक का रखवाला",
        "एक समय की बात है, एक नगर में एक आदमी रहता था। वह बहुत लंबा था।",
        "एक शाम एक हंस सड़क पर चलता हुआ आया। उसने अँधेरे दीपक को देखा।",
    ),
    "Georgian": (
        "მეფარნე",
        "იყო და არა იყო რა, ქალაქში ცხოვრობდა ერთი მეფარნე. ის ძალიან მაღალი იყო.",
        "ერთ საღამოს ბატი მოვიდა. მან ჩამქრალ ფარანს შეხედა.",
    ),
    "Tamil": (
        "விளக்குக்காரர்",
        "ஒரு ஊரில் ஒரு விளக்குக்காரர் இருந்தார். அவர் மிக உயரமானவர்.",
        "ஒரு நாள் ஒரு வாத்து வந்தது. அது இருண்ட விளக்கைப் பார்த்தது.",
    ),
}


@pytest.mark.parametrize("language", STORIES)
@pytest.mark.parametrize("gap", ["\n\n", "\n\n\n", "\n\n\n\n"])
def test_a_first_line_that_stands_alone_is_the_title(language: str, gap: str) -> None:
    title, *told = STORIES[language]
    (tale,) = read_book(plain_document(gap.join([title, *told]))).tales
    assert (tale.title, tale.text) == (title, "\n\n".join(told))


@pytest.mark.parametrize("language", STORIES)
@pytest.mark.parametrize("gap", ["\n\n", "\n\n\n\n"])
def test_paragraphs_are_no_titles(language: str, gap: str) -> None:
    _, *told = STORIES[language]
    (tale,) = read_book(plain_document(gap.join([*told, *told]))).tales
    assert (tale.title, tale.text) == ("", "\n\n".join([*told, *told]))


@pytest.mark.parametrize("language", STORIES)
@pytest.mark.parametrize("row", ["***", "---"])
def test_titled_tales_between_rows_come_apart(language: str, row: str) -> None:
    title, *told = STORIES[language]
    others = {name: parts for name, parts in STORIES.items() if name != language}
    parts = ["\n\n".join([title, *told]), *["\n\n".join(each) for each in others.values()]]
    book = read_book(plain_document(f"\n\n{row}\n\n".join(parts)))
    assert [tale.title for tale in book.tales] == [title, *[each[0] for each in others.values()]]


@pytest.mark.parametrize(
    "line",
    [
        "비가 왔습니다.",
        '"불을 켜세요"',
        "그리고,",
        "هل جاءت؟",
        "وقال:",
        "ירד גשם.",
        "वह आया।",
        "ฝน ตก ที่ เมือง ของ เรา",
        "กาลครั้งหนึ่งนานมาแล้วมีชายคนหนึ่งจุดโคมในเมืองของเรา",
        "비가 왔습니다. 바람이 불었다",
        "ab",
        "the lamp",
        "лампа",
        "그 the old lamp on the hill",
        "가",
        "***",
        "",
    ],
)
def test_sentences_and_other_scripts_are_no_caseless_titles(line: str) -> None:
    assert not is_caseless_title(line)


@pytest.mark.parametrize(
    "line", ["《늙은 등대지기》", "등대지기 (1)", "거위와 LED 등", "여우, 거위, 그리고 등대"]
)
def test_titles_may_hold_brackets_numbers_and_commas(line: str) -> None:
    assert is_caseless_title(line)
    assert is_title(line)


@pytest.mark.parametrize("line", ["끝", "النهاية", "סוף", "จบ", "समाप्त"])
def test_the_end_is_no_part_of_the_story(line: str) -> None:
    title, *told = STORIES["Korean"]
    assert is_caseless_end(line)
    (tale,) = read_book(plain_document("\n\n".join([title, *told, line]))).tales
    assert tale.text == "\n\n".join(told)
