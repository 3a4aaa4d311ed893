"""One reader for the program's own small files: whatever lies in a file's place, it answers at once with a sentence."""

import os
import resource
import time
from pathlib import Path

import pytest

from storytime_tui import small_files
from storytime_tui.small_files import UnreadableFile


def test_what_is_written_is_read(tmp_path):
    (tmp_path / "a.toml").write_text('title = "Wölfe"\n', encoding="utf-8")
    (tmp_path / "a.json").write_text('{"title": ["Wölfe", 1]}', encoding="utf-8")
    assert small_files.read_toml(tmp_path / "a.toml") == {"title": "Wölfe"}
    assert small_files.read_json(tmp_path / "a.json") == {"title": ["Wölfe", 1]}


def test_a_missing_file_is_told_apart_from_a_broken_one(tmp_path):
    with pytest.raises(FileNotFoundError):
        small_files.read_bytes(tmp_path / "none")


def _place(kind: str, path: Path) -> None:
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "endless device":
        path.symlink_to("/dev/zero")
    elif kind == "endless file":
        path.symlink_to("/proc/self/pagemap")
    elif kind == "circle":
        path.symlink_to(path.name)
    elif kind == "large":
        path.write_bytes(b"#" * (small_files.LIMIT + 1))


KINDS = ["pipe", "folder", "endless device", "endless file", "circle", "large"]


@pytest.mark.skipif(not Path("/proc/self/pagemap").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_small_file_is_a_sentence_at_once(tmp_path, kind):
    path = tmp_path / "plan.toml"
    _place(kind, path)
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    with pytest.raises(UnreadableFile, match=r"plan\.toml cannot be read: .+\.$"):
        small_files.read_toml(path)
    assert time.monotonic() - began < 20  # far above what it takes; endless before
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB


@pytest.mark.parametrize(
    "text",
    ["x = " + "[" * 100_000, "x = " + "9" * 5_000, "x = 1\nx = 2", "=", "x = \x00"],
    ids=["deep", "digits", "twice", "no key", "nul"],
)
def test_broken_toml_is_a_sentence(tmp_path, text):
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(UnreadableFile, match=r"a\.toml is not valid TOML: .+\.$"):
        small_files.read_toml(tmp_path / "a.toml")


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "9" * 5_000, "", "{"], ids=["deep", "digits", "empty", "open"]
)
def test_broken_json_is_a_sentence(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(UnreadableFile, match=r"a\.json is not valid JSON: .+\.$"):
        small_files.read_json(tmp_path / "a.json")


def test_what_is_not_utf8_is_a_sentence(tmp_path):
    (tmp_path / "a.toml").write_bytes(b"x = \xff")
    with pytest.raises(UnreadableFile, match="not UTF-8"):
        small_files.read_toml(tmp_path / "a.toml")


@pytest.mark.parametrize(
    "key",
    [
        "a" + ".a" * 400_000,
        '"a" . ' * 150_000 + "a",
        "[" + "'a'." * 200_000 + "a]",
        "x = {a" + ".a" * 400_000 + "=1}",
    ],
    ids=["bare", "quoted", "heading", "inside"],
)
def test_a_key_of_very_many_parts_is_refused_at_once(tmp_path: Path, key: str) -> None:
    path = tmp_path / "card.toml"
    path.write_text(f"title = 'Tales'\n{key}\n")
    with pytest.raises(UnreadableFile, match=r"card\.toml cannot be read: a key in it has too many parts"):
        small_files.read_toml(path)  # it took hours


def test_sentences_of_one_word_are_no_key(tmp_path: Path) -> None:
    path = tmp_path / "card.toml"
    path.write_text("a.b.c = '" + "No. " * 30 + "'\n" + "b = '''\nOnce, " + "a. " * 10 + "'''\n")
    assert small_files.read_toml(path)["a"]["b"]["c"].startswith("No. No.")


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "card.toml"
    path.write_bytes(b"\xef\xbb\xbftitle = 'Tales'")
    assert small_files.read_toml(path) == {"title": "Tales"}
