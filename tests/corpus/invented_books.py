"""Three short books that nobody published, in the three styles in which Project Gutenberg sent books out.

Each is made of pieces that know what they are, so that it is marked as it is made. They hold in small what the
books in ../shared hold at large: licence before or after, contents, pictures, page numbers, footnotes, verse, a
letter. The tales and the licences were written for this test.
"""

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass

from tests.corpus.alignment import Range
from tests.corpus.invented_tales import BUTTONS, ECHOES, GOOSE, HERON


@dataclass(frozen=True)
class Piece:
    """Some lines of a book and what they are: story, title, drop or either."""

    kind: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Book:
    """A book as a file would hold it, and its truth."""

    text: str
    ranges: dict[str, tuple[Range, ...]]
    titles: tuple[str, ...]  # of its tales

    @property
    def lines(self) -> list[str]:
        """Its lines as the truth counts them."""
        return self.text.split("\n")


def _book(pieces: Iterable[Piece], titles: tuple[str, ...]) -> Book:
    lines: list[str] = []
    ranges: dict[str, list[Range]] = {"story": [], "title": [], "drop": [], "either": []}
    for piece in pieces:
        lines += ["", "", ""] if piece.kind == "title" else []
        ranges[piece.kind].append((len(lines) + 1, len(lines) + len(piece.lines)))
        lines += [*piece.lines, ""]
    return Book("\n".join(lines), {kind: tuple(pairs) for kind, pairs in ranges.items()}, titles)


def _prose(text: str, indent: str = "", width: int = 70) -> list[Piece]:
    """Paragraphs, hard-wrapped; one that begins with a bar is verse, its lines parted by bars."""
    pieces = []
    for paragraph in textwrap.dedent(text).strip().split("\n\n"):
        words = " ".join(paragraph.split())
        if words.startswith("|"):
            lines = [f"{indent}    {line.strip()}" for line in words.strip("|").split("|")]
        else:
            lines = textwrap.wrap(words, width, initial_indent=indent)
        pieces.append(Piece("story", tuple(lines)))
    return pieces


def _lines(kind: str, text: str) -> Piece:
    block = textwrap.dedent(text).removeprefix("\n").rstrip()
    return Piece(kind, tuple(line.rstrip() for line in block.split("\n")))


def before_the_book() -> Book:
    """The style of the early nineties: SMALL PRINT first, indented paragraphs, centred headings, no end marker."""
    pieces = [
        _lines(
            "drop",
            """
            ******The Project Gutenberg Etext of The Lamplighter's Goose******
            *****This file should be named lmpgs10.txt or lmpgs10.zip*****

            Corrected EDITIONS of our etexts get a new NUMBER, lmpgs11.txt.

            Title: The Lamplighter's Goose

            Author: N. O. Body

            Release Date: March, 1994 [EBook #00]

            Information about Project Gutenberg (one page)

            We think that it takes us a whole week to get one etext ready: to
            find it, to type it, and to read it against the page once more.
            If you can spare an hour, or a box of disks, do write to us.

            **Information prepared by the Project Gutenberg legal advisor**

            ***START**THE SMALL PRINT!**FOR PUBLIC DOMAIN ETEXTS**START***
            Why is there a "Small Print!" statement here?  You know: lawyers.
            They tell us that we have to say that you took this etext as you
            found it, and that you will not blame us for what it does to you.

            ABOUT PROJECT GUTENBERG-TM ETEXTS
            You may give copies of this etext to whom you like, so long as:

            [1]  You pass on this "small print!" statement with it, or take
                 every mention of the Project out of it.
            [2]  You ask for no more than it cost you to make the copy.

            *END*THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*Ver.03.03.94*END*



                     The Project Gutenberg Etext of The Lamplighter's Goose

                                     by N. O. Body
            """,
        ),
        Piece("drop", ("", "THE LAMPLIGHTER'S GOOSE".center(70).rstrip())),
    ]
    for number, (title, text) in enumerate(GOOSE, 1):
        pieces.append(Piece("title", (f"{number}.  {title}".center(70).rstrip(),)))
        pieces += _prose(text, indent="     ")
    pieces.append(Piece("drop", ("", "", "End of The Project Gutenberg Etext of The Lamplighter's Goose")))
    return _book(pieces, ())


def after_the_book() -> Book:
    """The style of about 2003: a start marker, contents, footnotes at the end, the SMALL PRINT after the book."""
    titles = ("The Baker's Echo", "Why the Heron Stands Alone", "Three Buttons")
    pieces = [
        _lines(
            "drop",
            """
            Project Gutenberg's Tales of the Lower River, by N. O. Body

            Copyright laws are not the same in every country.  Look at yours before
            you send this or any other Project Gutenberg eBook on.

            **eBooks Readable By Both Humans and By Computers, Since 1971**

            Title: Tales of the Lower River

            Author: N. O. Body

            Release Date: May, 2003 [EBook #00]
            [This file was first posted on April 1, 2002]

            Language: English

            *** START OF THE PROJECT GUTENBERG EBOOK, TALES OF THE LOWER RIVER ***




            This eBook was produced by A. Friend and the Distributed Proofreaders.




            TALES OF THE LOWER RIVER

            By

            N. O. BODY



            CONTENTS


            I.   THE BAKER'S ECHO

            II.  WHY THE HERON STANDS ALONE

            III. THREE BUTTONS



            """,
        )
    ]
    for title, text in zip(titles, (ECHOES, HERON, BUTTONS), strict=True):
        noted = text.replace("farthing,", "farthing, [1]").replace("Marrow Fair.", "Marrow Fair. [2]")
        pieces += [_lines("title", title.upper()), *_prose(noted)]
    pieces.append(
        _lines(
            "drop",
            """


            FOOTNOTES

            [1] A farthing was a fourth part of a penny, and bought a small bun.

            [2] Held on the second Tuesday after the first frost.




            End of the Project Gutenberg EBook of Tales of the Lower River, by N. O. Body

            *** END OF THE PROJECT GUTENBERG EBOOK, TALES OF THE LOWER RIVER ***

            This file should be named triv10.txt or triv10.zip

            Our eBooks are made from several printed editions, none of which is in
            copyright any more in the United States.

            **The Legal Small Print**

            ***START**THE SMALL PRINT!**FOR PUBLIC DOMAIN EBOOKS**START***
            Why is this "Small Print!" statement here? You know: lawyers. They
            would like you to know that nobody has promised you anything.

            *END THE SMALL PRINT! FOR PUBLIC DOMAIN EBOOKS*Ver.04.07.03*END*
            """,
        )
    )
    return _book(pieces, titles)


def with_pictures() -> Book:
    """The style of about 2010: credits, contents with pages, pictures, page numbers, a letter, the long licence."""
    titles = ("The Baker's Echo", "The Lamp on Quill Street", "Three Buttons")
    picture = _lines(
        "drop", "[Illustration: THE CROCK STOOD OPEN ON THE SILL,\nAND NOBODY WAS NEAR. _Page 3_]"
    )
    letter = (
        Piece("story", ("And this is the letter that he found in his pocket with the stones:",)),
        Piece("story", ("    THE PLUM TREE, MARROW ROAD,", "        _the first of October_.")),
        Piece("story", ("    DEAR SIR,",)),
        Piece("story", ("    You were always welcome. Pray come again when I am taller.",)),
        Piece("story", ("        Yours, as ever was,", "            THE THIRD BUTTON.")),
    )
    echoes, lamp, buttons = _prose(ECHOES), _prose(GOOSE[0][1]), _prose(BUTTONS)
    pieces = [
        _lines(
            "drop",
            """
            The Project Gutenberg EBook of Crumbs and Candle-Ends, by N. O. Body

            This eBook is for anyone, anywhere, and it costs you nothing at all.
            You may copy it, give it away or use it again under the terms of the
            Project Gutenberg License that comes with it.


            Title: Crumbs and Candle-Ends

            Author: N. O. Body

            Release Date: June 1, 2010 [EBook #00]

            Language: English

            Character set encoding: UTF-8

            *** START OF THIS PROJECT GUTENBERG EBOOK CRUMBS AND CANDLE-ENDS ***




            Produced by A. Friend, Another Friend and the Online Distributed
            Proofreading Team at http://www.pgdp.net



            Transcriber's Note: Pictures have been moved out of paragraphs.
            One full stop was added without a word.



            CRUMBS AND CANDLE-ENDS

            BY
            N. O. BODY

            TIDEWELL
            THE HARBOUR PRESS
            1899

            _Copyright, 1899, by The Harbour Press_



            CONTENTS

                                                     PAGE
            THE BAKER'S ECHO                            1
            THE LAMP ON QUILL STREET                    9
            THREE BUTTONS                              17



            LIST OF ILLUSTRATIONS

            THE CROCK STOOD OPEN                        3


            """,
        ),
        _lines("title", "THE BAKER'S ECHO"),
        *echoes[:3],
        picture,
        *echoes[3:],
        _lines("drop", "[Pg 9]"),
        _lines("title", "THE LAMP ON QUILL STREET"),
        *lamp[:4],
        _lines("drop", "[Illustration]"),
        *lamp[4:],
        _lines("drop", "[Pg 17]"),
        _lines("title", "THREE BUTTONS"),
        *buttons,
        *letter,
        Piece("either", ("", "", "THE END", "")),
        _lines(
            "drop",
            """
            *** END OF THIS PROJECT GUTENBERG EBOOK CRUMBS AND CANDLE-ENDS ***

            ***** This file should be named 00-0.txt or 00-0.zip *****

            Produced by A. Friend, Another Friend and the Online Distributed
            Proofreading Team at http://www.pgdp.net

            *** START: FULL LICENSE ***

            THE FULL PROJECT GUTENBERG LICENSE
            PLEASE READ THIS BEFORE YOU DISTRIBUTE OR USE THIS WORK

            1.A.  By reading this electronic work you say that you have read the
            terms of this licence, all of them, and that you like them.

            1.B.  "Project Gutenberg" is a trademark.  It may stand on an
            electronic work only while the people who use it keep to these terms.

            1.C.  You may charge a fee for a copy, if you send a fifth part of it
            on, and give the money back to anybody who asks within thirty days.
            """,
        ),
    ]
    return _book(pieces, titles)
