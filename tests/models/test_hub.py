import errno
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import huggingface_hub
import pytest
import torch

from storytime_tui.errors import ModelError
from storytime_tui.models import download, folder, hub_client
from storytime_tui.models import hub as hub_module
from storytime_tui.models.hub import FetchStopped, fetch
from storytime_tui.models.loading import load_model
from storytime_tui.models.tokenizer import load_tokenizer
from tests import loopback_hub
from tests.loopback_hub import LoopbackHub

TALE = "owner/tale"
AS_IT_COMES = httpx.Response.iter_raw


@pytest.fixture(name="hub")
def quick_hub(hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> LoopbackHub:
    """A Hub of one model, whose answers come in small pieces, and which is tried again at once."""
    monkeypatch.setattr(httpx.Response, "iter_raw", lambda response: AS_IT_COMES(response, 1000))
    monkeypatch.setattr(download, "_PAUSE", 0.0)
    return hub


def refusal(repo_id: str) -> str:
    """What `fetch` says instead of fetching: one line, with the model's name."""
    with pytest.raises(ModelError) as caught:
        fetch(repo_id)
    said = str(caught.value)
    assert "\n" not in said
    assert repo_id in said
    return said


def weights_sent(served: LoopbackHub) -> int:
    return sum(name.endswith(".safetensors") for name in served.downloads())


# -- fetched whole ------------------------------------------------------------------------------------------


def test_a_model_is_fetched_whole_and_only_what_is_needed(hub: LoopbackHub) -> None:
    served = hub.models / "owner" / "tale"
    for name in ("pytorch_model.bin", "tf_model.h5", "README.md", "model.onnx"):
        (served / name).write_bytes(b"not needed")
    found = fetch(TALE)
    folder.check_folder(found)
    assert {path.name for path in found.iterdir()} == {
        *("config.json", "generation_config.json", "model.safetensors"),
        *("tokenizer.json", "tokenizer_config.json"),
    }
    for path in found.iterdir():
        assert path.read_bytes() == (served / path.name).read_bytes()
    assert hub.downloads()[0] == "config.json"
    assert hub.downloads()[-1] == "model.safetensors"


def test_what_was_fetched_opens(hub: LoopbackHub) -> None:
    found = fetch(TALE)
    load_model(found, device=torch.device("cpu"), dtype=torch.float32)
    assert load_tokenizer(found).decode(load_tokenizer(found).encode("a frog")) == "a frog"


def test_gpt2s_own_form_is_fetched_under_a_plain_name(hub: LoopbackHub, shared: Path) -> None:
    loopback_hub.make_gpt2(hub.models / "distilgpt2", shared / "gpt2_tokenizer")
    found = fetch("distilgpt2")
    assert load_tokenizer(found).encode("Hello world") == [15496, 995]
    load_model(found, device=torch.device("cpu"), dtype=torch.float32)


def test_progress_counts_every_byte(hub: LoopbackHub) -> None:
    seen: list[tuple[str, int, int]] = []
    found = fetch(TALE, lambda *said: seen.append(said))
    total = sum(path.stat().st_size for path in found.iterdir())
    assert {(what, of) for what, _, of in seen} == {(f"fetching {TALE}", total)}
    counts = [done for _, done, _ in seen]
    assert counts == sorted(counts)
    assert counts[0] == 0
    assert counts[-1] == total
    assert len(set(counts)) > 20  # the weights in pieces


def test_progress_is_said_in_the_calling_thread(hub: LoopbackHub) -> None:
    threads: set[int] = set()
    fetch(TALE, lambda *_: threads.add(threading.get_ident()))
    assert threads == {threading.get_ident()}


def test_shards_are_fetched_by_their_index(hub: LoopbackHub) -> None:
    shards = loopback_hub.shard(hub.models / "owner" / "tale")
    (hub.models / "owner" / "tale" / "model-00003-of-00003.safetensors").write_bytes(b"of no index")
    found = fetch(TALE)
    assert list(folder.weight_names(found)) == shards
    assert "model-00003-of-00003.safetensors" not in hub.downloads()
    load_model(found, device=torch.device("cpu"), dtype=torch.float32)


def test_a_moved_model_is_followed(hub: LoopbackHub) -> None:
    hub.moved["old-tale"] = TALE
    folder.check_folder(fetch("old-tale"))


def test_the_hubs_own_library_finds_what_was_fetched(hub: LoopbackHub) -> None:
    found = fetch(TALE)
    path = huggingface_hub.hf_hub_download(
        TALE, "model.safetensors", cache_dir=download.cache_folder(), local_files_only=True
    )
    assert Path(path) == found / "model.safetensors"


# -- the cache ----------------------------------------------------------------------------------------------


def test_a_whole_model_in_the_cache_asks_nobody(hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    found = fetch(TALE)
    hub.requests.clear()
    assert fetch(TALE) == found
    assert hub.requests == []
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nobody there
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert fetch(TALE) == found


def test_a_model_in_part_goes_on_with_what_is_missing(hub: LoopbackHub) -> None:
    hub.faults[TALE] = "half-sent"
    refusal(TALE)
    hub.faults.clear()
    hub.requests.clear()
    fetch(TALE)
    assert hub.downloads() == ["model.safetensors"]


def test_a_cache_that_lost_a_file_is_mended(hub: LoopbackHub) -> None:
    found = fetch(TALE)
    (found / "model.safetensors").resolve().unlink()
    folder.check_folder(fetch(TALE))


@pytest.mark.parametrize("name", ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"])
def test_the_cache_is_where_the_environment_says(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_HOME")
    monkeypatch.setenv(name, str(tmp_path / "there"))
    code = "import huggingface_hub.constants as c; print(c.HF_HUB_CACHE)"
    theirs = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert str(download.cache_folder()) == theirs.strip()


def test_offline_and_not_here_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    said = refusal("distilgpt2")
    assert "HF_HUB_OFFLINE" in said
    assert "scratch-tiny and scratch-small" in said


# -- what goes wrong ----------------------------------------------------------------------------------------


def test_no_network_says_which_bases_work_without(monkeypatch: pytest.MonkeyPatch, hub: LoopbackHub) -> None:
    with LoopbackHub(hub.models) as gone:
        monkeypatch.setenv("HF_ENDPOINT", gone.url)
    said = refusal("distilgpt2")
    assert "cannot be reached" in said
    assert "nor do the untrained scratch-tiny and scratch-small" in said


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("half-sent", r"broke while model\.safetensors .*try again; the completed files are kept"),
        ("starts-again", r"connection broke while model\.safetensors .*try again"),
        ("short", r"connection broke while model\.safetensors .*try again"),
        ("gated", r"is gated: accept its terms on http.*/owner/tale, .*`hf auth login` \(or set HF_TOKEN\)"),
        ("private", r"no model owner/tale on the Hub, or it is private: .*`hf auth login`.*HF_TOKEN"),
        ("forbidden", r"Your login may not read.*terms.*`hf auth login`"),
        ("bad-token", r"does not accept your login.*HF_TOKEN"),
        ("broken", r"error 500.*try again later"),
        ("no-json", r"does not answer like the Hub .*: check HF_ENDPOINT"),
        ("huge", r"needs 1,050,000\.0 GB of disk space in .*, but only [\d,.]+ .B is free: make room"),
    ],
)
def test_a_fault_is_one_clear_line(fault: str, said: str, hub: LoopbackHub) -> None:
    hub.faults[TALE] = fault
    line = refusal(TALE)
    assert re.search(said, line), line


def test_a_connection_that_breaks_once_goes_on_where_it_stopped(hub: LoopbackHub) -> None:
    hub.faults[TALE] = "half-sent-once"
    seen: list[int] = []
    found = fetch(TALE, lambda what, done, total: seen.append(done))
    assert (found / "model.safetensors").read_bytes() == (
        hub.models / "owner" / "tale" / "model.safetensors"
    ).read_bytes()
    assert weights_sent(hub) == 2
    assert seen == sorted(seen)


@pytest.mark.parametrize("fault", ["gated", "private"])
def test_a_token_opens_what_is_gated_or_private(
    fault: str, hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.faults[TALE] = fault
    refusal(TALE)
    monkeypatch.setenv("HF_TOKEN", loopback_hub.TOKEN)
    folder.check_folder(fetch(TALE))


def test_a_wrong_id_gives_the_nearest_names(hub: LoopbackHub) -> None:
    assert "Did you mean distilgpt2" in refusal("distil-gpt2")
    assert "Did you mean" not in refusal("owner/zzz")


@pytest.mark.parametrize("repo_id", ["", "a/b/c", "../x", "a b", "https://example.org/x", "a--b"])
def test_a_malformed_id_asks_nobody(repo_id: str, hub: LoopbackHub) -> None:
    assert "is not a model id" in refusal(repo_id)
    assert hub.requests == []


def test_remote_code_is_neither_fetched_nor_run(hub: LoopbackHub) -> None:
    served = hub.models / "owner" / "tale"
    loopback_hub.want_remote_code(served)
    assert "needs to run program code" in refusal(TALE)
    assert hub.downloads() == ["config.json"]
    assert not (served / "code-was-run").exists()


def test_an_unknown_kind_is_refused_before_its_weights(hub: LoopbackHub) -> None:
    config = hub.models / "owner" / "tale" / "config.json"
    config.write_text('{"model_type": "storyteller9000"}')
    assert "storyteller9000" in refusal(TALE)
    assert weights_sent(hub) == 0


def test_pickles_are_refused_before_anything_is_sent(hub: LoopbackHub) -> None:
    loopback_hub.keep_only_pickle(hub.models / "owner" / "tale")
    assert "pickle" in refusal(TALE)
    assert hub.downloads() == []


def test_a_repository_without_a_model_or_its_tokenizer_is_refused(hub: LoopbackHub) -> None:
    served = hub.models / "owner" / "tale"
    (served / "tokenizer.json").unlink()
    assert "no tokenizer" in refusal(TALE)
    (served / "config.json").unlink()
    assert "holds no model" in refusal(TALE)
    assert hub.downloads() == []


def test_a_full_disk_is_seen_before_the_download(hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        free = 1_000_000

    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage)
    assert "needs 50.1 MB of disk" in refusal(TALE)
    assert "1.0 MB is free" in refusal(TALE)
    assert hub.downloads() == []


def test_a_disk_that_fills_up_is_one_line(hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(download.Download, "_receive", full)
    assert "The disk is full" in refusal(TALE)


def test_a_silent_hub_is_left(hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "_ANSWER_TIMEOUT", 0.3)
    hub.faults[TALE] = "silent"
    assert "stopped answering" in refusal(TALE)


def test_a_download_can_be_stopped_while_the_hub_is_silent(hub: LoopbackHub) -> None:
    hub.faults[TALE] = "silent"
    with pytest.raises(FetchStopped, match=f"Fetching {TALE} was stopped"):
        fetch(TALE, None, lambda: any("/resolve/" in path for _, path in hub.requests))


def test_a_stopped_download_ends_its_thread(hub: LoopbackHub) -> None:
    seen: list[int] = []
    with pytest.raises(FetchStopped):
        fetch(TALE, lambda what, done, total: seen.append(done), lambda: len(seen) > 3)
    for thread in threading.enumerate():
        if thread.name == f"fetch {TALE}":
            thread.join(timeout=20)
            assert not thread.is_alive()
    folder.check_folder(fetch(TALE))


# -- a Hub out to do harm -----------------------------------------------------------------------------------


def all_files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def no_thread_is_left(repo_id: str) -> None:
    for thread in threading.enumerate():
        if thread.name == f"fetch {repo_id}":
            thread.join(timeout=20)
            assert not thread.is_alive()


@pytest.mark.parametrize("fault", ["endless", "endless-listing"])
def test_what_goes_on_after_the_size_that_was_named_is_left(fault: str, hub: LoopbackHub) -> None:
    hub.faults[TALE] = fault
    assert re.search(
        r"does not answer like the Hub .*(more bytes than it stated|far too long)", refusal(TALE)
    )
    no_thread_is_left(TALE)
    assert hub.dripped < 100_000_000
    kept = download.cache_folder()
    assert sum(path.stat().st_size for path in kept.rglob("*") if path.is_file()) < 1_000_000


@pytest.mark.parametrize("fault", ["dripping-listing", "informing"])
def test_a_head_without_end_is_left_and_its_connection_cut(
    fault: str, hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "_ANSWER_TIMEOUT", 0.5)
    hub.faults[TALE] = fault
    assert "stopped answering" in refusal(TALE)
    no_thread_is_left(TALE)


def test_weights_that_drip_are_left(hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(httpx.Response, "iter_raw", AS_IT_COMES)
    monkeypatch.setattr(hub_client, "_GRACE", 0.2)
    hub.faults[TALE] = "dripping"
    assert "connection broke while model.safetensors" in refusal(TALE)
    no_thread_is_left(TALE)


def test_a_drip_can_be_stopped_at_any_moment(hub: LoopbackHub) -> None:
    hub.faults[TALE] = "informing"
    with pytest.raises(FetchStopped):
        fetch(TALE, None, lambda: hub.dripped > 100)
    no_thread_is_left(TALE)


def test_bytes_of_another_content_are_not_kept(hub: LoopbackHub) -> None:
    hub.faults[TALE] = "other-bytes"
    assert re.search(r"download of model\.safetensors of owner/tale does not match", refusal(TALE))
    hub.faults.clear()
    load_model(fetch(TALE), device=torch.device("cpu"), dtype=torch.float32)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_file_that_changed_in_the_cache_is_fetched_again(name: str, hub: LoopbackHub) -> None:
    file = fetch(TALE) / name
    sound = file.read_bytes()
    file.resolve().write_bytes(sound[:-1] + b" ")
    hub.requests.clear()
    assert (fetch(TALE) / name).read_bytes() == sound
    assert hub.downloads() == [name]


def test_a_file_that_changed_in_the_cache_is_named_offline(
    hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = fetch(TALE) / "model.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1  # its head is as it was
    file.resolve().write_bytes(content)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert "model.safetensors has a wrong hash" in refusal(TALE)


@pytest.mark.parametrize("fault", ["evil-names", "evil-etag"])
def test_no_name_of_the_hubs_leads_out_of_the_cache(fault: str, hub: LoopbackHub, tmp_path: Path) -> None:
    hub.faults[TALE] = fault
    before = {path for path in all_files(tmp_path) if not path.startswith("hf-home")}
    if fault == "evil-names":
        assert "does not answer like the Hub" in refusal(TALE)
    else:
        folder.check_folder(fetch(TALE))  # the ETag is no hash, and no name either
    assert {path for path in all_files(tmp_path) if not path.startswith("hf-home")} <= before | {
        "storytime-home"
    }
    assert not Path("/out").exists()


def test_no_way_leads_to_a_file_of_this_machine_or_round_for_ever(hub: LoopbackHub) -> None:
    hub.faults[TALE] = "leads-astray"
    assert "a redirect to an address that is not allowed" in refusal(TALE)
    hub.faults[TALE] = "leads-in-circles"
    assert "an endless chain of redirects" in refusal(TALE)
    assert len(hub.requests) < 40


def test_the_token_goes_to_the_hub_alone(
    hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_TOKEN", loopback_hub.TOKEN)
    client = hub_client.HubClient(hub.url)
    client.token = hub_client.token()
    assert "Authorization" in client._request_headers(f"{hub.url}/owner/tale/resolve/main/config.json")
    for other in ("http://127.0.0.1:9/x", hub.url.replace("http:", "https:") + "/x", "http://other/x"):
        assert "Authorization" not in client._request_headers(other)


# -- as a program ------------------------------------------------------------------------------------------


def test_a_program_of_its_own_respects_the_environment_and_prints_nothing(
    hub: LoopbackHub, tmp_path: Path
) -> None:
    code = (
        "import sys; from storytime_tui.models.hub import fetch\n"
        "from storytime_tui.errors import ModelError\n"
        "try: found = str(fetch(sys.argv[1]))\n"
        "except ModelError as error: found = f'ModelError: {error}'\n"
        "assert not {'torch', 'transformers'} & set(sys.modules)\n"
        "open(sys.argv[2], 'w').write(found)\n"
    )
    environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "own")}
    environment.pop("HF_HUB_DISABLE_TELEMETRY", None)

    def run(repo_id: str) -> str:
        command = [sys.executable, "-c", code, repo_id, str(tmp_path / "found")]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
        assert done.returncode == 0, done.stderr
        assert done.stdout + done.stderr == ""
        return (tmp_path / "found").read_text()

    found = Path(run(TALE))
    folder.check_folder(found)
    assert found.is_relative_to(tmp_path / "own" / "hub")
    assert {path.split("/")[1] for _, path in hub.requests} == {"api", "owner"}
    assert not any("harness" in path for _, path in hub.requests)  # who uses it is nobody's business
    hub.faults["owner/gated"] = "gated"
    shutil.copytree(hub.models / TALE, hub.models / "owner" / "gated")
    assert run("owner/gated").startswith("ModelError: owner/gated is gated")
    assert run("owner/nothing").startswith("ModelError: There is no model owner/nothing")
