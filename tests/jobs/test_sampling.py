"""A sample of a model that learns: the same draws each time, whole sentences, nothing of the training touched."""

import pytest
import torch

from storytime_tui.jobs.sampling import sampler_of, whole_sentences
from storytime_tui.training.beginnings import Beginning
from tests.tiny import ours, tale, tiny_gpt2


@pytest.fixture(scope="module")
def tokenizer():  # type: ignore[no-untyped-def]
    from storytime_tui.models.tokenizer import train_tokenizer

    return train_tokenizer([tale(number) for number in range(4)], 300)


def test_the_same_weights_tell_the_same_and_nothing_else_is_changed(tokenizer) -> None:  # type: ignore[no-untyped-def]
    model = ours(tiny_gpt2(tokenizer.vocabulary_size, window=64)).train()
    sample = sampler_of(model, tokenizer, 64)
    beginning = Beginning("The mouse mended")
    torch.manual_seed(5)
    before = torch.get_rng_state()
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    first = sample(beginning, 20, 3)
    assert sample(beginning, 20, 3) == first
    assert sample(beginning, 20, 4) != first
    assert torch.equal(torch.get_rng_state(), before)
    assert model.training
    assert all(torch.equal(tensor, weights[name]) for name, tensor in model.state_dict().items())


def test_a_shelfs_line_is_read_and_not_told(tokenizer) -> None:  # type: ignore[no-untyped-def]
    model = ours(tiny_gpt2(tokenizer.vocabulary_size, window=64))
    sample = sampler_of(model, tokenizer, 64)
    told = {voice: sample(Beginning("The mouse", voice), 20, 3) for voice in ("", "Mill Tales", "Sea Tales")}
    assert len(set(told.values())) == 3
    assert not any("Shelf:" in text for text in told.values())


@pytest.mark.parametrize(
    ("prompt", "text", "told"),
    [
        ("Once", " there was a mouse. She had a", " there was a mouse."),
        ("Once", ' a mouse said, "Oh! What', ""),
        ("He said. She", " went on and", ""),
        ("The end", ". And then", "."),
        ("Mr", ". Tod was a fox. He", ". Tod was a fox."),
        ("Once", "", ""),
    ],
)
def test_it_goes_back_to_the_last_whole_sentence(prompt: str, text: str, told: str) -> None:
    assert whole_sentences(prompt, text) == told
