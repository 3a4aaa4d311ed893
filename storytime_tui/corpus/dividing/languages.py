"""Headings in German, French, Spanish, Portuguese, Italian, Dutch and Russian: one table for each language."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from storytime_tui.corpus.dividing.label import Label
from storytime_tui.corpus.dividing.number_words import MOST_WORDS, cardinal, folded, ordinal, roman_value


@dataclass(frozen=True)
class Language:
    """The words of a language's headings, as patterns that match a whole heading in lower case, without accents.

    `nouns`: each with the English noun that stands for it in a `Label`. `frames`: a prologue, an epilogue, a last
    chapter. `contents`, `front`, `back`: what stands around a text. `end`: THE END.
    """

    articles: str
    nouns: str
    frames: str
    contents: str
    front: str
    back: str
    end: str


GERMAN = Language(
    articles="der die das",
    nouns="kapitel=chapter capitel=chapter kap=chapter teil=part theil=part buch=book band=volume abschnitt=section "
    "abteilung=part akt=act aufzug=act szene=scene scene=scene auftritt=scene geschichte=story märchen=tale "
    "erzählung=story sage=legend fabel=fable abenteuer=adventure brief=letter nacht=night abend=evening tag=day "
    "gesang=canto reise=voyage",
    frames=r"prolog|epilog|vorspiel|nachspiel|schlu(?:ss|ß)|beschluss|nachwort|letztes kapitel",
    contents=r"inhalt|inhalts-?(?:verzeichnis|verzeichniss|angabe|ubersicht)|verzeichnis der (?:marchen|kapitel)",
    front=r"vorwort(?: .*)?|vorrede(?: .*)?|einleitung|widmung|zueignung|vorbemerkung|geleitwort|zum geleit",
    back=r"anhang|anmerkungen(?: .*)?|fu(?:ss|ß)noten|register|glossar|quellen(?:verzeichnis)?|anzeigen",
    end=r"ende(?: (?:des|der|vom) (?:\S+ )?(?:th?eils?|bandes?|buche?s|marchens?|geschichte|romans?|kapitels))?",
)
FRENCH = Language(
    articles="le la les",
    nouns="chapitre=chapter chap=chapter partie=part livre=book tome=volume acte=act scène=scene conte=tale "
    "histoire=story récit=story fable=fable légende=legend aventure=adventure lettre=letter nuit=night soirée=evening "
    "veillée=evening jour=day journée=day chant=canto épisode=episode voyage=voyage",
    frames=r"prologue|epilogue|conclusion|postface|dernier chapitre",
    contents=r"tables? des (?:matieres|chapitres|contes|fables)|table|sommaire",
    front=r"preface(?: .*)?|avant[- ]propos|introduction|dedicace|avertissement(?: .*)?|au lecteur"
    r"|a mes (?:enfants|lecteurs)",
    back=r"notes?(?: .*)?|appendices?|annexes?|glossaire|index|errata|du meme auteur",
    end=r"fin(?: (?:du|de la|de l'|des) ?(?:\S+ ){0,2}"
    r"(?:partie|livre|tome|volume|contes?|histoire|roman|chapitre|recit)(?: .*)?)?",
)
SPANISH = Language(
    articles="el la los las",
    nouns="capítulo=chapter cap=chapter parte=part libro=book tomo=volume volumen=volume sección=section acto=act "
    "jornada=act escena=scene cuento=tale historia=story relato=story fábula=fable leyenda=legend aventura=adventure "
    "carta=letter noche=night día=day viaje=voyage",
    frames=r"prologo|epilogo|conclusion|ultimo capitulo|capitulo (?:ultimo|final)",
    contents=r"indice(?: (?:general|de .*))?|contenidos?|tabla de (?:contenidos?|materias)",
    front=r"prefacio|introduccion|dedicatoria|advertencia|nota (?:del|de la) .*|al lector|proemio",
    back=r"apendices?|notas(?: .*)?|glosario|bibliografia|erratas",
    end=r"fin(?: (?:del?|de la|de los) (?:\S+ ){0,2}(?:parte|libro|tomo|cuentos?|novela|capitulo|historia)(?: .*)?)?",
)
PORTUGUESE = Language(
    articles="o a os as",
    nouns="capítulo=chapter parte=part livro=book ato=act acto=act cena=scene conto=tale história=story fábula=fable "
    "lenda=legend aventura=adventure carta=letter noite=night dia=day viagem=voyage",
    frames=r"prologo|epilogo|conclusao|ultimo capitulo|capitulo final",
    contents=r"indice(?: .*)?|conteudo|sumario",
    front=r"prefacio|introducao|dedicatoria|advertencia|ao leitor",
    back=r"apendices?|notas(?: .*)?|glossario|bibliografia",
    end=r"fim(?: d[aeo]s? (?:\S+ ){0,2}(?:parte|livro|tomo|contos?|novela|capitulo|historia)(?: .*)?)?",
)
ITALIAN = Language(
    articles="il lo la",
    nouns="capitolo=chapter cap=chapter parte=part libro=book tomo=volume volume=volume sezione=section atto=act "
    "scena=scene fiaba=tale favola=fable racconto=story novella=tale storia=story leggenda=legend avventura=adventure "
    "lettera=letter notte=night giorno=day giornata=day canto=canto viaggio=voyage",
    frames=r"prologo|epilogo|conclusione|ultimo capitolo",
    contents=r"indice(?: .*)?|sommario",
    front=r"prefazione(?: .*)?|introduzione|dedica|proemio|avvertenza|al lettore|ai lettori",
    back=r"appendice|note(?: .*)?|glossario|bibliografia",
    end=r"fine (?:del|della|dello|dell'|di) ?(?:\S+ ){0,2}"
    r"(?:parte|libro|volume|tomo|racconto|fiaba|storia|romanzo|capitolo)(?: .*)?",
)
DUTCH = Language(
    articles="de het",
    nouns="hoofdstuk=chapter deel=part boek=book afdeling=part bedrijf=act toneel=scene tooneel=scene verhaal=story "
    "sprookje=tale vertelling=story fabel=fable avontuur=adventure brief=letter nacht=night avond=evening dag=day "
    "zang=canto reis=voyage",
    frames=r"proloog|epiloog|besluit|slot|nawoord|laatste hoofdstuk",
    contents=r"inhoud|inhoudsopgave|lijst van hoofdstukken",
    front=r"voorwoord|voorrede|voorbericht|inleiding|opdracht|ten geleide|aan de lezers?",
    back=r"aanhangsel|bijlagen?|noten|aantekeningen|register|verklarende woordenlijst",
    end=r"einde(?: (?:van (?:het|de)|der) (?:\S+ )?(?:deel|boek|verhaal|sprookje|hoofdstuk))?",
)
RUSSIAN = Language(
    articles="",
    nouns="глава=chapter гл=chapter часть=part книга=book том=volume раздел=section отдел=section действие=act акт=act "
    "явление=scene сцена=scene рассказ=story история=story повесть=story сказка=tale басня=fable легенда=legend "
    "приключение=adventure письмо=letter ночь=night вечер=evening день=day песнь=canto путешествие=voyage",
    frames=r"пролог|эпилог|заключение|послесловие|последняя глава|глава последняя",
    contents=r"содержание|оглавление",
    front=r"предисловие(?: .*)?|введение|вступление|посвящение|от (?:автора|издателя|переводчика|редакции)|к читателю",
    back=r"приложени[ея]|примечания(?: .*)?|комментарии|словарь|указатель|библиография",
    end=r"конец(?: (?:\S+ ){0,2}(?:части|книги|тома|главы|повести|рассказа|сказки|романа)(?: .*)?)?",
)
LANGUAGES = (GERMAN, FRENCH, SPANISH, PORTUGUESE, ITALIAN, DUTCH, RUSSIAN)

_NOUNS = {
    folded(noun): english
    for language in LANGUAGES
    for noun, _, english in (pair.partition("=") for pair in language.nouns.split())
}
_SPELLINGS = frozenset(_NOUNS) | {
    pair.partition("=")[0] for language in LANGUAGES for pair in language.nouns.split()
}
_ARTICLES = frozenset(folded(word) for language in LANGUAGES for word in language.articles.split())


def _either(patterns: Sequence[str]) -> str:
    return "|".join(patterns).replace("й", "и")  # as in a folded text


_MATTER = re.compile(
    rf"(?P<contents>{_either([each.contents for each in LANGUAGES])})"
    rf"|(?P<back>{_either([each.back for each in LANGUAGES])})"
    rf"|(?P<front>{_either([each.front for each in LANGUAGES])})"
    rf"|(?P<end>{_either([each.end for each in LANGUAGES])})"
)
_FRAMES = re.compile(_either([each.frames for each in LANGUAGES]))

_FIRST_WORDS = 80  # characters; the noun of a heading is in them
_EDGES = ".,:;()[]-–—_*=~«»„“”\"'"
_WORD = re.compile(r"(?:(?!--)[^\s—–])+")
_MARK = "(?:[-.]?(?:e|er|re|ere|eme|eme|o|a|te|ter|tes|ste|de|я|ая|и|ыи|ои|ое|е))?"
_DIGITS = re.compile(rf"(\d{{1,3}}){_MARK}")
_ROMAN = re.compile(rf"(?=[IVXLC])(C{{0,3}}(?:XC|XL|L?X{{0,4}})(?:IX|IV|V?I{{0,4}})){_MARK}")
_LOOKALIKES = str.maketrans("ІХС", "IXC")  # Cyrillic letters that are typed for Roman numerals
_BETWEEN = re.compile(r"[\s.:;,)\]_*=–—-]*")
_SEPARATOR = re.compile(r"[.:;)\]–—-]")
_SUBTITLE = re.compile(
    r"(?:in (?:dem|der|den|welche[mrn]?|cui|which)|worin|wie|wo|von|où|dans (?:lequel|laquelle)|en (?:que|el que|donde)"
    r"|donde|que trata|de lo que|nel quale|dove|in cui|waarin|hoe|в котор)\b",
    re.IGNORECASE,
)
_LONGEST_TITLE = 100  # characters of a title on the line of its number


def label_in(heading: str) -> Label | None:
    """The number at the beginning of a heading in one of these languages; None if there is none.

    "Erstes Kapitel", "CHAPITRE II", "3. Kapitel: Der Fuchs". A sentence that begins like one is no heading.
    """
    line, _, below = heading.partition("\n")
    words = list(_WORD.finditer(line[:_FIRST_WORDS]))[: MOST_WORDS + 2]
    if not words:
        return None
    first = 1 if len(words) > 1 and _plain(words[0][0]) in _ARTICLES else 0
    if first >= len(words):
        return None
    found = _noun_first(words[first:]) or _number_first(words[first:])
    if found is None:
        return None
    noun, number, end, noun_first = found
    rest = _rest_of(line, end, noun_first=noun_first, article=first > 0)
    if rest is None:
        return None
    return Label(noun, number, "\n".join(filter(None, (rest, below.strip()))))


def may_begin_label(heading: str) -> bool:
    """A fast test whether `label_in` may succeed: one of the first words is a noun that takes a number."""
    start = heading[:_FIRST_WORDS].lower()
    for sign in ".:,—":
        start = start.replace(sign, " ")
    return not _SPELLINGS.isdisjoint(start.split(None, MOST_WORDS + 2)[: MOST_WORDS + 2])


def other_matter(heading: str) -> str | None:
    """The kind of a heading in lower case that begins no story: "contents", "front", "back" or "end"."""
    match = _MATTER.fullmatch(folded(heading))
    return match.lastgroup if match else None


def is_other_frame(heading: str) -> bool:
    """Whether a line is exactly the heading of a prologue, an epilogue or a last chapter in one of these languages."""
    return _FRAMES.fullmatch(folded(heading)) is not None


def _plain(word: str) -> str:
    return folded(word.strip(_EDGES))


def _noun_first(words: Sequence[re.Match[str]]) -> tuple[str, int, int, bool] | None:
    """The noun, the number and the end of "Kapitel 3"."""
    noun = _NOUNS.get(_plain(words[0][0]))
    if noun is None:
        return None
    for count in range(min(MOST_WORDS, len(words) - 1), 0, -1):
        shown = " ".join(word[0] for word in words[1 : count + 1]).strip(_EDGES)
        number = _numeral(shown) if count == 1 else None
        if number is None:
            number = ordinal(shown) or cardinal(shown)
        if number:
            return noun, number, words[count].start() + len(words[count][0].rstrip(_EDGES)), True
    return None


def _number_first(words: Sequence[re.Match[str]]) -> tuple[str, int, int, bool] | None:
    """The same of "Drittes Kapitel" and "3. Kapitel". A cardinal makes no heading: "Un conte"."""
    for count in range(min(MOST_WORDS, len(words) - 1), 0, -1):
        noun = _NOUNS.get(_plain(words[count][0]))
        if noun is None:
            continue
        shown = " ".join(word[0] for word in words[:count])
        bare = shown.strip(_EDGES)
        number = ordinal(bare)
        if number is None and count == 1 and (bare.isupper() or shown[-1] == "." or not bare.isdecimal()):
            number = _numeral(bare)
        if number:
            return noun, number, words[count].start() + len(words[count][0].rstrip(_EDGES)), False
    return None


def _numeral(word: str) -> int | None:
    """The value of "3", "IV", "1er", "IIe" or "2-я"."""
    word = word.translate(_LOOKALIKES)
    if digits := _DIGITS.fullmatch(folded(word)):
        return int(digits[1])
    capitals = len(word) - len(word.lstrip("IVXLC"))
    roman = _ROMAN.fullmatch(word[:capitals] + folded(word[capitals:])) or _ROMAN.fullmatch(word.upper())
    return roman_value(roman[1]) if roman else None


def _rest_of(line: str, end: int, *, noun_first: bool, article: bool) -> str | None:
    """The title on the line of a number, "" if there is none; None if the line is a sentence, not a heading."""
    between = _BETWEEN.match(line, end)
    after = between.end() if between else end
    rest = line[after:].strip().strip("_*=~").strip()
    if not rest:
        return ""
    if len(rest) > _LONGEST_TITLE:
        return None
    separator = line[end:after]
    if _SEPARATOR.search(separator):
        return rest
    if "," in separator:
        return None if article or not _SUBTITLE.match(rest) else rest
    if not noun_first or rest[0].islower() or rest[-1] in ".,;!?…":
        return None
    return rest
