"""Safetensors for a model whose own weights are only pickles: Hugging Face's converter offers them in a pull request.

The converter is the Hub's account SFconvertbot; transformers takes the same pull requests. Knows no torch.
"""

from typing import Any
from urllib.parse import quote

from storytime_tui.errors import ModelError
from storytime_tui.models import folder as model_folder
from storytime_tui.models.hub_client import HubClient, NotTheHub, Refused
from storytime_tui.models.hub_listing import Listing, fetch_listing

CONVERTER = "SFconvertbot"
TITLE = "Adding `safetensors` variant of this model"
_CONVERTER_PAGE = "https://huggingface.co/spaces/safetensors/convert"


def with_safetensors(client: HubClient, repo_id: str, listing: Listing) -> Listing:
    """The listing of the converter's pull request if the model has only pickles; else `listing`.

    A pull request that was made from other pickles than the model's present ones is not taken. Raises ModelError if
    there are only pickles, OSError and httpx.HTTPError.
    """
    pickles = _pickles(listing)
    if not pickles or model_folder.has_weights(listing.files):
        return listing
    try:
        ref = _pull_request(client, repo_id)
        found = None if ref is None else fetch_listing(client, repo_id, ref)
    except (Refused, NotTheHub):  # a mirror may know no pull requests
        found = None
    if found is None or not model_folder.has_weights(found.files) or _pickles(found) != pickles:
        raise ModelError(
            f"{repo_id} has its weights only as pickle files, and opening these can run arbitrary code: pick a model "
            f"that has {model_folder.WEIGHTS}, or let {_CONVERTER_PAGE} propose one for it and try again."
        )
    return found


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


def _pickles(listing: Listing) -> dict[str, str]:
    """The hashes of PyTorch's pickles by their names."""
    return {
        name: info.hash
        for name, info in listing.files.items()
        if name.startswith("pytorch_model") and name.endswith(".bin")
    }
