"""Number words of German, French, Spanish, Portuguese, Italian, Dutch and Russian headings: "première", "zwölftes"."""

import unicodedata
from functools import cache
from itertools import product

MOST_WORDS = 3  # "vingt et un" is three words

_ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}
_DE = """
    ein zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn
    siebzehn achtzehn
"""
_DE_TENS = "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig"
_DE_ORDINALS = "erst zweit dritt viert fünft sechst siebent acht neunt zehnt elft zwölft"
_FR = """
    un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept
    dix-huit dix-neuf
"""
_FR_TENS = "vingt trente quarante cinquante soixante"
_FR_ORDINALS = """
    premier deuxième troisième quatrième cinquième sixième septième huitième neuvième dixième onzième
    douzième treizième quatorzième quinzième seizième dix-septième dix-huitième dix-neuvième vingtième
"""
_ES = """
    uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis
    diecisiete dieciocho diecinueve veinte veintiuno veintidós veintitrés veinticuatro veinticinco
    veintiséis veintisiete veintiocho veintinueve treinta
"""
_ES_ORDINALS = """
    primer segund tercer cuart quint sext séptim octav noven décim undécim duodécim decimotercer
    decimocuart decimoquint decimosext decimoséptim decimoctav decimonoven
"""
_ES_TENS = "vigésim trigésim cuadragésim quincuagésim sexagésim"
_PT = """
    um dois três quatro cinco seis sete oito nove dez onze doze treze catorze quinze dezasseis dezassete
    dezoito dezanove vinte
"""
_PT_ORDINALS = "primeir segund terceir quart quint sext sétim oitav non décim"
_PT_TENS = "vigésim trigésim quadragésim quinquagésim"
_IT = """
    uno due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici
    sedici diciassette diciotto diciannove
"""
_IT_TENS = "venti trenta quaranta cinquanta sessanta"
_IT_ORDINALS = "prim second terz quart quint sest settim ottav non decim"
_NL = """
    een twee drie vier vijf zes zeven acht negen tien elf twaalf dertien veertien vijftien zestien
    zeventien achttien negentien
"""
_NL_TENS = "twintig dertig veertig vijftig zestig zeventig tachtig negentig"
_NL_ORDINALS = """
    eerste tweede derde vierde vijfde zesde zevende achtste negende tiende elfde twaalfde dertiende
    veertiende vijftiende zestiende zeventiende achttiende negentiende
"""
_RU = """
    один два три четыре пять шесть семь восемь девять десять одиннадцать двенадцать тринадцать
    четырнадцать пятнадцать шестнадцать семнадцать восемнадцать девятнадцать
"""
_RU_TENS = "двадцать тридцать сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто"
_RU_ORDINALS = """
    перв втор трет четверт пят шест седьм восьм девят десят одиннадцат двенадцат тринадцат четырнадцат
    пятнадцат шестнадцат семнадцат восемнадцат девятнадцат
"""
_RU_TEN_ORDINALS = "двадцат тридцат сороков пятидесят шестидесят семидесят восьмидесят девяност"
_RU_ENDINGS = ("ая", "ый", "ое", "ой", "ий", "ья", "ье")


def folded(word: str) -> str:
    """A word in lower case and without accents, for comparing."""
    if word.isascii():
        return word.lower()
    plain = unicodedata.normalize("NFKD", word.casefold())
    return "".join([character for character in plain if not unicodedata.combining(character)])


def ordinal(words: str) -> int | None:
    """The value of an ordinal word or words, "premier" or "двадцать первая"; None for anything else."""
    return _ordinals().get(_spaced(words))


def cardinal(words: str) -> int | None:
    """The value of a cardinal word or words, "zwölf" or "vingt et un"; None for anything else."""
    return _cardinals().get(_spaced(words))


def roman_value(numeral: str) -> int:
    """The value of a Roman numeral in either case."""
    values = [_ROMAN[letter] for letter in numeral.upper()]
    return sum(-a if a < b else a for a, b in zip(values, [*values[1:], 0], strict=True))


def _spaced(words: str) -> str:
    return folded(words).replace("-", " ")


@cache
def _ordinals() -> dict[str, int]:
    return {
        _spaced(word): number
        for table in (_german(), _french(), _spanish(), _portuguese(), _italian(), _dutch(), _russian())
        for word, number in table.items()
    }


@cache
def _cardinals() -> dict[str, int]:
    found = _counted(_ES) | _counted(_PT) | _counted(_IT) | _counted(_RU) | _counted(_FR) | _counted(_NL)
    found |= _counted(_DE) | {"eins": 1, "neunzehn": 19, "vierzehn": 14}
    for tens in (_FR_TENS, _RU_TENS):
        units = _FR if tens is _FR_TENS else _RU
        for (ten, word), (unit, small) in product(_tens(tens), list(_counted(units).items())[:9]):
            found |= {word: ten, f"{word} {unit}": ten + small, f"{word} et {unit}": ten + small}
    for tens, units, joint in ((_DE_TENS, _DE, "und"), (_NL_TENS, _NL, "en")):
        for (ten, word), (unit, small) in product(_tens(tens), list(_counted(units).items())[:9]):
            found |= {word: ten, f"{unit}{joint}{word}": ten + small}
    for (ten, word), (unit, small) in product(_tens(_IT_TENS), list(_counted(_IT).items())[:9]):
        joined = word[:-1] + unit if unit[0] in "uo" else word + unit
        found |= {word: ten, joined: ten + small}
    return {_spaced(word): number for word, number in found.items()}


def _counted(words: str) -> dict[str, int]:
    return {word: number for number, word in enumerate(words.split(), 1)}


def _tens(words: str) -> list[tuple[int, str]]:
    return [(10 * number, word) for number, word in enumerate(words.split(), 2)]


def _german() -> dict[str, int]:
    stems = _counted(_DE_ORDINALS) | {"siebt": 7, "dreizehnt": 13, "vierzehnt": 14, "fünfzehnt": 15}
    stems |= {"sechzehnt": 16, "siebzehnt": 17, "achtzehnt": 18, "neunzehnt": 19}
    for ten, word in _tens(_DE_TENS):
        stems[f"{word}st"] = stems[f"{word.replace('ß', 'ss')}st"] = ten
        for unit, small in list(_counted(_DE).items())[:9]:
            stems[f"{unit}und{word}st"] = ten + small
    return {stem + ending: number for stem, number in stems.items() for ending in ("e", "es", "er", "en")}


def _french() -> dict[str, int]:
    words = _counted(_FR_ORDINALS) | {"première": 1, "second": 2, "seconde": 2}
    for ten, word in _tens(_FR_TENS):
        words[f"{word.removesuffix('e')}ième"] = ten
        words[f"{word} et unième"] = words[f"{word} unième"] = ten + 1
        for unit, small in list(_counted(_FR_ORDINALS).items())[1:9]:
            words[f"{word} {unit}"] = ten + small
    return words


def _gendered(stems: dict[str, int]) -> dict[str, int]:
    return {stem + ending: number for stem, number in stems.items() for ending in ("o", "a")}


def _spanish() -> dict[str, int]:
    units = _counted(_ES_ORDINALS) | {"non": 9, "sétim": 7}
    words = _gendered(units) | {"primer": 1, "tercer": 3}
    for ending in ("o", "a"):
        for unit, number in list(_gendered(units).items()):
            if number < 10 and unit.endswith(ending):
                words[f"décim{ending} {unit}"] = words[f"decimo{unit}"] = 10 + number
                for ten, word in _tens(_ES_TENS):
                    words[f"{word}{ending}"] = ten
                    words[f"{word}{ending} {unit}"] = words[f"{word}o{unit}"] = ten + number
    return words


def _portuguese() -> dict[str, int]:
    units = _gendered(_counted(_PT_ORDINALS))
    words = dict(units)
    for ending in ("o", "a"):
        for ten, word in [(10, "décim"), *_tens(_PT_TENS)]:
            words[f"{word}{ending}"] = ten
            for unit, number in units.items():
                if number < 10 and unit.endswith(ending):
                    words[f"{word}{ending} {unit}"] = ten + number
    return words


def _italian() -> dict[str, int]:
    units = _gendered(_counted(_IT_ORDINALS))
    words = dict(units)
    for unit, number in units.items():
        if number < 10:
            words[f"decimo{unit}"] = words[f"decim{unit[-1]} {unit}"] = 10 + number
    for number, word in enumerate(_IT.split(), 1):
        if number > 10:
            words[f"{word[:-1]}esimo"] = words[f"{word[:-1]}esima"] = number
    for ten, word in _tens(_IT_TENS):
        for ending in ("o", "a"):
            words[f"{word[:-1]}esim{ending}"] = ten
            for unit, small in list(_counted(_IT).items())[:9]:
                stem = word[:-1] + unit if unit[0] in "uo" else word + unit
                words[f"{stem if unit in ('tre', 'sei') else stem[:-1]}esim{ending}"] = ten + small
            for unit, small in units.items():
                if small < 10 and unit.endswith(ending):
                    words[f"{word[:-1]}esimo{unit}"] = words[f"{word[:-1]}esim{ending} {unit}"] = ten + small
    return words


def _dutch() -> dict[str, int]:
    words = _counted(_NL_ORDINALS)
    for ten, word in _tens(_NL_TENS):
        words[f"{word}ste"] = ten
        for unit, small in list(_counted(_NL).items())[:9]:
            words[f"{unit}en{word}ste"] = ten + small
    return words


def _russian() -> dict[str, int]:
    units = _counted(_RU_ORDINALS)
    words = {f"{stem}{ending}": number for stem, number in units.items() for ending in _RU_ENDINGS}
    ends = list(words.items())
    for (ten, stem), (_, word) in zip(_tens(_RU_TEN_ORDINALS), _tens(_RU_TENS), strict=True):
        words |= {f"{stem}{ending}": ten for ending in _RU_ENDINGS}
        words |= {f"{word} {unit}": ten + number for unit, number in ends if number < 10}
    return words
