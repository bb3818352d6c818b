"""Image sets: what is refused and why, and what becomes of the pictures."""

from __future__ import annotations

import json
import pickle
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from auditapp import sandbox
from auditapp.datasets.images_decode import Damaged, Forbidden, decode
from auditapp.datasets.inspect import ReadOptions, inspect
from auditapp.datasets.table import Table
from auditapp.errors import AuditError
from tests import image_sets
from tests.image_sets import MISSING, encoded, picture


def read(path: Path, out: Path, **options: Any) -> dict[str, Any]:
    return inspect(path, path.name, out, ReadOptions(**options))


def refused(path: Path, out: Path) -> AuditError:
    with pytest.raises(AuditError) as caught:
        read(path, out)
    assert not out.exists(), "nothing half-written"
    assert caught.value.message and caught.value.hint
    return caught.value


def bomb(width: int, height: int) -> bytes:
    """A PNG of one colour that is small as a file."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = zlib.compress(bytes((width + 1) * min(height, 100)), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


class Evil:
    def __reduce__(self) -> Any:
        return (print, ("the pickle was opened",))


def test_a_set_becomes_a_table_and_one_array_of_reduced_pictures(tmp_path: Path) -> None:
    path = image_sets.write(tmp_path / "set.zip", image_sets.rows())

    profile = read(path, tmp_path / "out", image_size=32)

    table = Table.open(tmp_path / "out")
    assert table.images is not None and table.images.shape == (120, 3, 32, 32)
    assert table.images.dtype == np.uint8
    assert profile["format"] == "images" and profile["rows"] == table.n_rows == 120
    facts = profile["images"]
    assert facts["kinds"] == {"png": 120} and facts["width"] == [40, 40, 40]
    roles = {c["name"]: c["guess"] for c in profile["columns"]}
    assert roles == {
        "path": "identifier", "label": "label", "split": "unused", "group": "sensitive"
    }  # fmt: skip
    assert facts["cells"][0]["rows"][0] == [
        "A", [["train", [10, 10]], ["valid", [10, 10]], ["audit", [10, 10]]]
    ]  # fmt: skip
    assert json.loads((tmp_path / "out/profile.json").read_text()) == profile


def test_reading_twice_gives_the_same_pixels(tmp_path: Path) -> None:
    path = image_sets.write(tmp_path / "set.zip", image_sets.rows())
    first = read(path, tmp_path / "one")["images"]["sha256"]
    assert read(path, tmp_path / "two")["images"]["sha256"] == first


def test_a_folder_around_the_set_is_no_part_of_the_paths(tmp_path: Path) -> None:
    found = image_sets.rows(60)
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("my set/manifest.csv", image_sets.listing(found))
        archive.writestr("__MACOSX/my set/._manifest.csv", b"x")
        for i, row in enumerate(found):
            archive.writestr(f"my set/{row['path']}", picture(i))
    assert read(path, tmp_path / "out")["images"]["count"] == 60


@pytest.mark.parametrize(
    ("name", "words"),
    [("/etc/cron.d/x.png", "absolute"), ("../../x.png", ".."), ("C:\\x.png", "absolute"),
     ("a\\..\\b.png", ".."), ("images/a\nb.png", "path")],
)  # fmt: skip
def test_paths_that_leave_the_set_are_refused(tmp_path: Path, name: str, words: str) -> None:
    found = image_sets.rows(30)
    path = image_sets.write(tmp_path / "set.zip", found, more={name: picture()})
    error = refused(path, tmp_path / "out")
    assert error.code == "unsafe-path" and words in error.message
    assert list(tmp_path.iterdir()) == [path]


def test_a_path_of_the_list_that_leaves_the_set_is_refused(tmp_path: Path) -> None:
    found = image_sets.rows(30)
    text = image_sets.listing(found).replace(b"images/0007.png", b"../../../etc/hostname")
    path = image_sets.write(tmp_path / "set.zip", found, manifest=text)
    error = refused(path, tmp_path / "out")
    assert error.code == "unsafe-path" and "Row 9" in error.message


def test_a_link_is_refused(tmp_path: Path) -> None:
    path = image_sets.write(tmp_path / "set.zip", image_sets.rows(30))
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo("images/link.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    assert refused(path, tmp_path / "out").code == "link-in-archive"


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_with_the_name_of_a_picture_is_refused_and_never_opened(
    tmp_path: Path, protocol: int, capsys: pytest.CaptureFixture[str]
) -> None:
    found = image_sets.rows(30)
    evil = pickle.dumps(Evil(), protocol=protocol)
    path = image_sets.write(tmp_path / "set.zip", found, {found[4]["path"]: evil})
    error = refused(path, tmp_path / "out")
    assert error.code == "foreign-file" and "pickle" in error.message
    assert found[4]["path"] in error.message
    assert "opened" not in capsys.readouterr().out


@pytest.mark.parametrize("head", [b"\x7fELF", b"MZ", b"#!/bin/sh\n", b"PK\x03\x04", b"GIF89a"])
def test_other_files_with_the_name_of_a_picture_are_refused(tmp_path: Path, head: bytes) -> None:
    found = image_sets.rows(30)
    path = image_sets.write(tmp_path / "set.zip", found, {found[4]["path"]: head + bytes(200)})
    assert refused(path, tmp_path / "out").code == "foreign-file"


def test_a_picture_of_ten_thousand_by_ten_thousand_is_refused(tmp_path: Path) -> None:
    found = image_sets.rows(30)
    path = image_sets.write(tmp_path / "set.zip", found, {found[3]["path"]: bomb(10_000, 10_000)})
    error = refused(path, tmp_path / "out")
    assert error.code == "picture-too-large" and "10,000 x 10,000" in error.message


def test_a_picture_beyond_any_limit_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(Forbidden):
        decode(bomb(60_000, 60_000), 64)


def test_a_row_whose_picture_is_missing_is_named(tmp_path: Path) -> None:
    found = image_sets.rows(30)
    path = image_sets.write(tmp_path / "set.zip", found, {found[5]["path"]: MISSING})
    error = refused(path, tmp_path / "out")
    assert error.code == "missing-picture" and found[5]["path"] in error.found


def test_a_picture_without_a_row_is_named(tmp_path: Path) -> None:
    path = image_sets.write(
        tmp_path / "set.zip", image_sets.rows(30), more={"images/extra.png": picture()}
    )
    error = refused(path, tmp_path / "out")
    assert error.code == "unlisted-picture" and "images/extra.png" in error.found


def test_a_picture_on_two_rows_is_refused(tmp_path: Path) -> None:
    found = image_sets.rows(30)
    text = image_sets.listing([*found, found[2]])
    path = image_sets.write(tmp_path / "set.zip", found, manifest=text)
    assert refused(path, tmp_path / "out").code == "duplicate-path"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    found = image_sets.rows(30)
    path = image_sets.write(tmp_path / "set.zip", found, more={found[0]["path"]: picture(9)})
    assert refused(path, tmp_path / "out").code == "duplicate-entry"


def test_files_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    path = image_sets.write(tmp_path / "set.zip", image_sets.rows(30))
    data = bytearray(path.read_bytes())
    starts = [i for i in range(len(data) - 4) if data[i : i + 4] == b"PK\x01\x02"]
    first = data[starts[1] + 42 : starts[1] + 46]
    data[starts[2] + 42 : starts[2] + 46] = first
    path.write_bytes(data)
    assert refused(path, tmp_path / "out").code == "zip-bomb"


def test_a_file_that_unpacks_to_a_thousand_times_its_size_is_refused(tmp_path: Path) -> None:
    found = image_sets.rows(30)
    path = image_sets.write(tmp_path / "set.zip", found, {found[0]["path"]: bytes(32 << 20)})
    assert refused(path, tmp_path / "out").code == "zip-bomb"


def test_a_set_without_a_list_says_what_to_add(tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(5):
            archive.writestr(f"{i}.png", picture(i))
    error = refused(path, tmp_path / "out")
    assert error.code == "no-manifest" and "manifest.csv" in error.hint


def test_a_list_without_its_columns_is_refused(tmp_path: Path) -> None:
    found = image_sets.rows(30)
    text = image_sets.listing(found, ["path", "group", "split"])
    path = image_sets.write(tmp_path / "set.zip", found, manifest=text)
    assert "label" in refused(path, tmp_path / "out").message


def test_a_split_of_other_words_is_refused(tmp_path: Path) -> None:
    found = image_sets.rows(30)
    found[3]["split"] = "holdout"
    path = image_sets.write(tmp_path / "set.zip", found)
    error = refused(path, tmp_path / "out")
    assert error.code == "bad-split" and "holdout" in error.found


def test_a_person_in_two_parts_is_refused(tmp_path: Path) -> None:
    found = [{**row, "subject_id": f"p{i // 2}"} for i, row in enumerate(image_sets.rows(30))]
    path = image_sets.write(tmp_path / "set.zip", found)
    assert refused(path, tmp_path / "out").code == "subject-in-two-splits"


def test_small_cells_are_said_and_not_refused(tmp_path: Path) -> None:
    path = image_sets.write(tmp_path / "set.zip", image_sets.rows(60))
    notices = {n["code"]: n for n in read(path, tmp_path / "out")["notices"]}
    assert notices["small-cells"]["level"] == "check"
    assert "fewer than 10 pictures" in notices["small-cells"]["message"]
    assert len(notices["small-cells"]["lines"]) == 12


def test_one_damaged_picture_of_2500_is_named_and_the_others_kept(tmp_path: Path) -> None:
    found = image_sets.rows(2500)
    spoiled = found[1233]["path"]
    whole = picture(1, (120, 120), "JPEG")
    path = image_sets.write(tmp_path / "set.zip", found, {spoiled: whole[: len(whole) // 2]})

    profile = read(path, tmp_path / "out", image_size=32)

    table = Table.open(tmp_path / "out")
    assert table.n_rows == 2499 and table.images is not None and len(table.images) == 2499
    notice = next(n for n in profile["notices"] if n["code"] == "pictures-left-out")
    assert "1 of 2,500 pictures" in notice["message"] and spoiled in notice["detail"]
    assert profile["images"]["left_out"] == [
        {"row": 1235, "path": spoiled, "reason": "is cut off"}
    ]
    assert table.left_out == [
        {"code": "picture", "reason": "the picture cannot be decoded", "n": 1}
    ]
    # The pictures still belong to their rows.
    paths, codes = table.codes("path")
    after = paths[codes[1233]]
    assert after == found[1234]["path"]
    expected = decode(picture(1234), 32).pixels
    assert np.array_equal(table.images[1233], expected)


@pytest.mark.parametrize(
    "data", [b"", b"no picture at all", bytes(500), b"\xff\xd8\xff" + bytes(9)]
)
def test_a_file_that_says_nothing_costs_its_row_only(tmp_path: Path, data: bytes) -> None:
    found = image_sets.rows(60)
    path = image_sets.write(tmp_path / "set.zip", found, {found[1]["path"]: data})
    assert read(path, tmp_path / "out")["images"]["count"] == 59


def test_a_set_that_is_damaged_throughout_is_refused(tmp_path: Path) -> None:
    found = image_sets.rows(60)
    files = {row["path"]: b"noise" for row in found[:40]}
    path = image_sets.write(tmp_path / "set.zip", found, files)
    assert refused(path, tmp_path / "out").code == "unreadable-pictures"


def test_bytes_changed_inside_the_archive_cost_one_row(tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    found = image_sets.rows(60)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("manifest.csv", image_sets.listing(found))
        for i, row in enumerate(found):
            archive.writestr(row["path"], picture(i))
    with zipfile.ZipFile(path) as archive:
        at = archive.getinfo(found[5]["path"]).header_offset
    data = bytearray(path.read_bytes())
    data[at + 90] ^= 255
    path.write_bytes(data)
    left = read(path, tmp_path / "out")["images"]["left_out"]
    assert [item["path"] for item in left] == [found[5]["path"]]


def test_exif_is_dropped_and_its_orientation_kept(tmp_path: Path) -> None:
    image = Image.new("RGB", (64, 64), (0, 0, 0))
    image.paste((255, 255, 255), (0, 0, 64, 16))
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    exif[0x010F] = "SecretCamera"
    data = encoded(image, "JPEG", exif=exif, quality=95)
    pixels = decode(data, 32).pixels
    assert pixels[:, -4:].min() > 200 and pixels[:, :16].max() < 60

    found = image_sets.rows(30)
    path = image_sets.write(tmp_path / "set.zip", found, {found[0]["path"]: data})
    read(path, tmp_path / "out")
    kept = b"".join(p.read_bytes() for p in (tmp_path / "out").iterdir())
    assert b"SecretCamera" not in kept and b"Exif" not in kept


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_pixel_becomes_three_channels(mode: str) -> None:
    image = Image.new(mode, (50, 30), 1 if mode == "1" else 40_000 if mode == "I;16" else None)
    found = decode(encoded(image), 32)
    assert found.pixels.shape == (3, 32, 32) and (found.width, found.height) == (50, 30)
    if mode == "I;16":
        assert abs(int(found.pixels[0, 0, 0]) - 156) <= 1


def test_webp_and_jpeg_are_read_by_their_first_bytes() -> None:
    for kind in ("WEBP", "JPEG"):
        assert decode(picture(3, kind=kind), 32).kind == kind.lower()
    with pytest.raises(Damaged):
        decode(b"RIFF1234WEBPVP8 " + bytes(40), 32)


@pytest.mark.parametrize("size", [31, 225])
def test_sizes_outside_the_range_are_refused(tmp_path: Path, size: int) -> None:
    path = image_sets.write(tmp_path / "set.zip", image_sets.rows(30))
    with pytest.raises(AuditError, match="between 32 and 224"):
        read(path, tmp_path / "out", image_size=size)


def test_pictures_beside_a_table_are_found_by_their_paths(tmp_path: Path) -> None:
    found = image_sets.rows(60)
    table = tmp_path / "people.csv"
    text = image_sets.listing(found).replace(b"path,", b"file,").replace(b"images/", b"")
    table.write_bytes(text)
    path = tmp_path / "pictures.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for i, row in enumerate([*found, {"path": "images/extra.png"}]):
            archive.writestr(row["path"], picture(i))

    profile = inspect(table, table.name, tmp_path / "out", images=path)

    assert profile["format"] == "csv" and profile["images"]["unlisted"] == 1
    assert profile["images"]["roles"]["path"] == "file"
    images = Table.open(tmp_path / "out").images
    assert images is not None
    assert np.array_equal(images[7], decode(picture(7), 64).pixels)


def test_a_table_that_names_no_picture_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "people.csv"
    table.write_text("a,b\n1,2\n3,4\n")
    path = tmp_path / "pictures.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("1.png", picture())
    with pytest.raises(AuditError, match="No column"):
        inspect(table, table.name, tmp_path / "out", images=path)


def test_the_sandboxed_child_reads_a_set_and_tells_how_far_it_is(tmp_path: Path) -> None:
    path = image_sets.write(tmp_path / "set.zip", image_sets.rows())
    said: list[str] = []
    profile = sandbox.run_child(
        "auditapp.datasets.inspect:child_main",
        {"source": str(path), "name": path.name, "out": str(tmp_path / "work/out"),
         "options": {}, "read": [str(path)]},
        workdir=_folder(tmp_path / "work"),
        limits=sandbox.Limits.parsing(),
        isolated=True,
        on_progress=lambda message: said.append(message["text"]),
    )  # fmt: skip
    assert profile["images"]["count"] == 120
    assert (tmp_path / "work/out/images.npy").exists() and said


def _folder(path: Path) -> Path:
    path.mkdir()
    return path
