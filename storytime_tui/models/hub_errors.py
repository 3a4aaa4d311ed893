"""Failures of a download from the Hub, each explained in one sentence. Knows no torch."""

import httpx

from storytime_tui import files
from storytime_tui.errors import ModelError
from storytime_tui.models import catalogue
from storytime_tui.models.download import Download, endpoint
from storytime_tui.models.hub_client import NotTheHub, Refused
from storytime_tui.models.proxies import proxy_for, variable_for
from storytime_tui.terminal import printable_line


def offline_bases() -> str:
    """The bases that need no download, as a phrase."""
    starter = f"{catalogue.STARTER} and " if catalogue.has_starter() else ""
    return f"{starter}your own runs need no download, nor do the untrained scratch-tiny and scratch-small"


def silent(repo_id: str) -> ModelError:
    """The error for a Hub that stops answering."""
    return ModelError(
        f"The Hub at {endpoint()} stopped answering while {repo_id} was fetched: try again later; {offline_bases()}."
    )


def explain_download(error: BaseException, job: Download) -> ModelError:
    """The ModelError for `error`, which ended `job`."""
    repo_id = job.repo_id
    if isinstance(error, ModelError):
        return error
    if isinstance(error, Refused):
        return _refused(error, repo_id)
    if isinstance(error, OSError) and error.errno is not None and not isinstance(error, ConnectionError):
        return ModelError(files.explain(error, f"fetching {repo_id}"))
    if isinstance(error, NotTheHub | ValueError | httpx.InvalidURL | httpx.UnsupportedProtocol):
        return ModelError(
            f"{endpoint()} does not answer like the Hub when asked for {repo_id}{_what(error)}: check HF_ENDPOINT, "
            f"and whether the network needs a login; {offline_bases()}."
        )
    if job.file == "" or isinstance(error, httpx.ProxyError):
        return _unreached(error, repo_id)
    kept = "; the completed files are kept" if job.kept else ""
    return ModelError(f"The connection broke while {job.file} of {repo_id} was fetched: try again{kept}.")


def _unreached(error: BaseException, repo_id: str) -> ModelError:
    """The error if no connection was made: it says whether a proxy, a certificate or the network is in the way."""
    hub, proxy, variable = endpoint(), proxy_for(endpoint()), variable_for(endpoint())
    start = f"The Hub at {hub} cannot be reached, and {repo_id} is not on this machine"
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return ModelError(
            f"{start}: its certificate is not trusted here. If your network checks encrypted connections, set "
            f"SSL_CERT_FILE to your network's certificates; {offline_bases()}."
        )
    if isinstance(error, httpx.ProxyError):
        return refused_by_proxy(repo_id)
    if proxy:
        return ModelError(f"{start}: check the proxy {proxy}, which {variable} names; {offline_bases()}.")
    return ModelError(
        f"{start}: check the network (behind a proxy, set {variable} to it), or pick a base that works offline: "
        f"{offline_bases()}."
    )


def refused_by_proxy(repo_id: str) -> ModelError:
    """The error for a proxy that refuses to connect to the Hub."""
    variable = variable_for(endpoint())
    return ModelError(
        f"The proxy {proxy_for(endpoint())} does not let {repo_id} be fetched from {endpoint()}: check {variable}. If "
        f"the proxy needs a login, write {variable}=http://USER:PASSWORD@HOST:PORT; {offline_bases()}."
    )


def unusable_proxy(error: Exception) -> ModelError:
    """The error for a proxy or certificates in the environment that no client can be made with."""
    why = printable_line(str(error).split(".")[0])[:200]
    return ModelError(
        f"The proxy or the certificates set in the environment cannot be used ({why}): correct HTTP_PROXY, "
        f"HTTPS_PROXY, ALL_PROXY or SSL_CERT_FILE; {offline_bases()}."
    )


def _what(error: BaseException) -> str:
    return f" (it sent {error})" if isinstance(error, NotTheHub) else ""


def _refused(error: Refused, repo_id: str) -> ModelError:
    status, code = error.status, error.code
    if code == "GatedRepo":
        return ModelError(
            f"{repo_id} is gated: accept its terms on {endpoint()}/{repo_id}, then log in with "
            "`hf auth login` (or set HF_TOKEN) and try again."
        )
    # Without a login, the Hub answers the same for private and for missing models.
    hidden = status == 401 and not code and not error.message.startswith("Invalid credentials")
    if code == "RepoNotFound" or hidden:
        near = catalogue.nearest_names(repo_id)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        return ModelError(
            f"There is no model {repo_id} on the Hub, or it is private: if it is yours, log in with "
            f"`hf auth login` or set HF_TOKEN.{hint}"
        )
    if code in ("EntryNotFound", "RevisionNotFound"):
        return ModelError(f"{repo_id} is incomplete on the Hub, or it has just changed: try again later.")
    if status == 401:
        return ModelError(
            f"The Hub does not accept your login, so {repo_id} cannot be fetched: log in again with "
            "`hf auth login`, or correct HF_TOKEN."
        )
    if status == 403:
        return ModelError(
            f"Your login may not read {repo_id}: accept its terms on {endpoint()}/{repo_id} if it has any, "
            "and log in with `hf auth login` (or HF_TOKEN) with a token that may read it."
        )
    if status == 407:
        return refused_by_proxy(repo_id)
    if status == 429:
        return ModelError(f"The Hub limits requests right now: fetch {repo_id} again in a few minutes.")
    return ModelError(f"The Hub answered with error {status} when asked for {repo_id}: try again later.")
