"""A model whose own weights are pickles is taken with the safetensors that the Hub's converter proposed for it."""

from dataclasses import replace
from pathlib import Path

import huggingface_hub
import pytest
import torch
import transformers

from storytime_tui.errors import ModelError
from storytime_tui.models import download, folder, hub_cache
from storytime_tui.models.footprint import size_in
from storytime_tui.models.hub import fetch
from storytime_tui.models.loading import load_model
from tests.loopback_hub import LoopbackHub, offer_safetensors

TALE = "owner/tale"


def refused(hub: LoopbackHub) -> str:
    with pytest.raises(ModelError, match="only as pickle files") as caught:
        fetch(TALE)
    assert hub.downloads() == []
    return str(caught.value)


def test_the_converters_weights_are_taken_and_no_pickle_is_sent(hub: LoopbackHub) -> None:
    offer_safetensors(hub, TALE, 4)
    newest = offer_safetensors_again(hub, 9)
    found = fetch(TALE)
    folder.check_folder(found)
    assert found.name == hub.commit(TALE, newest.ref)
    assert "pytorch_model.bin" not in hub.downloads()
    assert (found / "model.safetensors").read_bytes() == (newest.files / "model.safetensors").read_bytes()
    load_model(found, device=torch.device("cpu"), dtype=torch.float32)


def test_afterwards_it_is_on_this_machine(hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    request = offer_safetensors(hub, TALE)
    found = fetch(TALE)
    assert huggingface_hub.hf_hub_download(
        *(TALE, "model.safetensors"),
        revision=request.ref,
        cache_dir=download.cache_folder(),
        local_files_only=True,
    ) == str(found / "model.safetensors")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    asked = len(hub.requests)
    assert hub_cache.cached(TALE) == fetch(TALE) == found
    assert len(hub.requests) == asked


@pytest.mark.parametrize(
    "said",
    [
        {"author": "somebody"},
        {"title": "Better weights"},
        {"status": "closed"},
        {"status": "merged"},
        {"is_pull_request": False},
    ],
    ids=str,
)
def test_nobody_elses_weights_are_taken(said: dict[str, str], hub: LoopbackHub) -> None:
    offer_safetensors(hub, TALE, **said)
    refused(hub)


def test_weights_that_were_made_from_other_pickles_are_not_taken(hub: LoopbackHub) -> None:
    offer_safetensors(hub, TALE)
    (hub.models / TALE / "pytorch_model.bin").write_bytes(b"pickled anew since")
    refused(hub)


def test_a_pull_request_without_weights_is_not_taken(hub: LoopbackHub) -> None:
    request = offer_safetensors(hub, TALE)
    (request.files / "model.safetensors").unlink()
    refused(hub)


@pytest.mark.parametrize(
    "answer", [[], {"discussions": "none"}, {"discussions": [3, {"num": "4"}, {"num": -1}]}]
)
def test_an_answer_of_another_form_offers_nothing(answer: object, hub: LoopbackHub) -> None:
    offer_safetensors(hub, TALE)
    hub.discussions[TALE] = answer
    refused(hub)


def test_a_mirror_that_knows_no_pull_requests_offers_nothing(hub: LoopbackHub) -> None:
    offer_safetensors(hub, TALE)
    hub.faults[TALE] = "no-discussions"
    assert "huggingface.co/spaces/safetensors/convert propose one" in refused(hub)


def test_a_model_with_its_own_safetensors_is_not_looked_for_elsewhere(hub: LoopbackHub) -> None:
    request = offer_safetensors(hub, TALE)
    (hub.models / TALE / "model.safetensors").write_bytes((request.files / "model.safetensors").read_bytes())
    fetch(TALE)
    assert not [path for _, path in hub.requests if "discussions" in path]


def test_a_gpt_neo_as_tinystories_is_fetched_and_opened_and_its_masks_are_no_parameters(
    hub: LoopbackHub,
) -> None:
    served = hub.models / "roneneldan" / "TinyStories-33M"
    make_gpt_neo(served, hub.models / TALE)
    offer_safetensors(hub, "roneneldan/TinyStories-33M")
    found = fetch("roneneldan/TinyStories-33M")
    loaded = load_model(found, device=torch.device("cpu"), dtype=torch.float32)
    assert size_in(found).parameters == sum(each.numel() for each in loaded.model.parameters())
    assert not size_in(found).ours


def make_gpt_neo(served: Path, tokenizer: Path) -> None:
    """A GPT-Neo whose file has its causal masks as well, as files of its day have."""
    import safetensors.torch

    config = transformers.GPTNeoConfig(
        vocab_size=320, max_position_embeddings=64, hidden_size=16, num_layers=2, num_heads=2, window_size=16,
        attention_types=[[["global", "local"], 1]], bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    transformers.GPTNeoForCausalLM(config).save_pretrained(served)
    weights = safetensors.torch.load_file(served / "model.safetensors")
    for block in range(2):
        weights[f"transformer.h.{block}.attn.attention.bias"] = torch.ones(1, 1, 64, 64, dtype=torch.bool)
        weights[f"transformer.h.{block}.attn.attention.masked_bias"] = torch.tensor(-1e9)
    safetensors.torch.save_file(weights, served / "model.safetensors", metadata={"format": "pt"})
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (served / name).write_bytes((tokenizer / name).read_bytes())


def offer_safetensors_again(hub: LoopbackHub, number: int):
    """A later pull request of the converter, with other weights."""
    import safetensors.torch

    earlier = hub.pull_requests[TALE][0]
    later = replace(earlier, number=number, files=earlier.files.parent / f"pull request {number}")
    later.files.mkdir()
    for path in earlier.files.iterdir():
        (later.files / path.name).write_bytes(path.read_bytes())
    weights = safetensors.torch.load_file(later.files / "model.safetensors")
    safetensors.torch.save_file(
        {name: weight * 2 for name, weight in weights.items()},
        later.files / "model.safetensors",
        metadata={"format": "pt"},
    )
    hub.pull_requests[TALE].append(later)
    return later
