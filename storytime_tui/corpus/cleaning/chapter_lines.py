"""Headings of chapters, which stand at the top of a page as page headings do: "Chapter 3", "3. Kapitel"."""

import re

_NOUN = (
    r"chapter|chap|part|book|volume|vol|story|tale|fable|legend|canto|act|scene|letter|night|day|evening|lesson|episode"
    r"|stave|kapitel|teil|buch|band|abschnitt|akt|aufzug|szene|geschichte|märchen|brief|chapitre|partie|livre|tome|acte"
    r"|scène|conte|lettre|cap[ií]tulo|parte|libro|livro|tomo|acto|ato|escena|cena|cuento|conto|carta|capitolo|atto|scena"
    r"|racconto|fiaba|hoofdstuk|deel|boek|bedrijf|verhaal|sprookje|глава|часть|книга|том|действие|сцена|сказка|рассказ"
    r"|розділ|частина|rozdział|część|kapitola|kapittel|kapitel|luku|osa|fejezet|bölüm|الفصل|فصل|פרק|บทที่|ตอนที่|अध्याय"
)
_WORDS = (
    r"(?:twenty|thirty|forty|fifty|sixty)(?:[- ](?:one|two|three|four|five|six|seven|eight|nine))?|one|two|three|four"
    r"|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen"
)
_COUNTED = re.compile(
    rf"\W{{0,4}}(?:(?:the )?(?:{_NOUN})\.?\s+(?:\d{{1,3}}|[IVXLC]{{1,7}}|{_WORDS})(?!\w)"
    rf"|(?:\d{{1,3}}|[IVXLC]{{1,7}})\.?\s+(?:{_NOUN})(?!\w)"
    r"|第\s?[\d〇零一二三四五六七八九十百]{1,5}\s?[章回节節話话卷部編编幕夜]|제\s?\d{1,3}\s?[장화부편권막])",
    re.IGNORECASE,
)


def names_chapter(line: str) -> bool:
    """Whether a line begins with a chapter's noun and number, in one of many languages."""
    return _COUNTED.match(line) is not None
