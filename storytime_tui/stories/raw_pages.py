"""Reads the rows of an SQLite file page by page, without SQLite, as far as its pages can be read.

A damaged file is read this way: SQLite stops at the first fault, while here each page stands for itself. The format is
described at https://www.sqlite.org/fileformat2.html. Nothing is decided here about what the rows mean.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

Value = int | float | str | bytes | None

_MAGIC = b"SQLite format 3\0"
_PAGE_SIZE = 4096  # SQLite's own choice, for a file whose header cannot be read
_SIZES = tuple(2**power for power in range(9, 17))
_LEAF_OF_TABLE = 0x0D
_MOST_COLUMNS = 100
_FEW = 4  # wrong bytes in a text that are shown as such
_NUMBERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}  # serial type -> bytes of a whole number


@dataclass(frozen=True)
class Row:
    """A row of any table."""

    id: int
    values: tuple[
        Value, ...
    ]  # fewer than the table has columns, if the table got more later or the row is cut
    whole: bool  # False if its end or a part of a text could not be read
    deleted: bool  # it stands on a page that SQLite counts as free: an earlier state of a row


def version_in(data: bytes) -> int:
    """The `user_version` of a file with this content; 0 if it has none."""
    return int.from_bytes(data[60:64], "big") if data[:16] == _MAGIC else 0


def rows_of(data: bytes, log: bytes = b"") -> list[Row]:
    """All rows of a file with this content and this write-ahead log. Never raises, whatever the bytes are."""
    sizes = dict.fromkeys((_page_size(data), _page_size_of_log(log), _PAGE_SIZE))
    return max((list(_rows(_overlaid(data, log, size))) for size in sizes if size), key=len)


@dataclass(frozen=True)
class _Pages:
    data: bytes
    newer: dict[int, bytes]  # pages of the log, by number
    size: int
    count: int

    def page(self, number: int) -> bytes:
        """A page, from 1 on; b"" if there is none."""
        if not 0 < number <= self.count:
            return b""
        return self.newer.get(number) or self.data[(number - 1) * self.size : number * self.size]

    @property
    def usable(self) -> int:
        """The bytes of a page without those that the header reserves."""
        first = self.page(1)
        reserved = first[20] if first[:16] == _MAGIC and first[20] <= 32 else 0
        return self.size - reserved


def _page_size(data: bytes) -> int:
    """What the header says; 0 if that cannot be right."""
    if len(data) < 100 or data[:16] != _MAGIC:
        return 0
    size = int.from_bytes(data[16:18], "big")
    size = 65536 if size == 1 else size
    return size if size in _SIZES else 0


def _page_size_of_log(log: bytes) -> int:
    size = int.from_bytes(log[8:12], "big")
    return size if size in _SIZES else 0


def _overlaid(data: bytes, log: bytes, size: int) -> _Pages:
    newer = _committed(log, size)
    count = max(-(-len(data) // size), *newer) if newer else -(-len(data) // size)
    return _Pages(data, newer, size, min(count, (len(data) + len(log)) // size + 1))


def _committed(log: bytes, size: int) -> dict[int, bytes]:
    """The pages of all transactions of the log that ended, as SQLite itself would take them."""
    if len(log) < 32 or _page_size_of_log(log) != size:
        return {}
    order = {0x377F0682: "<", 0x377F0683: ">"}.get(int.from_bytes(log[:4], "big"))
    if order is None:
        return {}
    salts = log[16:24]
    sums = _checksum(log[:24], order, (0, 0))
    if struct.pack(">II", *sums) != log[24:32]:
        return {}
    pages: dict[int, bytes] = {}
    pending: dict[int, bytes] = {}
    for start in range(32, len(log) - size - 23, size + 24):
        head, page = log[start : start + 24], log[start + 24 : start + 24 + size]
        sums = _checksum(page, order, _checksum(head[:8], order, sums))
        if head[8:16] != salts or struct.pack(">II", *sums) != head[16:]:
            break
        number, after = struct.unpack(">II", head[:8])
        pending[number] = page
        if after:  # the transaction ends here
            pages |= pending
            pending = {}
    return pages


def _checksum(data: bytes, order: str, sums: tuple[int, int]) -> tuple[int, int]:
    first, second = sums
    numbers = struct.unpack(f"{order}{len(data) // 4}I", data)
    for one, two in zip(numbers[::2], numbers[1::2], strict=True):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + two + first) & 0xFFFFFFFF
    return first, second


# -- rows ------------------------------------------------------------------------------------------------


def _rows(pages: _Pages) -> Iterator[Row]:
    free = _free(pages)
    for number in range(1, pages.count + 1):
        page = pages.page(number)
        start = 100 if number == 1 else 0
        if len(page) <= start + 8 or page[start] != _LEAF_OF_TABLE:
            continue
        cells = int.from_bytes(page[start + 3 : start + 5], "big")
        for place in range(start + 8, min(start + 8 + 2 * cells, len(page) - 1), 2):
            cell = int.from_bytes(page[place : place + 2], "big")
            row = _row(pages, page, cell, number in free)
            if row is not None:
                yield row


def _free(pages: _Pages) -> set[int]:
    """The numbers of the free pages, as far as their list can be read."""
    header = pages.page(1)
    if header[:16] != _MAGIC:
        return set()
    found: set[int] = set()
    trunk = int.from_bytes(header[32:36], "big")
    while trunk and trunk not in found and (page := pages.page(trunk)):
        found.add(trunk)
        listed = min(int.from_bytes(page[4:8], "big"), pages.size // 4 - 2)
        found.update(int.from_bytes(page[8 + 4 * at : 12 + 4 * at], "big") for at in range(listed))
        trunk = int.from_bytes(page[:4], "big")
    return found


def _row(pages: _Pages, page: bytes, start: int, deleted: bool) -> Row | None:
    """The row of a cell; None if the cell makes no sense."""
    length, at = _varint(page, start)
    id, at = _varint(page, at)
    if not at or length < 2 or length > pages.size * pages.count:
        return None
    payload = _payload(pages, page, at, length)
    read = _values(payload, length)
    if read is None:
        return None
    values, whole = read
    return Row(id - 2**64 if id >= 2**63 else id, values, whole, deleted)


def _payload(pages: _Pages, page: bytes, at: int, length: int) -> bytes:
    """A row's bytes, also from the pages that it flows over to; shorter than `length` if they cannot be followed."""
    usable = pages.usable
    if length <= usable - 35:
        return page[at : at + length]
    least = (usable - 12) * 32 // 255 - 23
    here = least + (length - least) % (usable - 4)
    here = here if here <= usable - 35 else least
    parts = [page[at : at + here]]
    missing = length - len(parts[0])
    number, seen = int.from_bytes(page[at + here : at + here + 4], "big"), set[int]()
    while missing > 0:
        more = pages.page(number)[:usable]
        if number in seen or len(more) < min(usable, missing + 4):
            if len(parts) > 1:
                parts.pop()  # it leads nowhere, so it is no page of this row
            break
        seen.add(number)
        parts.append(more[4 : 4 + missing])
        missing -= len(parts[-1])
        number = int.from_bytes(more[:4], "big")
    return b"".join(parts)


def _values(payload: bytes, length: int) -> tuple[tuple[Value, ...], bool] | None:
    """The values of a row, and whether all could be read. Of a cut row: those before the cut, and the text up to it."""
    head, at = _varint(payload, 0)
    if not at or head > min(len(payload), 9 * _MOST_COLUMNS):
        return None
    kinds: list[int] = []
    while at < head:
        kind, at = _varint(payload, at)
        if not at or kind in (10, 11):
            return None
        kinds.append(kind)
    if at != head or head + sum(map(_width, kinds)) != length:
        return None
    values: list[Value] = []
    whole = len(payload) == length
    for kind in kinds:
        data = payload[at : at + _width(kind)]
        at += _width(kind)
        if at > len(payload):
            if _is_text(kind):
                values.append(_text(data, cut=True)[0])
            break
        if _is_text(kind):
            text, valid = _text(data, cut=not whole)
            whole = whole and valid
            values.append(text)
        else:
            values.append(_value(kind, data))
    return tuple(values), whole


def _width(kind: int) -> int:
    if kind >= 12:
        return (kind - 12) // 2
    return 8 if kind == 7 else _NUMBERS.get(kind, 0)


def _is_text(kind: int) -> bool:
    return kind >= 13 and kind % 2 == 1


def _value(kind: int, data: bytes) -> Value:
    if kind == 0:
        return None
    if kind in (8, 9):
        return kind - 8
    if kind == 7:
        number: float = struct.unpack(">d", data)[0]
        return number
    return int.from_bytes(data, "big", signed=True) if kind < 12 else data


def _text(data: bytes, *, cut: bool) -> tuple[str, bool]:
    """The text, and whether it is UTF-8. A few wrong bytes are shown as such; many, and those at a cut, end it."""
    try:
        return data.decode(), True
    except UnicodeDecodeError as error:
        shown = data.decode(errors="replace")
        if cut or shown.count("\ufffd") > _FEW:
            shown = data[: error.start].decode()
        return shown, False


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of variable length and the place behind it, which is 0 if it cannot be read."""
    number = 0
    for count in range(9):
        if at >= len(data):
            return 0, 0
        byte = data[at]
        at += 1
        if count == 8:
            return (number << 8) | byte, at
        number = (number << 7) | (byte & 0x7F)
        if byte < 0x80:
            break
    return number, at
