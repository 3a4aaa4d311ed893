"""Which Latin key is in the place of a letter of another keyboard layout.

Keys of the app are Latin letters. On a Russian or Greek layout the same key gives another letter, so the letter is
looked up in the layout's usual rows. Letters that stand in several places are decided by the language.
"""

import os
import unicodedata

_ROWS = ("qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./")
_UPPER = {"[": "{", "]": "}", ";": ":", "'": '"', ",": "<", ".": ">", "/": "?"}

# each layout in three rows, as on the keyboard; a space or an ASCII sign: nothing of its own in that place
_LAYOUTS = {
    "ru": ("йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю."),
    "uk": ("йцукенгшщзхї", "фівапролджє", "ячсмитьбю."),
    "be": ("йцукенгшўзх'", "фывапролджэ", "ячсмітьбю."),
    "bg": (",уеишщксдзц;", "ьяаожгтнвмч", "юйъэфхпрлб"),
    "sr": ("љњертзуиопшђ", "асдфгхјклчћ", "ѕџцвбнм,.-"),
    "mk": ("љњертѕуиопшѓ", "асдфгхјклчќ", "зџцвбнм,./"),
    "el": (";ςερτυθιοπ[]", "ασδφγηξκλ΄'", "ζχψωβνμ,./"),
    "he": ("/'קראטוןםפ][", "שדגכעיחלךף,", "זסבהנמצתץ."),
    "ar": ("ضصثقفغعهخحجد", "شسيبلاتنمكط", "ئءؤرﻻىةوزظ"),
    "fa": ("ضصثقفغعهخحجچ", "شسیبلاتنمکگ", "ظطزرذدپو./"),
    "ko": ("ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔ[]", "ㅁㄴㅇㄹㅎㅗㅓㅏㅣ;'", "ㅋㅌㅊㅍㅠㅜㅡ,./"),
    "th": ("ๆไำพะัีรนยบล", "ฟหกดเ้่าสวง", "ผปแอิืทมใฝ"),
    "ka": ("ქწერტყუიოპ[]", "ასდფგჰჯკლ;'", "ზხცვბნმ,./"),
}
# with the shift key, where the letters have no upper case
_SHIFTED = {"ka": {"ჭ": "W", "ღ": "R", "თ": "T", "შ": "S", "ჟ": "J", "ძ": "Z", "ჩ": "C"}}
_SHIFTED["ko"] = {"ㅃ": "Q", "ㅉ": "W", "ㄸ": "E", "ㄲ": "R", "ㅆ": "T", "ㅒ": "O", "ㅖ": "P"}
_OWN_PLACES = ("bg", "sr", "mk")  # letters of Russian in other places: only where the language is this one


def _table(language: str) -> dict[str, str]:
    keys: dict[str, str] = {}
    for row, letters in zip(_ROWS, _LAYOUTS[language], strict=True):
        for key, letter in zip(row, letters, strict=True):
            if not letter.isascii():
                keys[letter] = key
                capital = letter.upper()
                if (
                    capital.lower() == letter != capital and len(capital) == 1
                ):  # not Greek's second small sigma
                    keys.setdefault(capital, key.upper() if key.isalpha() else _UPPER[key])
    return keys | _SHIFTED.get(language, {})


def _usual() -> dict[str, str]:
    """All letters; of a letter in several layouts, its place in the most used one."""
    keys: dict[str, str] = {}
    for language in (*(each for each in _LAYOUTS if each not in _OWN_PLACES), *_OWN_PLACES):
        for letter, key in _table(language).items():
            keys.setdefault(letter, key)
    return keys


_USUAL = _usual()


def latin_key(letter: str, language: str = "") -> str | None:
    """The Latin letter or sign on the key that gives `letter`; None if that is unknown, or `letter` is ASCII.

    `language`: two letters; it decides where layouts of one script differ. Digits of any script are digits.
    """
    if letter.isascii() or len(letter) != 1:
        return None
    if letter.isdecimal():
        return str(unicodedata.decimal(letter))
    wide = unicodedata.normalize("NFKC", letter)  # the full-width letters of Japanese and Chinese input
    if wide.isascii() and len(wide) == 1 and wide.isprintable():
        return wide
    own = _table(language).get(letter) if language in _LAYOUTS else None
    return own or _USUAL.get(letter)


def is_foreign(letter: str) -> bool:
    """Whether this is a letter of a script that is not Latin."""
    return len(letter) == 1 and letter.isalpha() and not unicodedata.name(letter, "LATIN").startswith("LATIN")


def user_language() -> str:
    """The two letters of the user's language, from the environment; "" if it says none."""
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        if value := os.environ.get(name, ""):
            return value[:2].lower() if value[:2].isalpha() and value[2:3] in ("", "_", ".", "-") else ""
    return ""
