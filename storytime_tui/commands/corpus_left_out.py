"""`storytime-tui corpus show --left-out` and `corpus put-back`; and the account that ends an import."""

import json
import shlex
from typing import Any

from storytime_tui.commands.output import say
from storytime_tui.commands.tables import print_table
from storytime_tui.corpus.collection import Collection
from storytime_tui.corpus.document import Account
from storytime_tui.errors import CorpusError
from storytime_tui.formatting import count
from storytime_tui.jobs import left_out, shelves
from storytime_tui.terminal import printable, printable_line

_MOST_FILES = 10  # whose accounts are printed after an import
_MOST_QUESTIONS = 5
_BEGINNING = 40  # characters of a part in the table


def say_account(collection: Collection) -> None:
    """Say, after an import, what became of each file's words, and ask about large parts that were left out."""
    accounts = collection.accounts
    name = shlex.quote(collection.name)
    for account in accounts[:_MOST_FILES]:
        say(f"{account.file}: {count(account.words, 'word')}, {account.kept:,} in its stories and titles.")
        if account.omitted:
            say(f"  Left out: {left_out.sentence_of(account)}.")
    if len(accounts) > 1:
        say(f"Together {left_out.totals(accounts)}.")
    if any(account.omitted for account in accounts):
        say(f"`storytime-tui corpus show {name} --left-out --text` prints what was left out.")
    for account in accounts:
        for remark in account.remarks:
            say(f"{account.file}: {remark}")
    questions = left_out.questions(collection)
    for number, account, omitted in questions[:_MOST_QUESTIONS]:
        share = round(100 * omitted.words / account.words)
        say(
            f"Is this a story? {account.file}, {omitted.place} ({omitted.reason}, {share}% of the words) is left out: "
            f"`storytime-tui corpus put-back {name} {number}` makes it one."
        )
    if len(questions) > _MOST_QUESTIONS:
        say(f"The same is asked of {len(questions) - _MOST_QUESTIONS:,} more parts.")


def as_fields(account: Account) -> dict[str, Any]:
    """A file's account as a JSON object."""
    omitted = [
        {
            "reason": each.reason,
            "place": each.place,
            "words": each.words,
            "asked": each in account.asked,
        }
        for each in account.omitted
    ]
    fields: dict[str, Any] = {"file": account.file, "words": account.words, "kept": account.kept}
    return fields | {"left_out": omitted, "remarks": list(account.remarks)}


def show(collection: Collection, *, text: bool, as_json: bool) -> None:
    """Print what the collection's files leave out, with the texts or without."""
    parts = left_out.parts(collection)
    if as_json:
        for part in parts:
            each = part.omitted
            fields = {"number": part.number, "file": part.file, "reason": each.reason, "place": each.place}
            print(json.dumps(fields | {"words": each.words, "text": part.text}))
        return
    print(printable_line(f"{collection.title}: {left_out.totals(collection.accounts)}"))
    if not parts:
        print("Nothing was left out.")
    elif text:
        for part in parts:
            each = part.omitted
            print(f"\n{part.number}  {printable_line(f'{part.file}, {each.place}: {each.reason}')}\n")
            print(printable(part.text.strip("\n")))
    else:
        rows = [
            (
                str(part.number),
                part.file,
                part.omitted.place,
                part.omitted.reason,
                f"{part.omitted.words:,}",
                " ".join(part.text.split())[:_BEGINNING],
            )
            for part in parts
        ]
        print_table([("", "file", "place", "reason", "words", "begins"), *rows], right={0, 4}, widest=40)


def put_back(name: str, numbers: list[int], *, as_json: bool) -> None:
    """Make stories of parts that were left out. Raises CorpusError."""
    collection = shelves.find(name)
    parts = {part.number: part for part in left_out.parts(collection)}
    for number in dict.fromkeys(numbers):
        if number not in parts:
            raise CorpusError(
                f"There is no part {number} among what {collection.name} leaves out: "
                f"`storytime-tui corpus show {shlex.quote(collection.name)} --left-out` lists {len(parts):,}."
            )
    for number in dict.fromkeys(numbers):
        part = parts[number]
        left_out.put_back(collection, part.file, part.omitted.place)
        if as_json:
            fields = {"collection": collection.name, "file": part.file, "place": part.omitted.place}
            print(json.dumps(fields | {"words": part.omitted.words}))
        else:
            print(printable_line(f"{part.file}, {part.omitted.place}, is a story of {collection.title} now."))
