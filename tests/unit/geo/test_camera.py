"""What a photo's headers say of its camera."""

from __future__ import annotations

import mmap
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.geo import made_photos as made

from haversack.geo.camera import Camera, read_camera
from haversack.geo.exif import read_exif
from haversack.geo.xmp import read_xmp


def test_exif_and_xmp_give_the_pose_of_a_dji_photo() -> None:
    camera = read_camera(made.jpeg(made.xmp(made.DJI), exif_block=made.exif()))
    assert (camera.lat, camera.lon) == (46.5, -91.25)
    assert (camera.height_m, camera.altitude_m) == (40.0, 198.51)
    assert (camera.yaw_deg, camera.pitch_deg, camera.roll_deg) == (45.3, -90.0, 0.0)
    assert (camera.taken_at, camera.model) == ("2016-06-23T16:32:27", "FC300S")
    assert camera.mount == "forward"


def test_a_photo_without_headers_says_nothing() -> None:
    assert read_camera(made.jpeg()) == Camera()
    assert read_camera(made.jpeg()).to_json() == ""


def test_what_is_known_survives_as_json_and_nothing_else_is_in_it() -> None:
    camera = Camera(lon=7.5, lat=0.0, pitch_deg=-90.0)
    assert camera.to_json() == '{"lon":7.5,"lat":0.0,"pitch_deg":-90.0}'
    assert Camera.from_json(camera.to_json()) == camera


@pytest.mark.parametrize("text", ["", "{", "[]", '{"lon": "east"}', '{"mount": "sideways"}'])
def test_json_that_is_no_camera_gives_one_of_which_nothing_is_known(text: str) -> None:
    assert Camera.from_json(text) == Camera()


@pytest.mark.parametrize("name", ["GpsLongitude", "GpsLongtitude"])
def test_xmp_position_goes_before_exif_also_in_djis_old_spelling(name: str) -> None:
    packet = made.xmp(f'drone-dji:GpsLatitude="46.500001" drone-dji:{name}="-91.2500017"')
    camera = read_camera(made.jpeg(packet, exif_block=made.exif()))
    assert (camera.lat, camera.lon) == (46.500001, -91.2500017)


@pytest.mark.parametrize(("lat", "lon"), [(0, 0), (91, 10), (10, 181)])
def test_a_position_of_no_fix_or_off_the_world_is_none(lat: float, lon: float) -> None:
    camera = read_camera(made.jpeg(exif_block=made.exif(lat=lat, lon=lon)))
    assert (camera.lat, camera.lon) == (None, None)


def test_keys_may_be_elements_and_fractions() -> None:
    elements = "<Camera:Pitch>27/10</Camera:Pitch><Camera:Yaw> -12.5 </Camera:Yaw>"
    elements += (
        "<Camera:Roll>0</Camera:Roll><Camera:AboveGroundAltitude>80</Camera:AboveGroundAltitude>"
    )
    camera = read_camera(made.jpeg(made.xmp("", elements)))
    assert (camera.pitch_deg, camera.yaw_deg, camera.roll_deg) == (2.7, -12.5, 0.0)
    assert (camera.height_m, camera.mount) == (80.0, "down")


def test_flight_yaw_stands_in_for_a_missing_gimbal_yaw() -> None:
    assert read_camera(made.jpeg(made.xmp('drone-dji:FlightYawDegree="12.0"'))).yaw_deg == 12.0


@pytest.mark.parametrize(
    "data",
    [
        made.png(made.xmp(made.DJI)),
        made.png(made.xmp(made.DJI), packed=True),
        made.tiff(made.xmp(made.DJI)),
    ],
    ids=["png", "packed png", "tiff"],
)
def test_xmp_is_found_in_other_formats(data: bytes) -> None:
    assert read_camera(data).height_m == 40.0


def test_focal_length_by_35_mm_film_allows_for_a_16_9_cut() -> None:
    wide = read_camera(made.jpeg(exif_block=made.exif(), size=(4000, 2250)))
    whole = read_camera(made.jpeg(exif_block=made.exif(), size=(4000, 3000)))
    assert wide.focal_px == whole.focal_px == pytest.approx(2311, abs=1)


def test_a_calibrated_focal_length_shrinks_with_the_photo_and_is_void_for_a_cutting() -> None:
    packet = made.xmp(
        'drone-dji:CalibratedFocalLength="3666.0" drone-dji:CalibratedOpticalCenterX="2736.0" '
        'drone-dji:CalibratedOpticalCenterY="1824.0"'
    )
    assert read_camera(made.jpeg(packet, size=(5472, 3648))).focal_px == 3666.0
    assert read_camera(made.jpeg(packet, size=(1368, 912))).focal_px == 916.5
    assert read_camera(made.jpeg(packet, size=(1000, 1000))).focal_px == 0.0


def test_a_cutting_is_also_known_by_the_size_in_exif() -> None:
    block = made.exif(size=(4000, 3000))
    assert read_camera(made.jpeg(exif_block=block, size=(4000, 3000))).focal_px > 0
    assert read_camera(made.jpeg(exif_block=block, size=(900, 2000))).focal_px == 0


def test_a_mapped_file_is_read_like_its_bytes(tmp_path: Path) -> None:
    for name, data in (
        ("a.jpg", made.jpeg(made.xmp(made.DJI), exif_block=made.exif())),
        ("a.png", made.png(made.xmp(made.DJI))),
        ("a.tif", made.tiff(made.xmp(made.DJI))),
    ):
        (tmp_path / name).write_bytes(data)
        with (
            (tmp_path / name).open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
        ):
            assert read_camera(mapped) == read_camera(data)


def test_entities_are_not_expanded() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "99"><!ENTITY b "&a;&a;">]>' + made.xmp(
        'drone-dji:RelativeAltitude="&b;" drone-dji:GimbalPitchDegree="-90"'
    )
    assert read_xmp(bomb) == {"drone-dji:GimbalPitchDegree": -90.0}


@pytest.mark.parametrize("filler", [b"Camera:" * 20_000, b"drone-dji:A" * 12_000, b" " * 200_000])
def test_hostile_xmp_is_read_in_linear_time(filler: bytes) -> None:
    start = time.process_time()
    read_xmp(filler)
    assert time.process_time() - start < 0.5


def test_numbers_that_are_none_are_left_out() -> None:
    values = 'Camera:Yaw="nan" Camera:Pitch="1/0" Camera:Roll="1e999" Camera:X="--1"'
    assert read_xmp(made.xmp(values)) == {}


@given(st.binary(max_size=400))
def test_any_bytes_are_read_without_an_exception(data: bytes) -> None:
    read_camera(data)
    read_exif(b"II*\0" + data)
    read_xmp(data)


@given(st.data())
def test_a_damaged_photo_is_read_without_an_exception(data: st.DataObject) -> None:
    whole = bytearray(made.jpeg(made.xmp(made.DJI), exif_block=made.exif()))
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, 700))] = data.draw(st.integers(0, 255))
    camera = read_camera(bytes(whole))
    assert Camera.from_json(camera.to_json()) == camera


def test_every_nasty_file_is_read_without_an_exception(shared_data: Path) -> None:
    files = [file for file in (shared_data / "images" / "nasty").rglob("*") if file.is_file()]
    assert len(files) > 50
    for file in files:
        camera = read_camera(file.read_bytes())
        assert Camera.from_json(camera.to_json()) == camera, file.name


def test_a_real_dji_photo_is_read_from_its_first_64_kib(shared_data: Path) -> None:
    data = (shared_data / "images/aerial/brighton_beach/DJI_0032.JPG").read_bytes()
    camera = read_camera(data)
    assert (camera.height_m, camera.pitch_deg, camera.yaw_deg) == (40.1, -89.9, 42.0)
    assert camera.lat == pytest.approx(46.8424584, abs=1e-6)
    assert camera.lon == pytest.approx(-91.9938293, abs=1e-6)
    assert read_camera(data[: 1 << 16]).lat == camera.lat
