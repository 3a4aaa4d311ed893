"""What is removed can be brought back for thirty days, from the bins of older programs, too."""

import os
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui import trash
from storytime_tui.errors import RunError

DAY = 86_400
NAMES = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=("Cs",)), min_size=1, max_size=60
).filter(lambda name: name not in (".", "..", ".removed") and len(name.encode()) <= 200)


def folder(parent: Path, name: str, text: str = "once") -> Path:
    made = parent / name
    made.mkdir(parents=True)
    (made / "tale.txt").write_text(text)
    return made


def aged(place: Path, days: float) -> Path:
    """The same folder, as if it had been put in the bin, and last changed, so many days ago."""
    then = time.time() - days * DAY
    older = place.with_name(f"{int(then * 1e9)}-{place.name.partition('-')[2]}")
    place.rename(older)
    os.utime(older, (then, then))
    return older


def test_what_is_put_away_is_listed_and_comes_back_as_it_was(tmp_path: Path) -> None:
    before = time.time()
    item = trash.put_away(folder(tmp_path, "tales"))
    assert [path.name for path in tmp_path.iterdir()] == [".removed"]
    assert trash.items(tmp_path) == [item] and item.name == "tales"
    assert 0 <= item.until.timestamp() - before - 30 * DAY < 60
    trash.bring_back(item.folder, tmp_path / "tales")
    assert (tmp_path / "tales" / "tale.txt").read_text() == "once"
    assert trash.items(tmp_path) == []
    with pytest.raises(FileNotFoundError):
        trash.bring_back(item.folder, tmp_path / "again")


def test_the_last_removed_comes_first_and_one_name_may_be_there_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trash.time, "time_ns", lambda: 1_700_000_000_000_000_000)  # a clock that stands still
    for text in "abc":
        trash.put_away(folder(tmp_path, "tales", text))
    assert [(item.folder / "tale.txt").read_text() for item in trash.items(tmp_path)] == ["c", "b", "a"]


def test_what_has_something_in_its_place_stays_in_the_bin(tmp_path: Path) -> None:
    item = trash.put_away(folder(tmp_path, "tales", "old"))
    folder(tmp_path, "tales", "new")
    with pytest.raises(OSError, match=r"not empty|exists|denied"):
        trash.bring_back(item.folder, tmp_path / "tales")
    assert trash.items(tmp_path) == [item]
    assert (tmp_path / "tales" / "tale.txt").read_text() == "new"


@given(NAMES)
def test_any_name_comes_back(name: str) -> None:
    assert trash._item(Path(f"/{time.time_ns()}-{name}")).name == name  # type: ignore[union-attr]


@given(NAMES, st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_any_name_that_an_older_program_gave_a_removed_run_is_read(name: str, removed: datetime) -> None:
    item = trash._item(Path(f"/{name}-{removed:%Y%m%dT%H%M%S%fZ}"))
    if not (name[:19].isdecimal() and name[19:20] == "-"):
        assert item is not None and item.name == name
        assert item.until == removed + timedelta(days=30)


def test_the_bins_of_older_programs_are_listed_restored_and_emptied(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    yesterday, long_ago = now - timedelta(days=1), now - timedelta(days=31)
    place = tmp_path / ".removed"
    folder(place, f"mine-2-{yesterday:%Y%m%dT%H%M%S%fZ}", "a run")
    folder(place, f"{int((yesterday.timestamp() - DAY) * 1e9)}-tales", "a collection")
    old = folder(place, f"old-{long_ago:%Y%m%dT%H%M%S%fZ}")
    os.utime(old, (long_ago.timestamp(), long_ago.timestamp()))
    assert [item.name for item in trash.items(tmp_path)] == ["mine-2", "tales", "old"]
    trash.empty(tmp_path)
    assert [item.name for item in trash.items(tmp_path)] == ["mine-2", "tales"]
    for item in trash.items(tmp_path):
        trash.bring_back(item.folder, tmp_path / item.name)
    assert (tmp_path / "mine-2" / "tale.txt").read_text() == "a run"
    assert (tmp_path / "tales" / "tale.txt").read_text() == "a collection"


def test_only_what_is_older_than_thirty_days_goes(tmp_path: Path) -> None:
    places = {days: trash.put_away(folder(tmp_path, f"d{days}")).folder for days in (29, 30.01, 300)}
    places = {days: aged(place, days) for days, place in places.items()}
    touched = aged(trash.put_away(folder(tmp_path, "touched")).folder, 40)
    os.utime(touched)  # whatever its name says, somebody changed it today
    strangers = [tmp_path / ".removed" / name for name in ("not one of ours", "x-20269999T000000000000Z")]
    for stranger in strangers:
        stranger.mkdir()
        os.utime(stranger, (0, 0))
    trash.empty(tmp_path)
    assert {path.name for path in (tmp_path / ".removed").iterdir()} == {
        path.name for path in (places[29], touched, *strangers)
    }
    assert [item.name for item in trash.items(tmp_path)] == ["d29", "touched"]


def test_what_is_in_use_stays_until_the_next_time(tmp_path: Path) -> None:
    places = [aged(trash.put_away(folder(tmp_path, name)).folder, 40) for name in ("busy", "free")]

    @contextmanager
    def held(place: Path) -> Any:
        if place == places[0]:
            raise RunError("The run is open elsewhere.")
        yield

    trash.empty(tmp_path, held)
    assert [path.exists() for path in places] == [True, False]
    trash.empty(tmp_path)
    assert not places[0].exists()


def test_a_long_name_fits_and_a_link_goes_without_what_it_leads_to(tmp_path: Path) -> None:
    item = trash.put_away(folder(tmp_path, "ä" * 127))
    assert item.name == "ä" * 100 and trash.items(tmp_path) == [item]
    kept = folder(tmp_path, "kept")
    link = tmp_path / ".removed" / "1000-link"
    link.symlink_to(kept)
    os.utime(link, (0, 0), follow_symlinks=False)
    assert [each.name for each in trash.items(tmp_path)] == ["ä" * 100, "link"]
    trash.empty(tmp_path)
    assert not os.path.lexists(link) and (kept / "tale.txt").exists()


@pytest.mark.parametrize("there", ["nothing", "a file"])
def test_where_no_bin_is_nothing_is_listed(tmp_path: Path, there: str) -> None:
    if there == "a file":
        (tmp_path / ".removed").write_text("mine")
    assert trash.items(tmp_path) == []
    trash.empty(tmp_path)
    if there == "a file":
        made = folder(tmp_path, "tales")
        with pytest.raises(FileExistsError):
            trash.put_away(made)
        assert made.is_dir()
