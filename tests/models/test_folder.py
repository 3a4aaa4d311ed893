import json
from pathlib import Path

import pytest

from storytime_tui.errors import ModelError
from storytime_tui.models import folder
from tests import loopback_hub


def change_config(model: Path, **values: object) -> None:
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, **values}))


def test_a_whole_model_passes(model: Path) -> None:
    folder.check_folder(model)
    assert folder.weight_names(model) == ("model.safetensors",)
    shards = loopback_hub.shard(model)
    folder.check_folder(model)
    assert list(folder.weight_names(model)) == shards


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        ("config.json", "no config.json"),
        ("tokenizer.json", "no tokenizer"),
        ("model.safetensors", "no weights in safetensors"),
    ],
)
def test_what_is_missing_is_named(lost: str, said: str, model: Path) -> None:
    (model / lost).unlink()
    with pytest.raises(ModelError, match=said) as caught:
        folder.check_folder(model)
    assert str(model) in str(caught.value)


def test_a_link_that_leads_nowhere_counts_as_missing(model: Path) -> None:
    (model / "model.safetensors").unlink()
    (model / "model.safetensors").symlink_to(model / "gone")
    with pytest.raises(ModelError, match="no weights"):
        folder.check_folder(model)


def test_a_missing_shard_is_named(model: Path) -> None:
    shards = loopback_hub.shard(model)
    (model / shards[1]).unlink()
    with pytest.raises(ModelError, match=rf"lacks 1 of its weight files, such as {shards[1]}"):
        folder.check_folder(model)


@pytest.mark.parametrize("name", ["../m.safetensors", "/etc/m.safetensors", "a\\m.safetensors", "model.bin"])
def test_an_index_leads_neither_out_of_the_folder_nor_to_a_pickle(name: str, model: Path) -> None:
    (model / "model.safetensors").unlink()
    (model / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"w": name}}))
    with pytest.raises(ModelError, match="not allowed"):
        folder.check_folder(model)


@pytest.mark.parametrize("text", ["", "{", "[1]", "\ufffd", "null"])
def test_a_damaged_config_is_said_to_be(text: str, model: Path) -> None:
    (model / "config.json").write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=r"config\.json is damaged"):
        folder.check_folder(model)


def test_pickles_are_refused_with_the_reason(model: Path) -> None:
    loopback_hub.keep_only_pickle(model)
    with pytest.raises(ModelError, match=r"pickle.*run arbitrary code"):
        folder.check_folder(model)


def test_code_of_its_own_is_refused(model: Path) -> None:
    loopback_hub.want_remote_code(model)
    with pytest.raises(ModelError, match="needs to run program code"):
        folder.check_folder(model)


def test_unknown_kinds_are_refused(model: Path) -> None:
    change_config(model, model_type="storyteller9000")
    with pytest.raises(ModelError, match=r"has the model type 'storyteller9000'"):
        folder.check_folder(model)
    change_config(model, model_type=None)
    with pytest.raises(ModelError, match="no model_type"):
        folder.check_folder(model)


def test_known_kinds_are_those_of_transformers() -> None:
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    assert folder.known_kinds() == set(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)
