"""Addresses as they are shown and kept: without a password, and without what a query may give away."""

import re
from urllib.parse import parse_qsl

from storytime_tui.terminal import printable_line

_LONGEST = 120  # characters of an address in a message
_PARTS = re.compile(r"([a-z][a-z0-9+.-]*://)([^/?#]*)([^?#]*)(\?[^#]*)?", re.IGNORECASE)
_PORT = re.compile(r":\d*\Z")
# What a query may keep: the number of a page or a book. Anything else may be a key, a token, a name.
_HARMLESS = frozenset(("id", "p", "page", "book", "chapter", "story", "no", "number", "volume"))
_NUMBER = re.compile(r"\d{1,6}")


def bare(url: str) -> str:
    """An address without the user and the password before its host; the rest as it is. Never fails."""
    found = _PARTS.match(url)
    if found is None:
        return url
    return found[1] + _host_in(found[2]) + url[found.end(2) :]


def kept(url: str) -> str:
    """An address as it may be written down: without user, password and fragment, and without its query.

    Of a query only numbers stay that are said to be those of a page or a book, and only where nothing else is
    in it: `?id=12` stays, `?token=...` and `?id=12&key=...` go.
    """
    found = _PARTS.match(url.strip())
    if found is None:
        return printable_line(url)
    scheme, login_and_host, path, query = found.groups()
    host = _host_in(login_and_host)
    if _is_part_of_login(host):  # a password with a slash, or another sign that ends a host, in it
        before, at, after = url.rpartition("@")
        if at and len(before) > found.end(2):
            return kept(scheme + after)
        host = host.partition(":")[0]
    path = re.sub(r";[^/]*", "", path)  # ;jsessionid=...
    return printable_line(scheme + host + path + (query if query and _is_harmless(query[1:]) else ""))


def shown(url: str) -> str:
    """An address for a message: on one line, without a login or a query, not too long. Never fails."""
    text = kept(url).partition("?")[0]
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "\u2026"


def _host_in(authority: str) -> str:
    return authority.rpartition("@")[2]


def _is_part_of_login(host: str) -> bool:
    """Whether what should be a host is a user's name, a colon and the beginning of a password."""
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
