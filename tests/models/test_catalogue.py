from pathlib import Path

import pytest

from storytime_tui.errors import ModelError
from storytime_tui.models.catalogue import (
    SCRATCH_SHAPES,
    STARTER,
    ScratchShape,
    bases,
    default_base,
    has_starter,
    is_base_name,
    is_repo_id,
    nearest_names,
    resolve_base,
    scratch_shape,
    starter_shape,
)
from storytime_tui.models.footprint import size_in
from storytime_tui.models.tokenizer import load_tokenizer
from storytime_tui.settings import Settings
from storytime_tui.training.plan import TrainingPlan


def test_every_base_of_the_catalogue_resolves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for base in bases():
        assert resolve_base(base.name) == ("scratch" if base.name in SCRATCH_SHAPES else "hub")
        assert is_base_name(base.name)
    assert default_base() in SCRATCH_SHAPES


def test_the_starter_comes_first_where_it_is(starter: Path) -> None:
    assert default_base() == bases()[0].name == STARTER
    assert resolve_base(STARTER) == "folder"
    assert starter_shape() == ScratchShape(2, 64, 1, load_tokenizer(starter).vocabulary_size, 128)
    assert bases()[0].parameters == size_in(starter).parameters
    assert (Settings().base, TrainingPlan().base) == (STARTER, STARTER)


@pytest.mark.parametrize(
    "lost", ["config.json", "tokenizer.json", "model-00002-of-*", "model.safetensors.index.json"]
)
def test_a_starter_that_is_not_whole_is_not_offered(starter: Path, lost: str) -> None:
    assert has_starter()
    next(starter.glob(lost)).unlink()
    assert not has_starter() and starter_shape() is None
    assert default_base() == "scratch-small" == Settings().base == TrainingPlan().base
    assert STARTER not in {base.name for base in bases()}
    with pytest.raises(ModelError, match=r"starter model is missing .* use the base scratch-small"):
        resolve_base(STARTER)


def test_a_damaged_index_or_configuration_of_the_starter_is_no_starter(starter: Path) -> None:
    (starter / "config.json").write_text('{"n_layer": "many"}')
    assert starter_shape() is None and STARTER not in {base.name for base in bases()}
    (starter / "model.safetensors.index.json").write_text("{")
    assert not has_starter()


def test_no_run_may_have_a_bases_name() -> None:
    assert all(map(is_base_name, ("starter", "scratch-tiny", "scratch-9x320", "gpt2")))
    assert not any(map(is_base_name, ("starter-1", "scratch", "grimm-1")))


def test_a_shape_may_be_named_by_its_size() -> None:
    assert scratch_shape("scratch-9x320") == ScratchShape(9, 320, 5, 8192, 512)
    assert scratch_shape("scratch-6x384") == scratch_shape("scratch-small")
    assert resolve_base("scratch-9x320") == "scratch"
    assert scratch_shape("distilgpt2") is None


@pytest.mark.parametrize(
    "name",
    ["0x64", "49x64", "6x300", "6x0", "6x2112", "6", "6x", "x64", "06x64", "6x64x2", "6x" + "6" * 5000],
)
def test_a_size_that_there_is_not(name: str) -> None:
    assert scratch_shape(f"scratch-{name}") is None
    with pytest.raises(
        ModelError, match=r"scratch-tiny, scratch-small, or .*1 to 48 layers .* a multiple of 64"
    ):
        resolve_base(f"scratch-{name}")


def test_a_folder_with_a_model_is_a_folder(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve_base(str(model)) == "folder"
    monkeypatch.chdir(model.parent)
    assert resolve_base("a model") == resolve_base("./a model") == "folder"
    monkeypatch.setenv("HOME", str(model.parent))
    assert resolve_base("~/a model") == "folder"


def test_a_folder_called_gpt2_hides_the_hubs_only_with_a_model(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "distilgpt2").mkdir()
    assert resolve_base("distilgpt2") == "hub"
    model.rename(tmp_path / "gpt2")
    assert resolve_base("gpt2") == "folder"


def test_a_folder_without_a_model_says_what_one_holds(tmp_path: Path) -> None:
    with pytest.raises(
        ModelError, match=r"no config\.json.*tokenizer\.json.*model\.safetensors, or is a \.gguf file\.$"
    ):
        resolve_base(str(tmp_path))


def test_a_folder_with_several_gguf_files_asks_for_one_of_them(tmp_path: Path) -> None:
    for name in ("b.gguf", "a.GGUF"):
        (tmp_path / name).write_bytes(b"GGUF")
    with pytest.raises(ModelError, match=r"holds 2 \.gguf files: name one of them, such as .*/a\.GGUF\.$"):
        resolve_base(str(tmp_path))
    (tmp_path / "b.gguf").unlink()
    assert resolve_base(str(tmp_path)) == "gguf"


@pytest.mark.parametrize("name", ["./nowhere", "/nowhere/at", "~/nowhere", "a/b/c", "gpt2/../x", "~nobody/x"])
def test_a_folder_that_does_not_exist(name: str) -> None:
    with pytest.raises(ModelError, match="does not exist"):
        resolve_base(name)


def test_a_file_is_no_model_folder(tmp_path: Path) -> None:
    (tmp_path / "weights").write_text("")
    with pytest.raises(ModelError, match="is a file"):
        resolve_base(str(tmp_path / "weights"))


@pytest.mark.parametrize("name", ["notes", "books/notes.txt", "books/model.safetensors"])
def test_a_file_that_is_here_is_never_looked_for_on_the_hub(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert resolve_base(name) == "hub"
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_text("An owl sang.")
    with pytest.raises(ModelError, match=rf"^{name} is a file, and not a model: .* or a GGUF file\.$"):
        resolve_base(name)
    Path("gpt2").write_text("An owl sang.")
    assert resolve_base("gpt2") == "hub"


@pytest.mark.parametrize(
    "name",
    ["", " ", "two words", "a--b", "a..b", "-a", "a.", "gpt2.git", "a" * 97, "b" * 5000, "gänse", "a\x00b"],
)
def test_what_can_be_no_model_says_what_can(name: str) -> None:
    assert not is_repo_id(name)
    with pytest.raises(ModelError, match=r"scratch-small.*distilgpt2.*owner/model"):
        resolve_base(name)


@pytest.mark.parametrize("name", ["gpt2", "openai-community/gpt2", "Qwen/Qwen3-0.6B", "a_b/c.d", "5/6"])
def test_ids_of_the_hub(name: str) -> None:
    assert is_repo_id(name)
    assert resolve_base(name) == "hub"


def test_nearest_names() -> None:
    assert nearest_names("distilgtp2")[0] == "distilgpt2"
    assert nearest_names("openai/GPT2-medum")[0] == "gpt2-medium"
    assert nearest_names("zzz") == []
