"""What an import left out, in words: for the command line and the Library. Loads no torch."""

from collections.abc import Sequence

from storytime_tui.corpus.collection import Collection
from storytime_tui.corpus.document import Account, Omitted
from storytime_tui.corpus.library import changes
from storytime_tui.corpus.library.left_out import LeftOutPart, left_out_parts
from storytime_tui.formatting import count

__all__ = ["LeftOutPart"]  # re-exported type
_PLACES = 3  # of one reason, in a sentence


def parts(collection: Collection, file: str = "") -> tuple[LeftOutPart, ...]:
    """What the collection's files leave out, or one of its files, with the texts. Raises CorpusError."""
    return tuple(left_out_parts(collection, file))


def put_back(collection: Collection, file: str, place: str) -> None:
    """Make a story of a part that was left out. Raises CorpusError."""
    changes.put_back(collection, file, place)


def leave_out(collection: Collection, file: str, place: str) -> None:
    """Leave a part out again that was put back. Raises CorpusError."""
    changes.leave_out(collection, file, place)


def totals(accounts: Sequence[Account]) -> str:
    """All words, and how many are kept: `48,210 words in 3 files, 44,100 of them in the stories and titles`."""
    words, kept = sum(each.words for each in accounts), sum(each.kept for each in accounts)
    where = f" in {len(accounts):,} files" if len(accounts) > 1 else ""
    return f"{count(words, 'word')}{where}, {kept:,} of them in the stories and titles"


def sentence_of(account: Account) -> str:
    """What a file leaves out: `licence 3,019 words (lines 1 to 40, line 470); contents list 141 words (…)`."""
    by_reason: dict[str, list[Omitted]] = {}
    for each in account.omitted:
        if each.words:
            by_reason.setdefault(each.reason, []).append(each)
    pieces = []
    for reason, found in by_reason.items():
        places = [each.place for each in found[:_PLACES]]
        if len(found) > _PLACES:
            places.append(f"{len(found) - _PLACES:,} more")
        pieces.append(f"{reason} {count(sum(each.words for each in found), 'word')} ({', '.join(places)})")
    return "; ".join(pieces) or "nothing"


def questions(collection: Collection) -> list[tuple[int, Account, Omitted]]:
    """The large parts that were left out for no plain reason, each with its number among all parts."""
    found, number = [], 0
    for account in collection.accounts:
        asked = set(account.asked)
        for each in account.omitted:
            number += 1
            if each in asked:
                found.append((number, account, each))
    return found
