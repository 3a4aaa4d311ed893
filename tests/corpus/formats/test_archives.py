"""Zip files: their texts come out under safe names, in order; nothing else does, and never too much."""

import io
import os
import stat
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storytime_tui.corpus.formats import zip_archive
from storytime_tui.corpus.formats.archives import unpack
from storytime_tui.errors import CorpusError
from tests.examples import many

TALE = b"The vole went out, and it rained.\n"


def archive(folder: Path, members: dict[str, bytes], name: str = "tales.zip") -> Path:
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for member, data in members.items():
            made.writestr(member, data)
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def refused(path: Path, out: Path) -> str:
    with pytest.raises(CorpusError) as caught:
        unpack(path, out)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_texts_come_out_in_the_order_of_their_paths(tmp_path: Path, out: Path) -> None:
    members = [
        "b/Tale 10.txt",
        "b/Tale 2.txt",
        "a.epub",
        "b/c/owl.HTML",
        "picture.png",
        "b/Tale 10.png",
        "d/",
    ]
    found = unpack(archive(tmp_path, {name: name.encode() for name in members}), out)
    assert [path.name for path in found.files] == ["a.epub", "owl.html", "Tale 2.txt", "Tale 10.txt"]
    assert [path.read_bytes() for path in found.files] == [
        b"a.epub",
        b"b/c/owl.HTML",
        b"b/Tale 2.txt",
        b"b/Tale 10.txt",
    ]
    assert (found.problems, found.notes) == ((), ())
    assert sorted(path.name for path in out.iterdir()) == sorted(path.name for path in found.files)


def test_the_same_name_in_two_folders_gives_two_files(tmp_path: Path, out: Path) -> None:
    found = unpack(archive(tmp_path, {"a/fox.txt": b"1", "b/fox.txt": b"2", "c/FOX.txt": b"3"}), out)
    assert [path.read_bytes() for path in found.files] == [b"1", b"2", b"3"]
    assert len({path.name.lower() for path in found.files}) == 3


def test_hidden_members_and_twins_and_readmes_stay_inside(tmp_path: Path, out: Path) -> None:
    names = [".a.txt", ".git/b.txt", "__MACOSX/c.txt", "./d.txt", "e.txt", "e.html", "README.md"]
    found = unpack(archive(tmp_path, dict.fromkeys(names, TALE)), out)
    assert [path.name for path in found.files] == ["d.txt", "e.html"]
    assert found.problems == ()
    assert len(found.notes) == 2
    assert sorted(path.name for path in out.iterdir()) == ["d.txt", "e.html"]


def test_documents_that_are_not_read_are_counted_and_named(tmp_path: Path, out: Path) -> None:
    names = ["a.txt", "b.doc", "c.DOC", "more/d.mobi", "The Fox", "picture.jpg", "LICENSE", "__MACOSX/e.doc"]
    (note,) = unpack(archive(tmp_path, dict.fromkeys(names, TALE)), out).notes
    assert note.startswith(
        "4 documents are of kinds that cannot be read here (2 .doc, 1 without an ending, 1 .mobi)"
    )
    with pytest.raises(CorpusError, match=r"there is nothing to add\. 1 document is .*1 \.doc"):
        unpack(archive(tmp_path, {"b.doc": TALE}), out)


def test_a_name_with_two_texts_gives_both(tmp_path: Path, out: Path) -> None:
    found = unpack(
        archive(tmp_path, {"e.txt": TALE, "e.md": b"# Two\n\nAnother tale altogether, of a pike."}), out
    )
    assert [path.name for path in found.files] == ["e.md", "e.txt"]
    assert found.notes == ()


@pytest.mark.parametrize(
    "name",
    [
        "../evil.txt",
        "a/../../evil.txt",
        "/etc/evil.txt",
        "\\evil.txt",
        "..\\evil.txt",
        "C:\\evil.txt",
        "C:evil.txt",
    ],
)
def test_a_path_that_leads_out_is_left_out_and_told(tmp_path: Path, out: Path, name: str) -> None:
    path = archive(tmp_path, {name: TALE, "good.txt": TALE})
    found = unpack(path, out)
    assert [each.name for each in found.files] == ["good.txt"]
    assert len(found.problems) == 1
    assert "leads out of the archive" in found.problems[0]
    assert str(path) in found.problems[0]
    assert not list(tmp_path.rglob("evil*"))
    assert "leads out" in refused(archive(tmp_path, {name: TALE}, "only.zip"), out)


def test_a_link_is_not_followed(tmp_path: Path, out: Path) -> None:
    link = zipfile.ZipInfo("link.txt")
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = tmp_path / "tales.zip"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr(link, "/etc/passwd")
        made.writestr("good.txt", TALE)
    found = unpack(path, out)
    assert [each.name for each in found.files] == ["good.txt"]
    assert not any(each.is_symlink() for each in out.iterdir())
    assert "is a link" in found.problems[0]


def test_names_are_made_safe(tmp_path: Path, out: Path) -> None:
    odd = [
        "a\x1b[2J\n.txt",
        'a:b*?"<>|.txt',
        "x" * 400 + ".txt",
        "...  .txt",
        "märchen.txt",
        "日本.txt",
        "[b].txt",
    ]
    found = unpack(archive(tmp_path, {f"in/{name}": TALE for name in odd}), out)
    assert len(found.files) == len(odd) - 1  # one begins with a stop: it is hidden
    for path in found.files:
        assert path.parent == out
        assert not set(path.name) & set('\x1b\n:*?"<>|')
        assert len(path.name) < 250
    assert {"märchen.txt", "日本.txt", "[b].txt"} <= {path.name for path in found.files}


def test_names_in_utf8_that_do_not_say_so_are_read(tmp_path: Path, out: Path) -> None:
    path = archive(tmp_path, {"mXXrchen.txt": TALE, "cafY.txt": TALE})
    path.write_bytes(path.read_bytes().replace(b"mXXrchen", "märchen".encode()).replace(b"cafY", b"caf\x82"))
    assert {each.name for each in unpack(path, out).files} == {"märchen.txt", "café.txt"}


# -- too much ---------------------------------------------------------------------------------------------


def test_a_bomb_is_refused_by_its_ratio(tmp_path: Path, out: Path) -> None:
    path = archive(tmp_path, {"a.txt": b"a" * 9_000_000})
    assert path.stat().st_size < 20_000
    assert "zip bomb" in refused(path, out)
    assert sum(each.stat().st_size for each in out.iterdir()) <= 5 * 1024**2


def test_a_bomb_is_refused_by_its_size(tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_archive, "UNPACKED", 50_000)
    path = archive(tmp_path, {f"{number}.txt": os.urandom(9_000) for number in range(6)})
    assert "zip bomb" in refused(path, out)


def test_a_member_that_says_less_than_it_holds_is_not_believed(tmp_path: Path, out: Path) -> None:
    path = archive(tmp_path, {"a.txt": b"a" * 2_000_000})
    data = path.read_bytes().replace(struct.pack("<I", 2_000_000), struct.pack("<I", 200))
    path.write_bytes(data)
    assert "damaged" in refused(path, out)
    assert list(out.iterdir()) == []


def test_members_that_share_their_bytes_do_not_pass_the_limit(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zip_archive, "UNPACKED", 100_000)
    path = archive(tmp_path, {f"{number:03}.txt": b"rain " * 2_000 for number in range(50)})
    assert "zip bomb" in refused(path, out)


def test_too_many_members_are_refused_before_they_are_looked_at(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = archive(tmp_path, {f"{number}.txt": b"x" for number in range(30)})
    monkeypatch.setattr(zip_archive, "MEMBERS", 29)
    assert "holds more than 29 files" in refused(path, out)
    monkeypatch.setattr(zip_archive, "MEMBERS", 30)
    assert len(unpack(path, out).files) == 30
    monkeypatch.setattr(zip_archive, "_DIRECTORY", 500)
    monkeypatch.setattr(zipfile, "ZipInfo", None)  # no object is made of any
    assert "holds more than" in refused(path, out)


def crowded_archive(path: Path, count: int, *, with_64: bool, decoy: bytes) -> Path:
    """A zip with so many members in its list, and a record in its comment that says the list is short."""
    names = [b"%d.txt" % number for number in range(count)]
    listed = b"".join(
        b"PK\x01\x02" + struct.pack("<HHHHHHIIIHHHHHII", 20, 20, *[0] * 7, len(name), *[0] * 6) + name
        for name in names
    )
    first = b"PK\x03\x04" + bytes(26)
    start, size = len(first), len(listed)
    data = first + listed
    if with_64:
        record = struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, count, count, size, start)
        data += b"PK\x06\x06" + record + b"PK\x06\x07" + struct.pack("<IQI", 0, len(data), 1)
        numbers: tuple[int, ...] = (0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)
    else:
        numbers = (count & 0xFFFF, count & 0xFFFF, size, start)
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, *numbers, len(decoy)) + decoy
    path.write_bytes(data + end)
    return path


DECOYS = {
    "none": b"",
    "of 64 bits": b"PK\x06\x06" + bytes(60),
    "the end once more": b"PK\x05\x06" + bytes(17),
    "where the first is": b"PK\x06\x07" + bytes(30),
}


@pytest.mark.parametrize("with_64", [True, False])
@pytest.mark.parametrize("decoy", DECOYS)
def test_no_second_record_hides_how_long_the_list_is(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch, with_64: bool, decoy: str
) -> None:
    path = crowded_archive(tmp_path / "many.zip", 25_000, with_64=with_64, decoy=DECOYS[decoy])
    made = []
    usual = zipfile.ZipInfo

    class Counted(usual):  # type: ignore[misc,valid-type]
        def __init__(self, *given: object, **named: object) -> None:
            made.append(1)
            super().__init__(*given, **named)

    monkeypatch.setattr(zipfile, "ZipInfo", Counted)
    said = refused(path, out)
    assert "holds more than 20,000 files" in said or (decoy == "the end once more" and "damaged" in said)
    assert not made, "no object was made of any member"


def test_a_list_longer_than_any_is_not_read(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zip_archive, "_DIRECTORY", 70_000)
    path = crowded_archive(tmp_path / "long.zip", 2000, with_64=False, decoy=b"")
    assert "holds more than" in refused(path, out)


def test_a_member_larger_than_any_text_is_left_out(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zip_archive, "LARGEST_MEMBER", 1024**2)
    found = unpack(archive(tmp_path, {"huge.txt": b"x" * 1024**2 + b"x", "good.txt": TALE}), out)
    assert [path.name for path in found.files] == ["good.txt"]
    assert "huge.txt in " in found.problems[0]
    assert "is larger than 1 MB" in found.problems[0]


def test_a_huge_archive_is_not_opened(tmp_path: Path, out: Path) -> None:
    path = tmp_path / "huge.zip"
    with path.open("wb") as file:
        file.truncate(2 * 1024**3)
    assert "is larger than 500 MB" in refused(path, out)


def test_archives_within_archives_are_told_and_not_opened(tmp_path: Path, out: Path) -> None:
    found = unpack(archive(tmp_path, {"inner.zip": b"PK\x03\x04", "good.txt": TALE}), out)
    assert [path.name for path in found.files] == ["good.txt"]
    assert "inner.zip in " in found.problems[0]
    assert "an archive within an archive" in found.problems[0]


def test_many_problems_are_told_in_few_sentences(tmp_path: Path, out: Path) -> None:
    members = {f"../{number}.txt": TALE for number in range(300)} | {"good.txt": TALE}
    assert len(unpack(archive(tmp_path, members), out).problems) == 21


# -- damaged, locked, odd ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"Once upon a time", "is not a zip file"),
        (b"PK\x03\x04 and so on", "is damaged or cut off"),
        (b"PK\x05\x06" + b"\0" * 18, "holds no .txt, .md"),
        (b"PK" + b"\xff" * 3000, "is damaged or cut off"),
    ],
)
def test_what_is_no_whole_archive_is_one_sentence(tmp_path: Path, out: Path, data: bytes, said: str) -> None:
    path = tmp_path / "tales.zip"
    path.write_bytes(data)
    assert said in refused(path, out)


def test_an_archive_cut_off_anywhere_is_one_sentence(tmp_path: Path, out: Path) -> None:
    whole = archive(tmp_path, {"a.txt": TALE * 9, "b.txt": TALE}).read_bytes()
    path = tmp_path / "cut.zip"
    for length in range(2, len(whole), 7):
        path.write_bytes(whole[:length])
        assert "damaged" in refused(path, out)


def test_one_damaged_member_does_not_spoil_the_others(tmp_path: Path, out: Path) -> None:
    path = tmp_path / "tales.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as made:
        made.writestr("bad.txt", b"It rained all day.")
        made.writestr("good.txt", TALE)
    path.write_bytes(path.read_bytes().replace(b"It rained all day.", b"It rained all dry."))
    found = unpack(path, out)
    assert [each.name for each in found.files] == ["good.txt"]
    assert "bad.txt in " in found.problems[0]
    assert "damaged" in found.problems[0]
    assert sorted(each.name for each in out.iterdir()) == ["good.txt"]


def test_a_locked_archive_says_so(tmp_path: Path, out: Path) -> None:
    path = archive(tmp_path, {"a.txt": TALE})
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset] |= 1
    path.write_bytes(bytes(data))
    assert "is locked with a password" in refused(path, out)


def test_uncommon_packing_is_told(tmp_path: Path, out: Path) -> None:
    path = tmp_path / "tales.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as made:
        made.writestr("a.txt", TALE)
    assert "has an unsupported compression" in refused(path, out)


def test_paths_that_are_no_archives(tmp_path: Path, out: Path) -> None:
    (tmp_path / "folder.zip").mkdir()
    assert "is a folder" in refused(tmp_path / "folder.zip", out)
    assert "does not exist" in refused(tmp_path / "gone.zip", out)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.zip")
        assert "not an ordinary file" in refused(tmp_path / "pipe.zip", out)


def test_a_full_disk_is_one_sentence(tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = archive(tmp_path, {"a.txt": TALE})
    opened = Path.open

    def full(self: Path, mode: str = "r") -> object:
        if mode == "xb":
            raise OSError(28, "No space left on device")
        return opened(self, mode)

    monkeypatch.setattr(Path, "open", full)
    assert "The disk is full" in refused(path, out)


@settings(max_examples=many(80), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    members=st.dictionaries(st.text(min_size=1, max_size=30), st.binary(max_size=60), max_size=4),
    place=st.integers(0, 600),
    byte=st.integers(0, 255),
)
def test_any_archive_gives_files_in_its_folder_or_one_sentence(
    tmp_path: Path, members: dict[str, bytes], place: int, byte: int
) -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as made:
        for name, data in members.items():
            made.writestr(f"{name}.txt".replace("\0", ""), data)
    data = bytearray(held.getvalue())
    data[place % len(data)] = byte
    path = tmp_path / "any.zip"
    path.write_bytes(bytes(data))
    folder = tmp_path / f"any-{len(os.listdir(tmp_path))}"
    folder.mkdir()
    try:
        found = unpack(path, folder)
    except CorpusError as error:
        said = [str(error)]
    else:
        said = [*found.problems, *found.notes]
        assert found.files
        assert all(each.parent == folder and each.is_file() for each in found.files)
    assert not any("\n" in sentence for sentence in said)
