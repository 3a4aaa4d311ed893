"""Addresses for messages and for storage: without a password, and without secrets in a query."""

import re
from urllib.parse import parse_qsl

from storytime_tui.terminal import printable_line

_LONGEST = 120  # characters of an address in a message
_PARTS = re.compile(r"([a-z][a-z0-9+.-]*://)([^/?#]*)([^?#]*)(\?[^#]*)?", re.IGNORECASE)
_PORT = re.compile(r":\d*\Z")
# Query fields that may be kept if they hold a number. Other fields may hold a key, a token or a name.
_HARMLESS = frozenset(("id", "p", "page", "book", "chapter", "story", "no", "number", "volume"))
_NUMBER = re.compile(r"\d{1,6}")


def bare(url: str) -> str:
    """An address without the user and the password before its host. Never fails."""
    parts = _PARTS.match(url)
    if parts is None:
        return url
    return parts[1] + _host_in(parts[2]) + url[parts.end(2) :]


def kept(url: str) -> str:
    """An address for storage: without user, password, fragment and (usually) query.

    The query stays only if all its fields are numbers of a page or a book: `?id=12` stays, `?token=...` and
    `?id=12&key=...` go.
    """
    parts = _PARTS.match(url.strip())
    if parts is None:
        return printable_line(url)
    scheme, login_and_host, path, query = parts.groups()
    host = _host_in(login_and_host)
    if _is_part_of_login(host):  # the password contains a slash or another character that ends a host
        before, at, after = url.rpartition("@")
        if at and len(before) > parts.end(2):
            return kept(scheme + after)
        host = host.partition(":")[0]
    path = re.sub(r";[^/]*", "", path)  # ;jsessionid=...
    return printable_line(scheme + host + path + (query if query and _is_harmless(query[1:]) else ""))


def shown(url: str) -> str:
    """An address for a message: on one line, without login and query, shortened. Never fails."""
    text = kept(url).partition("?")[0]
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "\u2026"


def _host_in(authority: str) -> str:
    return authority.rpartition("@")[2]


def _is_part_of_login(host: str) -> bool:
    """Whether a supposed host is a user name, a colon and the beginning of a password."""
    name, colon, _ = host.rpartition(":")
    return bool(colon) and not host.endswith("]") and _PORT.search(host) is None and "[" not in name


def _is_harmless(query: str) -> bool:
    try:
        fields = parse_qsl(query, keep_blank_values=True, strict_parsing=True, max_num_fields=3)
    except ValueError:
        return False
    return bool(fields) and all(
        name.lower() in _HARMLESS and _NUMBER.fullmatch(value) is not None for name, value in fields
    )
