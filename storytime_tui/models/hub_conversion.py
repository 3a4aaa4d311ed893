"""Safetensors for a model whose own weights are only pickles: Hugging Face's converter offers them in a pull request.

The converter is the Hub's account SFconvertbot; transformers takes the same pull requests. Knows no torch.
"""

from typing import Any
from urllib.parse import quote

from storytime_tui.models import folder as model_folder
from storytime_tui.models.hub_client import HubClient, NotTheHub, Refused
from storytime_tui.models.hub_listing import Listing, fetch_listing

CONVERTER = "SFconvertbot"
TITLE = "Adding `safetensors` variant of this model"


def with_safetensors(client: HubClient, repo_id: str, listing: Listing) -> Listing:
    """The listing of the converter's pull request if the model has only pickles and there is one; else `listing`.

    A pull request that was made from other pickles than the model's present ones is not taken. Raises OSError and
    httpx.HTTPError.
    """
    pickles = {name: info.hash for name, info in listing.files.items() if _is_pickle(name)}
    if not pickles or model_folder.has_weights(listing.files):
        return listing
    try:
        ref = _pull_request(client, repo_id)
        found = None if ref is None else fetch_listing(client, repo_id, ref)
    except (Refused, NotTheHub):  # a mirror may know no pull requests
        return listing
    if found is None or not model_folder.has_weights(found.files):
        return listing
    made_from = {name: info.hash for name, info in found.files.items() if _is_pickle(name)}
    return found if made_from == pickles else listing


def _pull_request(client: HubClient, repo_id: str) -> str | None:
    """The revision of the converter's last open pull request, such as refs/pr/4."""
    path = f"/api/models/{quote(repo_id)}/discussions?type=pull_request&status=open&author={CONVERTER}"
    answer = client.json(path)
    listed = answer.get("discussions") if isinstance(answer, dict) else None
    numbers = [each["num"] for each in listed if _is_conversion(each)] if isinstance(listed, list) else []
    return f"refs/pr/{max(numbers)}" if numbers else None


def _is_conversion(entry: Any) -> bool:
    """Whether a discussion is a pull request of the converter. Anybody may use its title, so its author counts too."""
    if not isinstance(entry, dict) or type(entry.get("num")) is not int or entry["num"] < 1:
        return False
    author = entry.get("author")
    by_converter = isinstance(author, dict) and author.get("name") == CONVERTER
    is_open = entry.get("isPullRequest") is True and entry.get("status") == "open"
    return by_converter and is_open and entry.get("title") == TITLE


def _is_pickle(name: str) -> bool:
    return name.startswith("pytorch_model") and name.endswith(".bin")
