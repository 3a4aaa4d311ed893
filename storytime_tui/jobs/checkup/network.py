"""Whether the Hugging Face Hub is reached, and what to do if it is not."""

import os
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from storytime_tui.jobs.checkup.finding import Finding
from storytime_tui.plain_http import is_plain_http

_WHAT = "hugging face hub"
_USUAL = "https://huggingface.co"
_UNENCRYPTED = "not encrypted"
_SERVERS = {  # variables that name another server, and what comes from it
    "HF_ENDPOINT": "your login and the models that you download",
    "STORYTIME_GUTENBERG": "the books that you download",
    "STORYTIME_GUTENDEX": "what you search for and what is found",
}
_SECONDS = 5
_WORKS = "the starter, the scratch bases and downloaded bases still work"


def hub_finding(environment: Mapping[str, str] = os.environ) -> Finding:
    """Ask the Hub for one small page. Being offline is no failure: telling and training work without it."""
    endpoint = environment.get("HF_ENDPOINT", "").rstrip("/") or _USUAL
    if environment.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        return Finding(
            _WHAT,
            f"switched off by HF_HUB_OFFLINE; {_WORKS}",
            advice="`unset HF_HUB_OFFLINE` switches it on for new downloads.",
        )
    try:
        with urllib.request.urlopen(f"{endpoint}/api/models/openai-community/gpt2", timeout=_SECONDS):
            return Finding(_WHAT, f"reached at {endpoint}")
    except urllib.error.HTTPError as error:
        if error.code != 407:
            return Finding(_WHAT, f"answers at {endpoint} (with {error.code})")
        cause: BaseException = error
    except (OSError, ValueError) as error:
        cause = getattr(error, "reason", error)
        cause = cause if isinstance(cause, BaseException) else error
    return Finding(
        _WHAT, f"not reached at {endpoint}; {_WORKS}", advice=advice_on(cause, endpoint, proxy(endpoint))
    )


def plain_http_findings(environment: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """A finding for each server named in the environment whose connection is not encrypted."""
    for variable, what in _SERVERS.items():
        address = environment.get(variable, "").strip()
        if is_plain_http(address):
            host = urlsplit(address).netloc.rpartition("@")[2]
            yield Finding(
                _UNENCRYPTED,
                f"{variable} is http://{host}: whoever stands on the way can read and change {what}",
                advice=f"Give {variable} an address that begins with https://, or unset it.",
            )


def proxy(endpoint: str) -> str:
    """The proxy on the way to an address, without the name and password in it; "" for none."""
    parts = urlsplit(endpoint)
    if parts.hostname and urllib.request.proxy_bypass(parts.hostname):
        return ""
    return urllib.request.getproxies().get(parts.scheme, "").rpartition("@")[2]


def advice_on(error: BaseException, endpoint: str, through: str) -> str:
    """What to do about a failed connection, by its cause."""
    if isinstance(error, ssl.SSLError):
        return (
            "The connection's certificate is not trusted, as behind some companies' proxies: set SSL_CERT_FILE to the "
            "file with your company's certificates."
        )
    if isinstance(error, ValueError):
        return "HF_ENDPOINT is not an address: unset it, or give it one that begins with https://."
    if through:
        return f"Check the proxy {through}: HTTPS_PROXY names it, NO_PROXY lists the hosts that need none."
    if endpoint != _USUAL:
        return "Check the address in HF_ENDPOINT, or unset it."
    if isinstance(error, socket.gaierror):
        return (
            "Check the network connection: no name is found. Behind a proxy, set HTTPS_PROXY to its address."
        )
    return "Check the network connection. Behind a proxy, set HTTPS_PROXY to its address."
