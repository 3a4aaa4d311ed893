"""What a stranger gets: the wheel holds what the program needs, and the checkout holds nothing else."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest

from storytime_tui import __version__
from tests.tiny import make_starter

ROOT = Path(__file__).resolve().parents[1]
STARTER = "storytime_tui/models/starter"
TOP_LEVEL = {"storytime_tui", "textdata", "tests", "pyproject.toml", "README.md", "LICENSE"}


def run(argv: list[str], folder: Path) -> str:
    """Run a command in a folder, without what this process's Python finds; return its standard output."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        argv, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout, with a stand-in for the starter where the weights are not in it."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in ("storytime_tui", "textdata", "tests"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, copy / name)
    if not list((copy / STARTER).glob("*.safetensors")):
        shutil.rmtree(copy / STARTER, ignore_errors=True)
        make_starter(copy / STARTER)
    return copy


@pytest.fixture(scope="module")
def wheel(copy: Path, tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Built of the copy."""
    folder = tmp_path_factory.mktemp("wheel")
    argv = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    done = subprocess.run(argv, cwd=copy, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return zipfile.ZipFile(built)


def test_the_wheel_holds_the_program_its_styles_and_the_bundled_tales(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    package = ROOT / "storytime_tui"
    wanted = {
        path.relative_to(ROOT).as_posix()
        for pattern in ("*.py", "*.tcss", "page.html", "page.css", "page.js")
        for path in package.rglob(pattern)
    } | {
        "storytime_tui/" + path.relative_to(ROOT).as_posix()
        for path in (ROOT / "textdata").rglob("*")
        if path.is_file()
    }
    assert wanted <= names
    assert not [name for name in names if name.startswith("tests/") or "__pycache__" in name]


def test_the_source_archive_makes_a_wheel_that_works_in_a_fresh_environment(
    copy: Path, tmp_path: Path
) -> None:
    """Built twice, installed by pip, and run from another folder, by its name and by `python -m`."""
    build = [sys.executable, "-m", "hatchling", "build", "--directory", str(tmp_path / "dist"), "--target"]
    run([*build, "sdist"], copy)
    (archive,) = (tmp_path / "dist").glob("*.tar.gz")
    shutil.unpack_archive(archive, tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    run([*build, "wheel"], unpacked)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    environment = tmp_path / "fresh"
    run([sys.executable, "-m", "venv", "--without-pip", str(environment)], tmp_path)
    python = environment / "bin" / "python"
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(environment)}))
    # what the program is made with is here already; only the program itself is installed
    (packages / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    run([str(python), "-m", "pip", "install", "-q", "--no-deps", "--no-index", str(wheel)], tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    program = environment / "bin" / "storytime-tui"
    assert run([str(program), "--version"], elsewhere).split() == ["storytime-tui", __version__]
    assert '"name": "hedgerow-tales"' in run(
        [str(python), "-m", "storytime_tui", "corpus", "list", "--json"], elsewhere
    )
    where = "import storytime_tui, importlib.metadata as m; print(storytime_tui.__file__, m.version('storytime-tui'))"
    file, version = run([str(python), "-c", where], elsewhere).split()
    assert Path(file).is_relative_to(environment) and version == __version__


@pytest.mark.needs_torch
def test_the_starter_is_in_the_wheel_and_tells_from_there(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    assert Path(wheel.filename or "").stat().st_size < 45_000_000
    shards = [info for info in wheel.infolist() if info.filename.endswith(".safetensors")]
    assert shards and all(info.file_size < 16 * 2**20 for info in shards)
    assert {f"{STARTER}/README.md", f"{STARTER}/tokenizer.json", f"{STARTER}/config.json"} <= set(
        wheel.namelist()
    )
    wheel.extractall(tmp_path)
    code = "from storytime_tui.cli import main; main(['tell', '--prompt', 'Once', '--max-tokens', '2', '--json'])"
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {code}"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert '"event": "finished"' in done.stdout


def test_the_bundled_tales_are_found_inside_an_installed_package(
    wheel: zipfile.ZipFile, tmp_path: Path
) -> None:
    wheel.extractall(tmp_path)
    code = "from storytime_tui.cli import main; main(['corpus', 'list', '--json'])"
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {code}"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert '"name": "hedgerow-tales"' in done.stdout


@pytest.mark.parametrize("folder", sorted((ROOT / "textdata").iterdir()), ids=lambda folder: folder.name)
def test_a_bundled_collection_has_ten_complete_tales_and_says_whose_they_are(folder: Path) -> None:
    about = tomllib.loads((folder / "collection.toml").read_text())
    assert about["author"] and about["licence"]
    tales = [path.read_text(encoding="utf-8") for path in folder.glob("*.txt")]
    assert len(tales) >= 10
    for tale in tales:
        title, blank, *rest = tale.split("\n")
        assert title and not blank
        assert len(" ".join(rest).split()) > 400
        assert rest[-2].rstrip("\"'").endswith((".", "!", "?", ","))  # one ends on a comma: that is its joke


def test_the_top_level_holds_only_what_the_design_names() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        found = {name.split("/")[0] for name in listed.stdout.splitlines()}
    else:  # an unpacked archive
        found = {path.name for path in ROOT.iterdir()}
    assert {name for name in found if not name.startswith(".")} == TOP_LEVEL


def test_the_readmes_test_command_is_the_one_that_ci_runs() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "\npip install -e '.[dev]' && pytest\n" in readme
    assert "pip install . && storytime-tui" in readme
    assert "README.md" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
