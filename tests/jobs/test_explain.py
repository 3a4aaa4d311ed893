"""Explaining a text: exactly what transformers says, in words and not in pieces, with the voice in view."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from storytime_tui.errors import ModelError, RunError
from storytime_tui.jobs import explain
from storytime_tui.jobs.explain import Explainer, TokenExplained, bits_per_byte, explain_text, open_explainer
from storytime_tui.models.tokenizer import Tokenizer, train_tokenizer
from storytime_tui.models.voices import Voices, write_voices
from tests.loopback_hub import make_gpt2
from tests.tiny import tale

TEXT = "The frog hid a button — “Zoë 🦊”, he said.\n\nThe end\x1b[2J."


def nothing(*_: Any) -> None:
    return None


def make_llama(folder: Path, tokenizer: Tokenizer) -> Path:
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = transformers.LlamaConfig(
        vocab_size=tokenizer.vocabulary_size,
        **sizes,
        max_position_embeddings=64,
        initializer_range=0.3,
        bos_token_id=0,
        eos_token_id=0,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        transformers.LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save(folder)
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A GPT-2, the same with other weights, a Llama, and one with a tokenizer of its own."""
    place = tmp_path_factory.mktemp("models")
    gpt2 = make_gpt2(place / "gpt2")
    make_gpt2(place / "other", seed=1)
    make_llama(place / "llama", train_tokenizer([tale(0)], 300))
    return {name: place / name for name in ("gpt2", "other", "llama")} | {"gpt2": gpt2}


def explained(explainer: Explainer, text: str, voice: str | None = None) -> list[TokenExplained]:
    return list(explain_text(explainer, text, explainer.voices(voice), nothing))


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_the_figures_are_those_of_transformers(kind: str, models: dict[str, Path]) -> None:
    folder = models[kind]
    explainer = open_explainer(str(folder), nothing, device_name="cpu")
    tokenizer = explainer.model.tokenizer
    text = TEXT[:40]
    ids = tokenizer.encode(text)
    assert 20 < len(ids) <= 64
    reference: Any = transformers.AutoModelForCausalLM.from_pretrained(folder)
    with torch.no_grad():
        logits = reference(torch.tensor([[tokenizer.end_of_text, *ids[:-1]]])).logits[0]
    expected = logits.log_softmax(-1)
    tokens = explained(explainer, text)
    assert [token.id for token in tokens] == ids
    for token, row in zip(tokens, expected, strict=True):
        assert token.logprob == pytest.approx(row[token.id].item(), abs=1e-4)
        assert token.rank == 1 + int((row > row[token.id]).sum())
        assert [each.logprob for each in token.likeliest] == pytest.approx(
            row.topk(10).values.tolist(), abs=1e-4
        )
        assert token.versus is None and token.difference == 0
    nats = -sum(token.logprob for token in tokens)
    assert bits_per_byte(-nats, text) == pytest.approx(nats / math.log(2) / len(text.encode()))


def test_the_texts_of_the_tokens_make_the_text_however_characters_are_cut(
    models: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    explainer = open_explainer(str(models["gpt2"]), nothing)
    tokens = explained(explainer, TEXT * 9)  # several windows
    assert "".join(token.text for token in tokens) == TEXT * 9
    assert "" in {token.text for token in tokens}  # a part of the fox
    # what could end a character is shown as that character
    monkeypatch.setattr(explain, "TOP", explainer.model.tokenizer.vocabulary_size)
    quote = next(token for token in explained(explainer, TEXT) if token.text == "“")
    assert {"“", "”"} <= {each.text for each in quote.likeliest}


def test_a_first_space_that_only_the_tokenizer_adds_is_left_out(
    models: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    explainer = open_explainer(str(models["gpt2"]), nothing)
    encode = explainer.model.tokenizer.encode
    monkeypatch.setattr(explainer.model.tokenizer, "encode", lambda text: encode(f" {text}"))
    assert "".join(token.text for token in explained(explainer, "The frog")) == "The frog"


def test_two_models_stand_side_by_side(models: dict[str, Path]) -> None:
    gpt2, other = str(models["gpt2"]), str(models["other"])
    both = open_explainer(gpt2, nothing, versus=other)
    alone = [explained(open_explainer(name, nothing), TEXT) for name in (gpt2, other)]
    tokens = explained(both, TEXT)
    assert [opened.name for opened in both.models] == [gpt2, other]
    for token, first, second in zip(tokens, *alone, strict=True):
        assert token.versus is not None
        assert (token.logprob, token.rank, token.likeliest) == (first.logprob, first.rank, first.likeliest)
        assert (token.versus.logprob, token.versus.rank) == (second.logprob, second.rank)
        assert token.versus.likeliest == second.likeliest
        assert token.difference == token.logprob - second.logprob
    assert any(token.difference for token in tokens)


def test_the_shelfs_line_is_in_view_as_tell_has_it(tmp_path: Path) -> None:
    folder, plain = make_gpt2(tmp_path / "m"), make_gpt2(tmp_path / "plain", seed=1)
    write_voices(folder, Voices(("Hill", "Grimm"), strength=1.3))
    explainer = open_explainer(str(folder), nothing, versus=str(plain))
    assert explainer.voices(None) == ((("Hill", 1.0),), ())
    assert explainer.voices("gri") == ((("Grimm", 1.0),), ())
    assert explainer.voices("none") == ((), ())
    assert explainer.model.told_at == 1.3
    with pytest.raises(ModelError, match="no voice 'Perrault'; it knows Hill and Grimm"):
        explainer.voices("Perrault")
    tokenizer = explainer.model.tokenizer
    line = [*tokenizer.encode("Shelf: Hill\n"), *tokenizer.encode("\n")]
    assert len(line) <= 64 // 4 - 1
    ids = tokenizer.encode("A frog")
    reference: Any = transformers.AutoModelForCausalLM.from_pretrained(folder)
    for voice, before in ((None, line), ("none", [])):
        with torch.no_grad():
            logits = reference(torch.tensor([[tokenizer.end_of_text, *before, *ids[:-1]]])).logits[0]
        expected = logits[len(before) :].log_softmax(-1).gather(1, torch.tensor(ids)[:, None])[:, 0]
        found = [token.logprob for token in explained(explainer, "A frog", voice)]
        assert found == pytest.approx(expected.tolist(), abs=1e-4)


def test_what_cannot_be_explained_is_one_sentence(
    models: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    gpt2 = str(models["gpt2"])
    monkeypatch.setattr(
        explain, "open_model", lambda *_: pytest.fail("nothing is loaded before it is refused")
    )
    with pytest.raises(ModelError, match=r"have different tokenizers, so their tokens cannot be compared"):
        open_explainer(gpt2, nothing, versus=str(models["llama"]))
    with pytest.raises(ModelError, match="scratch-tiny has random weights: there is nothing to measure"):
        open_explainer("scratch-tiny", nothing)
    with pytest.raises(ModelError, match="scratch-small has random weights"):
        open_explainer(gpt2, nothing, versus="scratch-small")
    with pytest.raises(RunError, match="There is no run called 'starter'"):
        open_explainer("starter", nothing, checkpoint="last")
    with pytest.raises(ModelError, match="There is no device 'warp'"):
        open_explainer(gpt2, nothing, device_name="warp")


def test_a_model_that_diverged_is_named(models: dict[str, Path]) -> None:
    explainer = open_explainer(str(models["gpt2"]), nothing)
    with torch.no_grad():
        explainer.model.model.transformer.ln_f.bias.fill_(math.nan)
    with pytest.raises(ModelError, match=r"gpt2 are not numbers: its training diverged"):
        explained(explainer, "The frog")
