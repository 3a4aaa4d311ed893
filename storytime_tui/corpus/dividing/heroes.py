"""Telling a novel from a book of stories: the same people occur throughout, or a title says what it is."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

from storytime_tui.corpus.dividing.east_asian import is_east_asian

OF_STORIES = re.compile(
    r"\b(?:tales|stories|fables|legends|myths|folk-?lore|nursery rhymes|fairy[- ]books?|story[- ]books?"
    r"|\w*märchen|\w*sagen|fabeln|geschichten|erzählungen|novellen|contes|légendes|histoires|nouvelles|récits"
    r"|cuentos|fábulas|leyendas|relatos|historias|contos|lendas|fiabe|favole|novelle|racconti|leggende"
    r"|sprookjes|fabels|verhalen|vertellingen|сказк[иа]|рассказы|басни|легенды)\b"
    r"|童话|童話|故事集|寓言|寓話|短篇|民話|昔話|昔ばなし|小说集|小說集|作品集",
    re.IGNORECASE,
)

_SMALL = "a-zß-öø-ÿœа-яё"
_NAME = re.compile(rf"(?<=[{_SMALL},] )[A-ZÀ-ÖØ-ÞА-ЯЁ][{_SMALL}]{{2,}}")
_TITLES = (
    "King Queen Prince Princess God Sir Lord Lady Mother Father Mrs Miss Uncle Aunt Brother Sister Master"
)
_OTHERS = "Captain Emperor Majesty Christmas Fairy Heaven Yes Now Then English England French Sunday "
_OTHERS += "North South East West"
_ELSEWHERE = (
    "Gott Herr Frau König Königin Dieu Roi Madame Monsieur Dios Rey Señor Señora Dio Signore Signora Heer "
)
_ELSEWHERE += "Mevrouw Deus Senhor Бог Боже Господь Господи"
_NO_NAMES = frozenset(_TITLES.split() + _OTHERS.split() + _ELSEWHERE.split())
_SHORT_PART = 2000  # characters; in a longer part a name must occur twice
_HERO = 0.6  # of a novel's chapters contain its hero's name

# German writes every noun with a capital. A noun has an article or the like before it, a name seldom.
_GERMAN_WORD = re.compile(r"(?<![.!?:\"“”»«] )(?:\b([a-zäöüß]+) )?([a-zäöüß]+) ([A-ZÄÖÜ][a-zäöüß]{2,})")
_GERMAN_DETERMINER = re.compile(
    r"d(?:er|ie|as|en|em|es)|(?:ein|kein|mein|dein|sein|ihr|unser|euer|eur)(?:e|en|em|er|es)?|dies\w+|jen\w+|jed\w+"
    r"|all\w*|viel\w*|manch\w*|welch\w*|zum|zur|beim|vom|im|am|ins|ans|kein\w*|vor|ohne|mit|in|an|aus|von|zu|nach|voll"
)
_SELDOM = 0.25
_FEW = 3
_SAMPLE = 30_000  # characters that show the language

# In Chinese and Japanese no letter shows a name, but what stands after one does: "says", a topic or subject mark.
_SPEAKER = re.compile(
    "([\u4e00-\u9fff]{2,3}?)(?:笑|忙|又|便|冷笑|大声|轻声)?(?:说道|說道|问道|問道|道|说|說)[：:，,]"
    "|([\u4e00-\u9fff]{2,4}|[\u30a1-\u30ff]{3,8})(?:は|が)"
)
_STEM = 4  # letters of a Russian name, which is declined


def have_one_hero(text: str, parts: Sequence[tuple[int, int]]) -> bool:
    """Whether a book has the same people throughout, as novels do: one name, or shared names from part to part.

    In Chinese and Japanese names are often not found. Then it is taken for a novel, as a novel in pieces would be
    both learned and used to test what was learned.
    """
    people = _people(text, parts)
    many = Counter(name for names in people for name in names)
    if not many or 2 * sum(map(bool, people)) < len(people):
        return is_east_asian(text[parts[0][0] : parts[0][1]]) if parts else False
    shared = [bool(before & after) for before, after in pairwise(people)]
    return max(many.values()) >= _HERO * len(parts) or sum(shared) >= _HERO * len(shared)


def hero_share(texts: Sequence[str]) -> float:
    """The largest share of these texts, 0 to 1, in which one and the same name occurs."""
    parts, at = [], 0
    for text in texts:
        parts.append((at, at + len(text)))
        at += len(text) + 2
    many = Counter(name for names in _people("\n\n".join(texts), parts) for name in names)
    return max(many.values(), default=0) / max(1, len(texts))


def _people(text: str, parts: Sequence[tuple[int, int]]) -> list[set[str]]:
    """The names in each part of a text."""
    sample = text[parts[0][0] : parts[0][0] + _SAMPLE] if parts else ""
    if is_east_asian(sample):
        found = [["".join(pair) for pair in _SPEAKER.findall(text, start, end)] for start, end in parts]
    elif sample.count(" und ") > max(2, sample.count(" and ")):
        names = _german_names(text[parts[0][0] : parts[-1][1]])
        found = [[name for name in _NAME.findall(text, start, end) if name in names] for start, end in parts]
    else:
        found = [list(map(_stem, _NAME.findall(text, start, end))) for start, end in parts]
    return [
        _frequent(names, 2 if end - start > _SHORT_PART else 1)
        for names, (start, end) in zip(found, parts, strict=True)
    ]


def _frequent(names: Iterable[str], fewest: int) -> set[str]:
    return {name for name, times in Counter(names).items() if times >= fewest} - _NO_NAMES


def _stem(name: str) -> str:
    return name[:_STEM] if "А" <= name[0] <= "я" else name


def _german_names(text: str) -> set[str]:
    """The words with a capital that seldom have an article before them, directly or before an adjective."""
    times: Counter[str] = Counter()
    as_nouns: Counter[str] = Counter()
    for before, last, word in _GERMAN_WORD.findall(text):
        times[word] += 1
        as_nouns[word] += any(map(_GERMAN_DETERMINER.fullmatch, (before, last)))
    return {word for word, many in times.items() if many >= _FEW and as_nouns[word] <= _SELDOM * many}
