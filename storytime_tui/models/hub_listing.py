"""The Hub's listing of a model's files, at its main branch or at a pull request. Knows no torch."""

from dataclasses import dataclass
from urllib.parse import quote

from storytime_tui.models import hub_cache
from storytime_tui.models.hub_client import HubClient, NotTheHub


@dataclass(frozen=True)
class FileInfo:
    """The Hub's listing of one file: its size in bytes (None if not stated) and its hash ("" if not stated)."""

    size: int | None
    hash: str


@dataclass(frozen=True)
class Listing:
    """A model's files by name, at the commit that `ref` (main, or such as refs/pr/4) stood for."""

    ref: str
    commit: str
    files: dict[str, FileInfo]


def fetch_listing(client: HubClient, repo_id: str, ref: str = hub_cache.MAIN) -> Listing:
    """The model's files at `ref`. Raises Refused, NotTheHub, OSError and httpx.HTTPError."""
    place = "" if ref == hub_cache.MAIN else f"/revision/{quote(ref, safe='')}"
    info = client.json(f"/api/models/{quote(repo_id)}{place}?blobs=true")
    siblings = info.get("siblings") if isinstance(info, dict) else None
    if not isinstance(siblings, list) or not hub_cache.is_commit(info.get("sha")):
        raise NotTheHub("no model listing")
    files = {
        each["rfilename"]: _file_info(each)
        for each in siblings
        if isinstance(each, dict) and isinstance(each.get("rfilename"), str)
    }
    return Listing(ref, info["sha"], files)


def _file_info(entry: dict[str, object]) -> FileInfo:
    """The listing's entry for one file. Raises NotTheHub for an impossible size."""
    size, large = entry.get("size"), entry.get("lfs")
    if size is not None and (type(size) is not int or size < 0):
        raise NotTheHub("a file of an impossible size")
    digest = large.get("sha256") if isinstance(large, dict) else entry.get("blobId")
    return FileInfo(size, digest if isinstance(digest, str) and hub_cache.is_hash(digest) else "")
