"""The proxy that requests to the Hub go through, as the environment names it. Knows no torch."""

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass


def proxy_for(address: str) -> str:
    """The proxy for an address, as `host:port` and never with its password; "" if there is none."""
    parts = urlsplit(address)
    proxies = getproxies()
    named = proxies.get(parts.scheme) or proxies.get("all") or ""
    if not named or (parts.hostname and proxy_bypass(parts.hostname)):
        return ""
    try:
        proxy = urlsplit(named if "://" in named else f"http://{named}")
        return f"{proxy.hostname}:{proxy.port}" if proxy.port else proxy.hostname or "?"
    except ValueError:  # its port is no number
        return "?"


def variable_for(address: str) -> str:
    """The environment variable that names the proxy for an address."""
    return "HTTPS_PROXY" if urlsplit(address).scheme == "https" else "HTTP_PROXY"
