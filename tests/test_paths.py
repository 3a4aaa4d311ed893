"""A home that cannot be is one sentence, whatever is asked for."""

import os
from pathlib import Path

import pytest

from storytime_tui import paths
from storytime_tui.cli import VERBS, main
from storytime_tui.errors import StorytimeError

WORDS = {
    "corpus": ["list"],
    "train": ["--corpus", "tales"],
    "tell": ["--prompt", "Once"],
    "write": ["--story", "1"],
    "evaluate": ["--model", "r", "--corpus", "tales"],
    "explain": ["--model", "r", "--text", "Once"],
    "copied": ["--corpus", "tales", "note.txt"],
    "runs": ["list"],
    "stories": ["list"],
    "bench": ["ui"],
    "backup": ["create", "backup.zip"],
}


def homes(folder: Path) -> dict[str, tuple[str, str]]:
    (folder / "note.txt").write_text("not a folder")
    (folder / "loop").symlink_to("loop")
    (folder / "nowhere").symlink_to("gone")
    return {
        "no user": ("~nosuchuser/x", "no user of this machine has the home ~nosuchuser"),
        "a file": (str(folder / "note.txt" / "x"), "note.txt is not a folder"),
        "a loop": (str(folder / "loop"), "which cannot be used"),
        "a link to nothing": (str(folder / "nowhere"), "nowhere is not a folder"),
        "a long name": (str(folder / ("x" * 5000)), "which cannot be used"),
    }


@pytest.mark.skipif(os.name == "nt", reason="folders are found otherwise")
@pytest.mark.parametrize("which", ["user_data_dir", "user_cache_dir"])
def test_a_usual_folder_that_cannot_be_is_named(
    which: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("STORYTIME_HOME")
    for name in ("user_data_dir", "user_cache_dir", "user_config_dir", "user_log_dir"):
        place = "/dev/null/storytime" if name == which else str(tmp_path / name)
        monkeypatch.setattr(paths.platformdirs, name, lambda *args, place=place, **kwargs: place)
    for verb in VERBS:
        assert main([verb, *WORDS.get(verb, [])]) == 1
        err = capsys.readouterr().err
        assert err.count("\n") == 1 and "/dev/null is not a folder" in err


@pytest.mark.skipif(os.name == "nt", reason="links and users are POSIX's")
@pytest.mark.parametrize("which", ["no user", "a file", "a loop", "a link to nothing", "a long name"])
def test_each_verb_says_what_is_wrong_with_the_home(
    which: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    named, says = homes(tmp_path)[which]
    monkeypatch.setenv("STORYTIME_HOME", named)
    for verb in VERBS:
        assert main([verb, *WORDS.get(verb, [])]) == 1
        out, err = capsys.readouterr()
        assert out == "" and err.count("\n") == 1 and len(err) < 700
        assert says in err and "unexpected" not in err


@pytest.mark.parametrize("answer", ["", "~/.local/share/storytime"])
def test_nobodys_home_is_a_sentence(
    answer: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ask(*args: object, **kwargs: object) -> str:
        if not answer:
            raise RuntimeError("could not determine the home directory")
        return answer  # as older versions of platformdirs have it

    monkeypatch.delenv("STORYTIME_HOME")
    for name in ("user_data_dir", "user_cache_dir", "user_config_dir", "user_log_dir"):
        monkeypatch.setattr(paths.platformdirs, name, ask)
    for verb in VERBS:
        assert main([verb, *WORDS.get(verb, [])]) == 1
        assert "You have no home folder on this system" in capsys.readouterr().err
    with pytest.raises(StorytimeError, match="no home folder"):
        paths.data_folder()
