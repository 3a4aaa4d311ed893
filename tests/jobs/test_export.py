"""A run exported: whole or not at all, openable by transformers, merged where it is an adapter, pushed if asked."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from storytime_tui import files, paths
from storytime_tui.errors import ModelError, RunError
from storytime_tui.jobs.export import Exported, export_model
from storytime_tui.models.export import upload
from storytime_tui.models.footprint import size_in
from storytime_tui.models.loading import load_model, weights_of
from storytime_tui.training.plan import TrainingPlan, write_plan
from tests.loopback_hub import make_gpt2
from tests.loopback_upload import TOKEN, LoopbackUpload

IDS = torch.tensor([[5, 17, 300, 2, 44, 80, 81, 9]])


def checkpoint(run: str, step: int, *links: str) -> Path:
    """A checkpoint as the trainer leaves it; its weights are drawn from the step."""
    root = paths.runs_folder() / run
    if not (root / "plan.toml").exists():
        write_plan(TrainingPlan(base="scratch-tiny", collections=("grimm",)), root / "plan.toml")
    folder = make_gpt2(root / "checkpoints" / f"step-{step}", seed=step)
    for name in ("trainer.json", "trainer.safetensors", "checksums.json"):
        (folder / name).write_text("{}")
    (folder / "README.md").write_text(f"---\nlibrary_name: transformers\n---\n# {run}\n")
    for link in links:
        files.point_link(root / "checkpoints" / link, folder.name)
    return folder


def adapter(run: str, step: int, base: str) -> dict[str, torch.Tensor]:
    """A checkpoint that is an adapter, without a tokenizer of its own."""
    root = paths.runs_folder() / run
    write_plan(TrainingPlan(base=base, collections=("grimm",)), root / "plan.toml")
    folder = root / "checkpoints" / f"step-{step}"
    folder.mkdir(parents=True)
    config = {"peft_type": "LORA", "base_model_name_or_path": base, "lora_alpha": 8, "r": 4}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    layer = "base_model.model.transformer.h.1.mlp.c_fc"
    tensors = {f"{layer}.lora_A.weight": torch.randn(4, 16), f"{layer}.lora_B.weight": torch.randn(64, 4)}
    save_file(tensors, folder / "adapter_model.safetensors")
    (folder / "README.md").write_text("---\nbase_model: x\nlibrary_name: peft\n---\n")
    files.point_link(root / "checkpoints" / "last", folder.name)
    return tensors


def logits(folder: Path) -> torch.Tensor:
    from transformers import AutoModelForCausalLM

    opened = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.no_grad():
        return opened(IDS).logits


def test_the_best_checkpoint_comes_out_as_transformers_opens_it(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    best = checkpoint("mine", 10, "best")
    checkpoint("mine", 20, "last")
    said: list[tuple[str, int, int]] = []
    done = export_model("mine", tmp_path / "out", report=lambda *told: said.append(told))
    size = sum(path.stat().st_size for path in (tmp_path / "out").iterdir())
    assert done == Exported(
        "mine", "step-10", (tmp_path / "out").resolve(), "safetensors", "fp32", size, None, None
    )
    assert torch.equal(logits(tmp_path / "out"), logits(best))
    text = 'Once upon a time "three" mice – 12 of them'
    assert AutoTokenizer.from_pretrained(tmp_path / "out")(text) == AutoTokenizer.from_pretrained(best)(text)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert not {name for name in names if "trainer" in name or "checksum" in name}
    wanted = {"config.json", "model.safetensors", "tokenizer.json", "generation_config.json", "README.md"}
    assert wanted <= names
    words, last, total = said[-1]
    assert words == "writing the weights" and last == total > 0


@pytest.mark.parametrize(
    ("which", "step"), [("best", 10), ("last", 20), ("step-15", 15), (None, 10)], ids=str
)
def test_which_checkpoint(tmp_path: Path, which: str | None, step: int) -> None:
    checkpoint("mine", 10, "best")
    checkpoint("mine", 15)
    checkpoint("mine", 20, "last")
    done = export_model("mine", tmp_path / "out", checkpoint=which, dtype="bf16")
    assert (done.checkpoint, done.dtype) == (f"step-{step}", "bf16")
    source = load_file(paths.runs_folder() / "mine" / "checkpoints" / f"step-{step}" / "model.safetensors")
    found = load_file(tmp_path / "out" / "model.safetensors")
    assert all(torch.equal(found[name], source[name].bfloat16()) for name in source)


def test_shards_of_a_size_are_opened_by_transformers_and_by_us(tmp_path: Path) -> None:
    best = checkpoint("mine", 10, "best")
    out = tmp_path / "out"
    limit = 20_000
    done = export_model("mine", out, dtype="fp16", shard_bytes=limit)
    shards = sorted(out.glob("model-*-of-*.safetensors"))
    assert len(shards) > 1 and not (out / "model.safetensors").exists()
    source = load_file(best / "model.safetensors")
    largest = max(tensor.numel() * 2 for tensor in source.values())
    assert all(path.stat().st_size < max(limit, largest) + 4096 for path in shards)
    assert done.bytes == sum(path.stat().st_size for path in out.iterdir())

    found = {name: tensor for path in shards for name, tensor in load_file(path).items()}
    assert found.keys() == source.keys()
    assert all(torch.equal(found[name], source[name].half()) for name in source)
    ours = load_model(out, device=torch.device("cpu"), dtype=torch.float32)
    read = weights_of(ours)
    assert all(torch.equal(read[name], source[name].half().float()) for name in read)
    assert torch.allclose(ours.model.eval()(IDS), logits(out), atol=1e-5)
    assert size_in(out).parameters == sum(tensor.numel() for tensor in source.values())


def test_what_is_not_there_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no run called"):
        export_model("mine", tmp_path / "out")
    write_plan(TrainingPlan(collections=("grimm",)), paths.runs_folder() / "mine" / "plan.toml")
    with pytest.raises(ModelError, match="no checkpoint yet"):
        export_model("mine", tmp_path / "out")
    checkpoint("mine", 10, "last")
    for bad in ("step-11", "best", "../checkpoints/last"):
        with pytest.raises(ModelError, match=r"no checkpoint .*step-10"):
            export_model("mine", tmp_path / "out", checkpoint=bad)
    assert not list(tmp_path.glob("out*"))


def test_nothing_is_written_over(tmp_path: Path) -> None:
    checkpoint("mine", 10, "last")
    (tmp_path / "out").mkdir()
    (tmp_path / "letter.gguf").write_text("mine")
    with pytest.raises(ModelError, match="exists already"):
        export_model("mine", tmp_path / "out")
    with pytest.raises(ModelError, match="exists already"):
        export_model("mine", tmp_path / "letter.gguf", format="gguf")
    with pytest.raises(ModelError, match=r"ends in \.gguf"):
        export_model("mine", tmp_path / "other", format="gguf")
    with pytest.raises(
        ModelError, match=r"new\.gguf is the name of a GGUF file, but safetensors is a folder"
    ):
        export_model("mine", tmp_path / "new.gguf", format="safetensors")
    assert not (tmp_path / "new.gguf").exists()
    assert (tmp_path / "letter.gguf").read_text() == "mine" and not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize(("format", "name"), [("safetensors", "out"), ("gguf", "out.gguf")])
def test_a_full_disk_is_seen_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: str, name: str
) -> None:
    if format == "gguf":
        pytest.importorskip("gguf")
    checkpoint("mine", 10, "last")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=50_000_001))
    with pytest.raises(ModelError, match="make room"):
        export_model("mine", tmp_path / "place" / name, format=format)
    assert not (tmp_path / "place").exists()


@pytest.mark.parametrize(("format", "name"), [("safetensors", "out"), ("gguf", "out.gguf")])
def test_an_export_that_breaks_leaves_nothing(tmp_path: Path, format: str, name: str) -> None:
    if format == "gguf":
        pytest.importorskip("gguf")
    folder = checkpoint("mine", 10, "last")
    tensors = load_file(folder / "model.safetensors")
    tensors["transformer.wte.weight"][0, 0] = 1e6  # too large for fp16, found on the way
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    (tmp_path / "place").mkdir()
    with pytest.raises(ModelError, match="too large"):
        export_model("mine", tmp_path / "place" / name, format=format, dtype="fp16")
    assert not list((tmp_path / "place").iterdir())


def test_a_checkpoint_without_its_tokenizer_is_not_exported(tmp_path: Path) -> None:
    (checkpoint("mine", 10, "last") / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match="no tokenizer"):
        export_model("mine", tmp_path / "out")
    assert not list(tmp_path.glob("*out*"))


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    checkpoint("mine", 10, "last")
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match=r"[Ee]xporting the run mine"):
        export_model("mine", tmp_path / "file" / "out")


def test_gguf_is_one_file(tmp_path: Path) -> None:
    gguf = pytest.importorskip("gguf")
    checkpoint("mine", 10, "last")
    done = export_model("mine", tmp_path / "mine.gguf", format="gguf", dtype="fp16")
    assert done.path == (tmp_path / "mine.gguf").resolve() and done.dtype == "fp16"
    reader = gguf.GGUFReader(tmp_path / "mine.gguf")
    assert reader.fields["general.name"].contents() == "mine step-10"
    assert done.bytes == (tmp_path / "mine.gguf").stat().st_size


def test_an_adapter_is_merged_into_the_base_that_it_names(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    base = make_gpt2(tmp_path / "base")
    taught = adapter("lora", 5, str(base))
    done = export_model("lora", tmp_path / "out")
    assert (done.checkpoint, done.base) == ("step-5", str(base))
    name = "transformer.h.1.mlp.c_fc.weight"
    before, after = load_file(base / "model.safetensors"), load_file(tmp_path / "out" / "model.safetensors")
    a, b = taught.values()
    assert torch.equal(after.pop(name), before.pop(name) + (b @ a).T * 2)
    assert all(torch.equal(after[each], before[each]) for each in before)
    logits(tmp_path / "out")
    AutoTokenizer.from_pretrained(tmp_path / "out")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert "generation_config.json" in names
    assert not {"README.md", "adapter_config.json", "adapter_model.safetensors"} & names

    if pytest.importorskip("gguf"):
        export_model("lora", tmp_path / "lora.gguf", format="gguf")


def test_an_adapter_of_a_run_or_of_a_base_that_is_gone(tmp_path: Path) -> None:
    checkpoint("mine", 10, "best", "last")
    adapter("lora", 5, "mine")
    assert export_model("lora", tmp_path / "out").base == "mine"
    adapter("lost", 5, str(tmp_path / "nowhere" / "at" / "all"))
    with pytest.raises(ModelError, match="does not exist"):
        export_model("lost", tmp_path / "out-2")
    assert not (tmp_path / "out-2").exists()


# -- the Hub -----------------------------------------------------------------------------------------------


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with LoopbackUpload() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


@pytest.mark.parametrize("private", [False, True])
def test_a_push_puts_every_file_into_a_repository(
    hub: LoopbackUpload, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, private: bool
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    checkpoint("mine", 10, "last")
    done = export_model("mine", tmp_path / "out", push="ada/tales", private=private)
    assert done.address == f"{hub.url}/ada/tales"
    repo = hub.repos["ada/tales"]
    assert repo.private == private and repo.messages == ["mine, step-10"]
    assert repo.files == {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert hub.stored  # the weights went the way of large files

    export_model("mine", tmp_path / "again", push="ada/tales")  # a repository that is there is used
    if pytest.importorskip("gguf"):
        export_model("mine", tmp_path / "m.gguf", format="gguf", push="ada/tales")
        assert repo.files["m.gguf"] == (tmp_path / "m.gguf").read_bytes()


def test_a_push_that_is_refused_says_what_to_do_before_anything_is_written(
    hub: LoopbackUpload, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint("mine", 10, "last")

    def refused(words: str, push: str = "ada/tales") -> None:
        with pytest.raises(ModelError, match=words) as caught:
            export_model("mine", tmp_path / "out", push=push)
        assert "\n" not in str(caught.value) and not (tmp_path / "out").exists()

    refused("`hf auth login`, or set HF_TOKEN")  # nobody is signed in
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    refused("does not accept your sign-in .* HF_TOKEN")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    refused("may not write to grace/tales: push to a repository of your own", "grace/tales")
    for bad in ("tales", "ada/ta/les", "ada/..", "ada/ tales"):
        refused("is not a repository on the Hub", bad)
    for fault, words in (
        ("broken", "error 500"),
        ("busy", "limits requests"),
        ("no-json", "check HF_ENDPOINT"),
        ("endless", "check HF_ENDPOINT"),
    ):
        hub.fault = fault
        refused(words)
    hub.fault = "silent"
    monkeypatch.setattr(upload, "_TIMEOUT", 0.3)
    refused("does not answer")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    refused("cannot be reached")


def test_an_upload_that_breaks_keeps_the_export(
    hub: LoopbackUpload, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub.fault = "commit-refused"
    checkpoint("mine", 10, "last")
    with pytest.raises(
        ModelError, match=r"may not write .* the export is complete in .* `hf upload ada/tales"
    ):
        export_model("mine", tmp_path / "out", push="ada/tales")
    logits(tmp_path / "out")
    assert not hub.repos["ada/tales"].files


# -- a base ------------------------------------------------------------------------------------------------


def test_a_base_is_exported_like_a_run(starter: Path, tmp_path: Path) -> None:
    done = export_model("starter", tmp_path / "out", dtype="bf16")
    assert (done.run, done.checkpoint, done.base, done.dtype) == ("starter", None, None, "bf16")
    assert load_file(tmp_path / "out" / "model.safetensors").keys() >= {"transformer.h.0.attn.c_attn.weight"}
    assert load_model(tmp_path / "out", device=torch.device("cpu"), dtype=torch.float32)
    assert "SHA256SUMS" not in {path.name for path in (tmp_path / "out").iterdir()}


def test_a_folder_is_exported_and_a_base_s_name_is_the_base_s(starter: Path, tmp_path: Path) -> None:
    folder = make_gpt2(tmp_path / "made elsewhere")
    assert export_model(str(folder), tmp_path / "copy").checkpoint is None
    checkpoint("starter", 10, "best")  # a run of an earlier day that is called so
    assert export_model("starter", tmp_path / "base").checkpoint is None
    for name, which in (("starter/best", None), ("starter/step-10", None), ("starter", "best")):
        done = export_model(name, tmp_path / f"run {name.count('/')} {which} {name[-2:]}", checkpoint=which)
        assert (done.run, done.checkpoint) == ("starter", "step-10")


@pytest.mark.parametrize(
    ("name", "which", "said"),
    [
        ("scratch-tiny", None, "has no weights to export yet"),
        ("no-such-thing", None, "There is no run called 'no-such-thing'"),
        ("starter", "best", "There is no run called 'starter'"),
        ("~nosuchuser", None, "There is no run called"),
    ],
)
def test_what_has_nothing_to_export_is_said(
    starter: Path, tmp_path: Path, name: str, which: str | None, said: str
) -> None:
    with pytest.raises((ModelError, RunError), match=said):
        export_model(name, tmp_path / "out", checkpoint=which)
    assert not (tmp_path / "out").exists()
