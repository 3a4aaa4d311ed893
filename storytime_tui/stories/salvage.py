"""Makes whole stories of the rows that could be read in a damaged file.

A row is known by its shape, as the table that it stood in may be lost. Ids stay as they were: nothing is ever deleted
from these tables and ids are given in order, so a gap is a row that could not be read.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from storytime_tui.stories.checking import LATEST, in_circles
from storytime_tui.stories.raw_pages import Row, Value

UNNAMED = "Recovered"  # the title of a story whose own is lost

# What each column must hold, in the order of the tables (see `schema`). The columns after those needed may be missing.
Fits = Callable[[Value], bool]


def _is_text(value: Value) -> bool:
    return isinstance(value, str)


def _is_whole(value: Value) -> bool:
    return isinstance(value, int)


def _is_flag(value: Value) -> bool:
    return value in (0, 1) and isinstance(value, int)


def _is_reference(value: Value) -> bool:
    return value is None or (isinstance(value, int) and value > 0)


def _is_id(value: Value) -> bool:
    return isinstance(value, int) and value > 0


def _is_time(value: Value) -> bool:
    return isinstance(value, int | float) and 0 <= value <= LATEST


def _is_nothing(value: Value) -> bool:
    return value is None


def _is_author(value: Value) -> bool:
    return value in ("you", "model")


_STORY: dict[str, Fits] = {
    "id": _is_nothing, "title": _is_text, "head": _is_reference, "draft": _is_text, "created": _is_time,
    "changed": _is_time, "removed": _is_flag, "version": _is_whole, "favourite": _is_flag, "steering": _is_text,
}  # fmt: skip
_PASSAGE: dict[str, Fits] = {
    "id": _is_nothing, "story": _is_id, "parent": _is_reference, "author": _is_author, "text": _is_text,
    "model": _is_text, "settings": _is_text, "created": _is_time, "copy_of": _is_reference,
    "edited_from": _is_reference, "ids": _is_text, "name": _is_text, "marked": _is_flag, "pruned": _is_flag,
}  # fmt: skip
_STEP: dict[str, Fits] = {
    "id": _is_nothing, "story": _is_id, "before": _is_reference, "after": _is_reference, "undone": _is_flag,
}  # fmt: skip
_DRAFT: dict[str, Fits] = {"story": _is_id, "writer": _is_text, "text": _is_text, "changed": _is_time}

Record = dict[str, Value]  # column -> value; without the columns that are not known


@dataclass(frozen=True)
class Salvage:
    """Whole stories, and what is missing. Every reference leads to a record, and no parents stand in a circle."""

    stories: dict[int, Record]
    passages: dict[int, Record]  # `parent`, `copy_of` and `edited_from` included
    steps: dict[int, tuple[Record, ...]]  # of each story whose steps are all there
    drafts: tuple[Record, ...]
    lost_stories: int  # whose title and times could not be read
    lost_passages: int  # at least
    cut_passages: int  # of which a part could be read


def salvage(rows: Sequence[Row], now: float, limit: int) -> Salvage:
    """The stories of these rows. `now`: a time for what has none. `limit`: no id is larger (the file's size, say)."""
    found = _best(rows, _PASSAGE, 5, limit, lambda row: (not row.deleted, len(str(row.values[4]))))
    passages = {id: _record(row, _PASSAGE) for id, row in found.items()}
    cut = {id for id, row in found.items() if not row.whole or len(row.values) < 8}
    stories = {
        id: _record(row, _STORY)
        for id, row in _best(rows, _STORY, 3, limit, lambda row: (not row.deleted, _version(row))).items()
    }
    step_rows = _best(rows, _STEP, 5, limit * 10, lambda row: not row.deleted, most=5)
    steps = [{**_record(row, _STEP), "id": id} for id, row in sorted(step_rows.items()) if not row.deleted]
    named = _named(passages, stories, steps, limit)
    _give_possible_stories(passages, stories, limit)
    nameless = {_number(record["story"]) for record in passages.values()} - stories.keys()
    lost = (set(range(1, max(passages, default=0))) | named) - passages.keys()

    _mend_passages(passages, cut, now)
    _mend_stories(stories, passages, nameless, now)
    if lost or cut or nameless:
        for record in stories.values():  # an open window must load it again
            record["version"] = _number(record.get("version")) + 1
    return Salvage(
        stories,
        passages,
        _whole_steps(steps, stories, passages),
        tuple(_drafts(rows, stories)),
        len((set(range(1, max(stories, default=0))) | nameless) - (stories.keys() - nameless)),
        len(lost),
        len(cut),
    )


# -- rows by their shape ---------------------------------------------------------------------------------


def _fits(row: Row, columns: dict[str, Fits], needed: int, most: int | None = None) -> bool:
    """Whether a row may be one of a table. A later version may have more columns than we know, unless `most` says."""
    if len(row.values) < needed or (most is not None and len(row.values) > most):
        return False
    return all(fits(value) for fits, value in zip(columns.values(), row.values, strict=False))


def _best(
    rows: Iterable[Row],
    columns: dict[str, Fits],
    needed: int,
    limit: int,
    value: Callable[[Row], tuple[bool, int] | bool],
    most: int | None = None,
) -> dict[int, Row]:
    """The rows of a table by id; of several states of a row the one of the greatest value."""
    best: dict[int, Row] = {}
    for row in rows:
        if 0 < row.id <= limit and _fits(row, columns, needed, most):
            old = best.get(row.id)
            if old is None or value(row) > value(old):  # type: ignore[operator]
                best[row.id] = row
    return best


def _record(row: Row, columns: dict[str, Fits]) -> Record:
    return dict(zip(columns, row.values, strict=False))


def _version(row: Row) -> int:
    version = row.values[7] if len(row.values) > 7 else 0
    return version if isinstance(version, int) else 0


def _drafts(rows: Sequence[Row], stories: dict[int, Record]) -> Iterable[Record]:
    """The drafts, but none that was deleted; of each story and window one."""
    best: dict[tuple[Value, Value], Record] = {}
    for row in rows:
        if row.whole and not row.deleted and _fits(row, _DRAFT, 4, most=4):
            record = _record(row, _DRAFT)
            key = record["story"], record["writer"]
            old = best.get(key)
            if record["story"] in stories and (old is None or record["changed"] >= old["changed"]):  # type: ignore[operator]
                best[key] = record
    return best.values()


def _named(
    passages: dict[int, Record], stories: dict[int, Record], steps: Iterable[Record], limit: int
) -> set[int]:
    """The passages that others name."""
    values = [
        *(record.get(name) for record in passages.values() for name in ("parent", "copy_of", "edited_from")),
        *(record["head"] for record in stories.values()),
        *(step[name] for step in steps for name in ("before", "after")),
    ]
    return {value for value in values if isinstance(value, int) and 0 < value <= limit}


def _give_possible_stories(passages: dict[int, Record], stories: dict[int, Record], limit: int) -> None:
    """Put the passages whose story has no possible id into one of its own."""
    known = {*stories, *(_number(record["story"]) for record in passages.values())}
    spare = max((id for id in known if id <= limit), default=0) + 1
    for record in passages.values():
        if _number(record["story"]) > limit:
            record["story"] = spare


# -- whole again -----------------------------------------------------------------------------------------


def _mend_passages(passages: dict[int, Record], cut: set[int], now: float) -> None:
    """What follows a lost passage becomes a beginning. A copy of a lost passage stays, but says nothing."""
    for id, record in passages.items():
        record |= {"id": id, "created": record.get("created", now)}
        for name in ("model", "settings", "ids", "name"):
            record.setdefault(name, "")
        if id in cut:
            record["ids"] = ""  # of another text than that which is left
        original = passages.get(_number(record.get("copy_of")))
        if original is None or original.get("copy_of") or original["story"] != record["story"]:
            record["copy_of"] = None
        parent = passages.get(_number(record["parent"]))
        if parent is None or parent["story"] != record["story"]:
            record["parent"] = None
        if _number(record.get("edited_from")) not in passages:
            record["edited_from"] = None
    parents = {id: _number(record["parent"]) or None for id, record in passages.items()}
    for id in in_circles(parents):
        passages[id]["parent"] = None


def _mend_stories(
    stories: dict[int, Record], passages: dict[int, Record], nameless: set[int], now: float
) -> None:
    """Each story has its title, times and a last passage that is there; those without a row get one."""
    members: dict[int, list[int]] = {}
    for id, record in sorted(passages.items()):
        members.setdefault(_number(record["story"]), []).append(id)
    for number, id in enumerate(sorted(nameless), 1):
        stories[id] = {"title": UNNAMED if number == 1 else f"{UNNAMED} {number}", "head": members[id][-1]}
    for id, record in stories.items():
        own = members.get(id, [])
        times = [time for each in own if isinstance(time := passages[each]["created"], int | float)] or [now]
        record["id"] = id
        record.setdefault("draft", "")
        record.setdefault("created", min(times))
        record.setdefault("changed", max(times))
        head = record["head"]
        if head is not None and (head not in passages or passages[_number(head)]["story"] != id):
            record["head"] = own[-1] if own else None


def _whole_steps(
    steps: Sequence[Record], stories: dict[int, Record], passages: dict[int, Record]
) -> dict[int, tuple[Record, ...]]:
    """The steps of the stories for which they lead from the empty page to the head and on, without a gap."""
    of_story: dict[int, list[Record]] = {}
    for step in steps:
        of_story.setdefault(_number(step["story"]), []).append(step)
    whole: dict[int, tuple[Record, ...]] = {}
    for story, taken in of_story.items():
        at: Value = None
        places = [None]
        for step in taken:
            if step["before"] != at or (at := step["after"]) not in {None, *passages}:
                break
            places.append(at)  # type: ignore[arg-type]
        else:
            done = sum(not step["undone"] for step in taken)
            in_order = all(bool(step["undone"]) == (place >= done) for place, step in enumerate(taken))
            if story in stories and in_order and places[done] == stories[story]["head"]:
                whole[story] = tuple(taken)
    return whole


def _number(value: Value) -> int:
    return value if isinstance(value, int) else 0
