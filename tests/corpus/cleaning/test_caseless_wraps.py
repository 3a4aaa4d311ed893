"""Hard-wrapped lines in scripts without capitals: Chinese and Japanese join without a space, Korean with one."""

import re
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storytime_tui.corpus.cleaning.clean import clean
from storytime_tui.corpus.formats.markup import read_html
from tests.corpus.formats.tongues import UNSPACED, tale_in
from tests.examples import many

SPACED = ("Korean", "Hebrew", "Arabic")


def paragraphs(language: str, seed: int = 1) -> list[str]:
    return [line.strip() for line in tale_in(language, 4000, seed).strip().split("\n")]


def cut(paragraph: str, width: int) -> str:
    """The paragraph in lines of this many characters, none of which begins with a full stop or comma."""
    lines, at = [], 0
    while at < len(paragraph):
        end = at + width
        while end < len(paragraph) and paragraph[end] in "。，、！？」”":
            end += 1
        lines.append(paragraph[at:end])
        at = end
    return "\n".join(lines)


@pytest.mark.parametrize("language", sorted(UNSPACED))
@settings(max_examples=many(10))
@given(width=st.integers(20, 45), seed=st.integers(0, 99), indented=st.booleans())
def test_lines_of_chinese_and_japanese_join_without_a_space(
    language: str, width: int, seed: int, indented: bool
) -> None:
    told = paragraphs(language, seed)
    between, indent = ("\n", "\u3000\u3000") if indented else ("\n\n", "")
    wrapped = between.join(cut(f"{indent}{each}", width) for each in told)
    assert clean(wrapped, plain=False) == between.join(f"{indent}{each}" for each in told).strip("\n")


@pytest.mark.parametrize("language", SPACED)
@settings(max_examples=many(10))
@given(width=st.integers(30, 70), seed=st.integers(0, 99))
def test_lines_of_scripts_with_spaces_join_with_one(language: str, width: int, seed: int) -> None:
    told = paragraphs(language, seed)
    wrapped = "\n\n".join(textwrap.fill(each, width) for each in told)
    assert clean(wrapped, plain=False) == "\n\n".join(told)


@pytest.mark.parametrize("language", [*sorted(UNSPACED), *SPACED])
def test_a_text_that_is_not_wrapped_stays(language: str) -> None:
    told = "\n".join(paragraphs(language))
    assert clean(told, plain=False) == told


@pytest.mark.parametrize(
    "verse",
    [
        "床前明月光，\n疑是地上霜。\n举头望明月，\n低头思故乡。",
        "风急天高猿啸哀，渚清沙白鸟飞回。\n无边落木萧萧下，不尽长江滚滚来。\n"
        "万里悲秋常作客，百年多病独登台。\n艰难苦恨繁霜鬓，潦倒新停浊酒杯。",
        "我在冬天的早晨走过那座结冰的小桥\n想起你\n和那盏一直没有熄灭的灯\n风从北方吹来\n"
        "吹过所有没有名字的村庄和它们的屋顶\n我们都不说话\n只听见雪落在雪上的声音\n直到天亮",
        "古池や\n蛙飛び込む\n水の音",
    ],
)
def test_verse_stays(verse: str) -> None:
    assert clean(verse) == verse


def test_a_word_in_latin_letters_keeps_its_spaces() -> None:
    line = "他打开电脑运行了一个叫做 storytime 的程序，然后坐在窗前等着那只狐狸从雪地里走回来告诉他结果"
    wrapped = "\n".join([*[line] * 4, "他说 hello", "world 然后走了。"])
    assert re.sub(r"\n", "", wrapped)[:150] in clean(wrapped)


def test_lines_of_a_page_join_in_the_same_way() -> None:
    source = "<p>从前有一位\n  老人。</p><p>He ran\nhome.</p><p>옛날 옛적에\n큰 산</p><pre>一\n二</pre>"
    text = read_html(source, "tale.html").document.text
    assert text == "从前有一位老人。\n\nHe ran home.\n\n옛날 옛적에 큰 산\n\n一\n二"


def test_what_is_joined_is_the_same_when_it_is_cleaned_again() -> None:
    for language in (*UNSPACED, *SPACED):
        once = clean("\n\n".join(cut(each, 33) for each in paragraphs(language)))
        assert clean(once) == once
