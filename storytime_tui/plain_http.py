"""Addresses whose connection is not encrypted: http to another machine."""

import ipaddress
from urllib.parse import urlsplit


def is_plain_http(address: str) -> bool:
    """Whether what is sent and fetched at this address can be read and changed on its way. False for this machine."""
    try:
        parts = urlsplit(address.strip())
        host = parts.hostname or ""
    except ValueError:  # no address
        return False
    if parts.scheme != "http":
        return False
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name
        return host != "localhost" and not host.endswith(".localhost")
