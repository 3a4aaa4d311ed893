"""The doctor: each usual trouble is found, by fakes of it, and what to do about it is said in a sentence."""

import json
import re
import socket
import ssl
import sys
import urllib.error
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from storytime_tui.cli import main
from storytime_tui.commands import doctor
from storytime_tui.jobs.checkup import network, room
from storytime_tui.jobs.checkup.finding import Finding
from storytime_tui.jobs.checkup.gpu import System, Torch, gpu_findings, read_system, read_torch
from storytime_tui.jobs.checkup.installation import settings_findings, versions
from storytime_tui.jobs.checkup.room import Memory, folder_finding, memory_finding, once, read_memory
from storytime_tui.jobs.checkup.terminal import ask_tmux, terminal_findings
from storytime_tui.settings import load_settings

DRIVER = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  470.256.02  Thu May  2 14:37:44 UTC 2024\n"
CPU_BUILD, CUDA_13 = Torch(), Torch(cuda="13.0")
A_GPU = System(nvidia=True, name="NVIDIA GeForce RTX 3060", driver="580.65.06")


def says_what_to_do(finding: Finding, pattern: str) -> None:
    assert re.search(pattern, finding.advice), finding
    assert re.match(r"[A-Z`H].*\.$", finding.advice), f"no sentence: {finding.advice}"


# -- the GPU --------------------------------------------------------------------------------------------


def machine_with_a_card(root: Path, maker: str = "0x10de", driver: str = "") -> Path:
    card = root / "sys/bus/pci/devices/0000:01:00.0"
    card.mkdir(parents=True)
    (card / "class").write_text("0x030000\n")
    (card / "vendor").write_text(f"{maker}\n")
    if driver:
        gpu = root / "proc/driver/nvidia/gpus/0000:01:00.0"
        gpu.mkdir(parents=True)
        (gpu / "information").write_text("Model: \t\t NVIDIA GeForce GTX 1080\nIRQ: 1\n")
        (root / "proc/driver/nvidia/version").write_text(driver)
    return root


def test_the_card_and_its_driver_are_read_from_the_machines_files(tmp_path: Path) -> None:
    assert not read_system(tmp_path / "nothing").nvidia
    system = read_system(machine_with_a_card(tmp_path, driver=DRIVER))
    assert (system.nvidia, system.name, system.driver) == (True, "NVIDIA GeForce GTX 1080", "470.256.02")
    assert not read_system(machine_with_a_card(tmp_path / "intel", "0x8086")).nvidia


@pytest.mark.parametrize(
    ("system", "torch", "hidden", "advice"),
    [
        (
            A_GPU,
            CPU_BUILD,
            None,
            "This torch is built without CUDA: install the build with CUDA, https://pytorch",
        ),
        (A_GPU, CUDA_13, "", "`unset CUDA_VISIBLE_DEVICES`"),
        (
            System(nvidia=True, driver="470.256.02"),
            CUDA_13,
            None,
            "470.256.02 is too old for CUDA 13.0: install 580",
        ),
        (System(nvidia=True), CUDA_13, None, "driver is not loaded: install NVIDIA's driver"),
        (A_GPU, CUDA_13, None, "docker run --gpus all"),
        (System(amd=True), CPU_BUILD, None, "torch's build for ROCm"),
        (System(amd=True), Torch(rocm="6.4"), None, "Update ROCm"),
        (System(arm_mac=True), CPU_BUILD, None, "Update macOS"),
    ],
)
def test_a_gpu_that_torch_does_not_see_is_found_with_the_reason(
    system: System, torch: Torch, hidden: str | None, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if hidden is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    (finding,) = gpu_findings(system, torch)
    assert "which torch does not see" in finding.found and finding.well  # the processor trains instead
    says_what_to_do(finding, re.escape(advice))


def test_a_gpu_that_torch_uses_needs_nothing_and_one_too_old_for_it_is_no_use() -> None:
    new = Torch(cuda="13.0", devices=(("H200, 140 GB", (9, 0)),), kernels=("sm_75", "sm_90"))
    assert list(gpu_findings(A_GPU, new)) == [Finding("cuda:0", "H200, 140 GB")]
    old = Torch(cuda="13.0", devices=(("GTX 1080, 8 GB", (6, 1)),), kernels=("sm_75", "sm_90", "compute_120"))
    (finding,) = gpu_findings(A_GPU, old)
    assert not finding.well and "too old for this torch" in finding.found
    says_what_to_do(finding, 'Put device = "cpu" into the settings')
    (none,) = gpu_findings(System(), CPU_BUILD)
    assert none.well and not none.advice
    (apple,) = gpu_findings(System(arm_mac=True), Torch(mps=True))
    assert apple.what == "mps" and not apple.advice


def test_torch_is_asked_for_its_build_and_its_gpus() -> None:
    card = SimpleNamespace(name="H200", total_memory=140e9, major=9, minor=0)
    cuda = SimpleNamespace(
        is_available=lambda: True, device_count=lambda: 1, get_device_properties=lambda number: card,
        get_arch_list=lambda: ["sm_90"],
    )  # fmt: skip
    mps = SimpleNamespace(is_available=lambda: False)
    fake = SimpleNamespace(
        cuda=cuda, version=SimpleNamespace(cuda="13.0", hip=None), backends=SimpleNamespace(mps=mps)
    )
    assert read_torch(fake) == Torch("13.0", "", (("H200, 140.0 GB", (9, 0)),), ("sm_90",), False)


# -- memory and disk ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("memory", "well", "advice"),
    [
        (Memory(int(3e8), int(4e9)), False, "Close other programs: telling needs 500 MB"),
        (Memory(int(2e9), int(4e9)), True, "train scratch-tiny"),
        (Memory(int(30e9), int(32e9), limit=int(1e9), used=int(8e8)), False, "Close other programs"),
    ],
)
def test_too_little_memory_is_found_also_in_a_container(memory: Memory, well: bool, advice: str) -> None:
    finding = memory_finding(memory)
    assert finding.well == well
    says_what_to_do(finding, advice)
    assert not memory_finding(Memory(int(9e9), int(16e9))).advice
    assert not memory_finding(Memory(int(9e9), int(16e9), limit=int(1e20))).advice  # no limit at all


def test_a_containers_limit_is_read_from_its_files(tmp_path: Path) -> None:
    group = tmp_path / "sys/fs/cgroup"
    group.mkdir(parents=True)
    (group / "memory.max").write_text("1000000000\n")
    (group / "memory.current").write_text("400000000\n")
    assert (read_memory(tmp_path).limit, read_memory(tmp_path).used) == (1000000000, 400000000)
    (group / "memory.max").write_text("max\n")
    assert read_memory(tmp_path).limit is None


def test_too_little_disk_is_found_and_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for free, well in ((1e8, False), (1e9, True)):
        monkeypatch.setattr(room.shutil, "disk_usage", lambda path, free=free: SimpleNamespace(free=free))
        finding = folder_finding("cache", tmp_path / "not" / "yet")
        assert finding.well == well
        says_what_to_do(finding, "Make room: `storytime-tui disk`")
        both = [found.advice for found in once(iter([finding, finding]))]
        assert both == ([finding.advice] * 2 if not well else [finding.advice, ""])
    monkeypatch.setattr(room.os, "access", lambda path, mode: False)
    says_what_to_do(folder_finding("cache", tmp_path), "Give yourself permission, or set STORYTIME_HOME")


# -- the network ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "environment", "advice"),
    [
        (urllib.error.URLError(socket.gaierror(-2, "Name not known")), {}, "no name is found"),
        (urllib.error.URLError(ConnectionRefusedError()), {}, "Check the network connection. Behind a proxy"),
        (
            TimeoutError(),
            {"https_proxy": "http://me:secret@proxy.example:8080"},
            "Check the proxy proxy.example:8080",
        ),
        (urllib.error.URLError(ssl.SSLCertVerificationError("self-signed")), {}, "set SSL_CERT_FILE"),
        (
            ConnectionRefusedError(),
            {"HF_ENDPOINT": "http://127.0.0.1:9"},
            "address in HF_ENDPOINT, or unset it",
        ),
        (ValueError("unknown url type"), {"HF_ENDPOINT": "hub"}, "HF_ENDPOINT is not an address"),
    ],
)
def test_a_hub_that_is_not_reached_is_no_failure_and_the_cause_decides_what_to_do(
    error: Exception, environment: dict[str, str], advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise error

    for name in (
        "https_proxy",
        "HTTPS_PROXY",
        "http_proxy",
        "HTTP_PROXY",
        "all_proxy",
        "ALL_PROXY",
        "no_proxy",
        "NO_PROXY",
    ):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(network.urllib.request, "urlopen", fails)
    finding = network.hub_finding(environment)
    assert finding.well and "not reached" in finding.found and "still work" in finding.found
    says_what_to_do(finding, re.escape(advice))
    assert "secret" not in str(finding)


def test_a_hub_that_answers_needs_nothing_and_one_switched_off_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def answers(code: int) -> Any:
        def answer(url: str, timeout: float) -> None:
            raise urllib.error.HTTPError(url, code, "", {}, None)  # type: ignore[arg-type]

        return answer

    monkeypatch.setattr(network.urllib.request, "urlopen", answers(503))
    assert network.hub_finding({}) == Finding(
        "hugging face hub", "answers at https://huggingface.co (with 503)"
    )
    monkeypatch.setattr(network.urllib.request, "urlopen", answers(407))
    assert network.hub_finding({}).advice  # the proxy wants a name
    says_what_to_do(network.hub_finding({"HF_HUB_OFFLINE": "1"}), "`unset HF_HUB_OFFLINE`")


@pytest.mark.parametrize("variable", ["HF_ENDPOINT", "STORYTIME_GUTENBERG", "STORYTIME_GUTENDEX"])
def test_a_mirror_over_http_is_found_with_what_to_do(variable: str) -> None:
    def found(address: str) -> list[Finding]:
        return list(network.plain_http_findings({variable: address}))

    (finding,) = found("http://me:secret@mirror.example:8080/books")
    assert finding.well and f"{variable} is http://mirror.example:8080:" in finding.found
    assert "secret" not in str(finding)
    says_what_to_do(finding, f"Give {variable} an address that begins with https://, or unset it")
    for fine in ("https://mirror.example", "http://127.0.0.1:8080", "http://localhost", "http://[", ""):
        assert found(fine) == []


# -- the terminal ---------------------------------------------------------------------------------------

TMUX_IS_ASKED = ("#{version}", "#{client_termfeatures}", "#{set-clipboard}", "#{escape-time}")
GOOD = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "en_GB.UTF-8"}


def in_terminal(
    size: tuple[int, int] | None = (80, 24), tmux: str = "", **changed: str
) -> dict[str, Finding]:
    environment = {name: value for name, value in {**GOOD, **changed}.items() if value != "unset"}
    answers = dict(
        zip(
            ("#{version}", "#{client_termfeatures}", "#{set-clipboard}", "#{escape-time}"),
            tmux.split(" "),
            strict=False,
        )
    )
    return {
        each.what: each for each in terminal_findings(environment, size, lambda ask: answers.get(ask, ""))
    }


def test_a_usual_terminal_needs_nothing() -> None:
    assert not [found for found in in_terminal().values() if found.advice or not found.well]
    assert not [
        found for found in in_terminal(TMUX="x", tmux="3.4 256,RGB external 10").values() if found.advice
    ]
    assert list(in_terminal(size=None)) == ["terminal"]


@pytest.mark.parametrize(
    ("what", "well", "found", "advice"),
    [
        ("terminal", False, in_terminal(TERM="dumb"), "Open another terminal"),
        ("terminal", True, in_terminal(TERM="unset"), "`export TERM=xterm-256color`"),
        ("terminal", True, in_terminal(TERM="vt220", COLORTERM=""), "A window on a desktop shows more"),
        ("terminal", True, in_terminal(TERM="linux", COLORTERM=""), "A window on a desktop shows more"),
        ("colours", True, in_terminal(NO_COLOR="1"), "`unset NO_COLOR`"),
        ("colours", True, in_terminal(TERM="xterm", COLORTERM=""), "Nearly every terminal has 256"),
        ("colours", True, in_terminal(TERM="screen", COLORTERM="", STY="1.x"), "`term screen-256color` in ~/.screenrc"),
        ("colours", True, in_terminal(TERM="screen", COLORTERM="", TMUX="x"), "default-terminal"),
        ("letters", True, in_terminal(LANG="C"), r"`export LANG=C\.UTF-8`"),
        ("letters", True, in_terminal(LANG="unset"), r"`export LANG=C\.UTF-8`"),
        ("letters", True, in_terminal(LC_ALL="de_DE.ISO-8859-1"), r"`export LANG=C\.UTF-8`"),
        ("size", True, in_terminal(size=(59, 40)), "60×20 shows everything"),
        ("size", True, in_terminal(size=(80, 19)), "60×20 shows everything"),
        ("tmux colours", True, in_terminal(TMUX="x", tmux="3.4 256,clipboard external 10"), r'",\*:RGB"'),
        ("tmux copying", True, in_terminal(TMUX="x", tmux="3.4 256,RGB off 10"), "`set -s set-clipboard on`"),
        ("tmux escape key", True, in_terminal(TMUX="x", tmux="3.4 256,RGB on 500"), "`set -s escape-time 10`"),
        ("tmux", True, in_terminal(TMUX="x", tmux="3.0a"), "Update tmux: from 3.2 on"),
    ],
)  # fmt: skip
def test_each_trouble_of_a_terminal_is_found_with_what_to_do(
    what: str, well: bool, found: dict[str, Finding], advice: str
) -> None:
    assert found[what].well == well
    says_what_to_do(found[what], advice)


def test_a_locale_that_python_itself_has_set_says_nothing_about_the_terminal() -> None:
    assert in_terminal(LANG="unset", LC_CTYPE="C.UTF-8")["letters"].advice
    assert not in_terminal(LANG="C", LC_ALL="C.UTF-8")["letters"].advice
    assert not in_terminal(LANG="de_DE.UTF-8", LC_CTYPE="C.UTF-8")["letters"].advice


def test_a_tmux_that_does_not_answer_is_no_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ask_tmux("#{version}") == ""
    command = tmp_path / "tmux"
    command.write_text('#!/bin/sh\necho "$3"\n')
    command.chmod(0o755)
    assert ask_tmux("#{version}") == "#{version}"
    assert not in_terminal(TMUX="x")["tmux"].advice


# -- the program and the command ------------------------------------------------------------------------


def test_a_broken_settings_file_and_a_missing_package_are_found(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir(exist_ok=True)
    assert [each.found for each in settings_findings(())] == ["none: the defaults apply"]
    (home / "settings.toml").write_text("temperature = [")
    (finding,) = settings_findings(load_settings().troubles)
    assert not finding.well and "not valid TOML" in finding.found
    says_what_to_do(
        finding, rf"^Correct {re.escape(str(home))}\S+; until then all settings have their defaults"
    )
    (home / "settings.toml").write_text('device = "cpu"\ntheme = "storytime\n')
    (finding,) = settings_findings(load_settings().troubles)
    says_what_to_do(finding, f"^Correct line 2 of {re.escape(str(home))}")
    (finding,) = settings_findings(["the device is wrong"])
    says_what_to_do(finding, f"delete this line in {re.escape(str(home))}")
    monkeypatch.setattr("storytime_tui.jobs.checkup.installation.PACKAGES", ("no-such-package",))
    says_what_to_do(list(versions())[-1], "Install storytime-tui again")


def test_each_mistake_of_the_settings_file_is_found_also_a_theme_and_a_key(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    home.mkdir(exist_ok=True)
    (home / "settings.toml").write_text(
        'theme = "storytime-papre"\ntemperature = 7\n[keys]\nlibrary.trian = "x"\nlibrary.undo = "u"\n'
    )
    assert main(["doctor", "--json"]) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    wrong = [each for each in lines if each["what"] == "settings file"]
    for each, says in zip(
        wrong,
        (
            "temperature is 7, but must be",
            "the theme 'storytime-papre' does not exist; 'storytime' is used. Did you mean 'storytime-paper'?",
            "under [keys]: 'library.trian' is the name of no key. Did you mean 'library.train'?",
        ),
        strict=True,
    ):
        assert says in each["found"] and not each["well"] and str(home / "settings.toml") in each["advice"]


def test_a_thousand_mistakes_of_the_settings_file_are_few_findings(home: Path) -> None:
    findings = list(settings_findings([f"mistake {number}" for number in range(1000)]))
    assert len(findings) == 21 and findings[-1].found == "980 more entries cannot be used"
    says_what_to_do(findings[-1], "Correct or delete them in")


def test_the_doctor_prints_what_to_do_below_what_it_found_and_counts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = Finding("memory", "100 MB free", well=False, advice="Close other programs.")
    better = Finding("colours", "16", advice="Set TERM.")
    monkeypatch.setattr(doctor, "_findings", lambda: iter([Finding("python", "3.13"), bad, better]))
    assert main(["doctor"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "  python            3.13",
        "! memory            100 MB free",
        "                    Close other programs.",
        "* colours           16",
        "                    Set TERM.",
        "",
        "1 trouble (!), 1 thing that could be better (*): below each stands what to do.",
    ]
    assert main(["doctor", "--json"]) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["advice"] for line in lines] == ["", "Close other programs.", "Set TERM."]
    monkeypatch.setattr(doctor, "_findings", lambda: iter([better]))
    assert main(["doctor"]) == 0
    monkeypatch.setattr(doctor, "_findings", lambda: iter([Finding("python", "3.13")]))
    assert main(["doctor"]) == 0 and "All is well." in capsys.readouterr().out


def test_a_torch_that_cannot_be_loaded_is_a_trouble(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert main(["doctor", "--json"]) == 1
    found = {line["what"]: line for line in map(json.loads, capsys.readouterr().out.splitlines())}
    assert not found["devices"]["well"] and "Install torch again" in found["devices"]["advice"]
