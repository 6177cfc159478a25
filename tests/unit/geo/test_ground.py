"""Pixels of drone photos on flat ground."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from haversack.engine.codecs.orientation import upright_view
from haversack.engine.photo import decode
from haversack.geo.camera import Camera, read_camera
from haversack.geo.ground import Fixes, Floats, Unplaced, place_photo
from haversack.geo.wgs84 import metres_per_degree

WIDTH, HEIGHT = 4000, 3000
DOWN = Camera(
    lon=10.0, lat=50.0, height_m=100.0, yaw_deg=0.0, pitch_deg=-90.0, roll_deg=0.0, focal_px=2500.0
)


def located(camera: Camera, *points: tuple[float, float]) -> Fixes:
    placed = place_photo(camera, width=WIDTH, height=HEIGHT)
    assert not isinstance(placed, Unplaced)
    return placed.locate(np.array(points, np.float64))


def metres(camera: Camera, *points: tuple[float, float]) -> Floats:
    """East and north of the point under the camera: float64[N,2]."""
    fixes = located(camera, *points)
    across, along = metres_per_degree(50.0)
    return np.stack([(fixes.lon - 10.0) * across, (fixes.lat - 50.0) * along], axis=1)


def test_looking_down_the_middle_is_under_the_camera_and_up_is_north() -> None:
    middle, top, right = metres(DOWN, (2000, 1500), (2000, 0), (4000, 1500))
    assert middle == pytest.approx([0, 0], abs=1e-6)
    assert top == pytest.approx([0, 60], abs=1e-6)
    assert right == pytest.approx([80, 0], abs=1e-6)


def test_yaw_turns_clockwise() -> None:
    top, right = metres(replace(DOWN, yaw_deg=90.0), (2000, 0), (4000, 1500))
    assert top == pytest.approx([60, 0], abs=1e-6)
    assert right == pytest.approx([0, -80], abs=1e-6)


def test_a_tilted_camera_looks_ahead_of_itself() -> None:
    tilted = replace(DOWN, pitch_deg=-45.0)
    middle, low = metres(tilted, (2000, 1500), (2000, 3000))
    assert middle == pytest.approx([0, 100], abs=1e-6)
    assert 0 < low[1] < 100
    assert located(tilted, (2000, 1500)).gsd_m[0] == pytest.approx(100 * 2**0.5 / 2500)


def test_a_pixel_covers_height_over_focal_length() -> None:
    assert located(DOWN, (0, 0), (2000, 1500)).gsd_m == pytest.approx([0.04, 0.04])


@given(
    yaw=st.floats(-180, 180),
    pitch=st.floats(-90, -50),
    x=st.floats(0, WIDTH),
    y=st.floats(0, HEIGHT),
)
def test_both_conventions_of_a_mount_mean_the_same_without_roll(
    yaw: float, pitch: float, x: float, y: float
) -> None:
    ahead = replace(DOWN, yaw_deg=yaw, pitch_deg=pitch)
    below = replace(DOWN, yaw_deg=yaw, pitch_deg=pitch + 90, mount="down")
    assert metres(ahead, (x, y)) == pytest.approx(metres(below, (x, y)), abs=1e-5, nan_ok=True)


def test_roll_of_a_mount_that_looks_down_tilts_sideways() -> None:
    (middle,) = metres(replace(DOWN, mount="down", pitch_deg=0.0, roll_deg=-45.0), (2000, 1500))
    assert middle == pytest.approx([100, 0], abs=1e-6)


def test_the_error_is_gps_alone_and_pitch_under_the_camera() -> None:
    pitch = 100 * np.tan(np.radians(1))
    assert located(DOWN, (2000, 1500)).error_m[0] == pytest.approx(np.hypot(3, pitch))


def test_the_error_grows_with_height_and_yaw_away_from_the_middle() -> None:
    error = located(DOWN, (4000, 1500)).error_m[0]
    height, yaw = 80 * 0.05, 2 * 80 * np.sin(np.radians(1.5))
    assert error > np.sqrt(3**2 + height**2 + yaw**2)
    assert error == pytest.approx(np.sqrt(3**2 + height**2 + yaw**2 + 1.75**2), abs=0.1)


@given(st.floats(-90, -16), st.floats(-180, 180), st.floats(0, WIDTH), st.floats(0, HEIGHT))
def test_a_wrong_pose_within_its_doubts_stays_within_the_radius(
    pitch: float, yaw: float, x: float, y: float
) -> None:
    camera = replace(DOWN, pitch_deg=pitch, yaw_deg=yaw)
    here = metres(camera, (x, y))[0]
    radius = located(camera, (x, y)).error_m[0]
    for wrong in (
        replace(camera, height_m=104.9),
        replace(camera, pitch_deg=pitch + 0.9),
        replace(camera, yaw_deg=yaw - 2.9),
    ):
        placed = place_photo(wrong, width=WIDTH, height=HEIGHT)
        if isinstance(placed, Unplaced) or np.isnan(radius):
            continue
        there = metres(wrong, (x, y))[0]
        if np.isfinite(there).all():
            assert np.hypot(*(there - here)) <= radius


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_stored_pixel_has_one_place_however_the_photo_is_turned_upright(orientation: int) -> None:
    stored = np.zeros((30, 40, 1), np.uint8)
    stored[7, 31] = 1
    upright = upright_view(stored, orientation)
    y, x = (int(where[0]) for where in np.nonzero(upright[:, :, 0]))
    camera = replace(DOWN, focal_px=25.0, orientation=orientation)
    placed = place_photo(camera, width=upright.shape[1], height=upright.shape[0])
    plain = place_photo(replace(camera, orientation=1), width=40, height=30)
    assert not isinstance(placed, Unplaced)
    assert not isinstance(plain, Unplaced)
    turned = placed.locate(np.array([[x + 0.5, y + 0.5]]))
    expected = plain.locate(np.array([[31.5, 7.5]]))
    assert turned.lon == pytest.approx(expected.lon, abs=1e-12)
    assert turned.lat == pytest.approx(expected.lat, abs=1e-12)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"lon": None}, "no GPS position"),
        ({"height_m": None}, "no height above the ground"),
        ({"height_m": -2.5}, "a height above the ground of -2.5 m"),
        ({"pitch_deg": None}, "no gimbal pitch"),
        ({"yaw_deg": None}, "no gimbal or flight yaw"),
        ({"focal_px": 0.0}, "no focal length"),
        ({"pitch_deg": -14.9}, "the camera looks within 15 degrees of the horizon"),
        ({"pitch_deg": 30.0}, "the camera looks within 15 degrees of the horizon"),
    ],
)
def test_a_photo_that_cannot_be_placed_says_why(change: dict[str, float], reason: str) -> None:
    assert place_photo(replace(DOWN, **change), width=10, height=10) == Unplaced(reason=reason)  # type: ignore[arg-type]


def test_points_near_the_horizon_have_no_position_while_others_have() -> None:
    fixes = located(replace(DOWN, pitch_deg=-30.0), (2000, 0), (2000, 3000))
    assert np.isnan([fixes.lon[0], fixes.error_m[0], fixes.gsd_m[0]]).all()
    assert np.isfinite([fixes.lon[1], fixes.error_m[1], fixes.gsd_m[1]]).all()


def test_no_points_give_no_fixes() -> None:
    placed = place_photo(DOWN, width=WIDTH, height=HEIGHT)
    assert not isinstance(placed, Unplaced)
    assert len(placed.locate(np.zeros((0, 2))).lon) == 0


def test_longitudes_stay_on_the_map_at_the_antimeridian() -> None:
    fixes = located(replace(DOWN, lon=179.9999), (0, 1500), (4000, 1500))
    assert fixes.lon[0] == pytest.approx(179.9988, abs=1e-4)
    assert fixes.lon[1] == pytest.approx(-179.9990, abs=1e-4)


CELL_M = 0.1


def test_two_overlapping_real_photos_show_the_same_ground_within_their_errors(
    shared_data: Path,
) -> None:
    """The photos are laid on one grid of the ground, and slid until they match best."""
    folder = shared_data / "images" / "aerial" / "brighton_beach"
    first, radius = _on_the_ground(folder / "DJI_0022.JPG")
    second, other_radius = _on_the_ground(folder / "DJI_0032.JPG")
    likeness, shift_m = _best_shift(first, second)
    assert likeness > 0.4
    assert shift_m < np.hypot(radius, other_radius)


def _on_the_ground(file: Path) -> tuple[Floats, float]:
    """Fine structure of a photo by metres east and north (NaN outside), and its worst error."""
    data = file.read_bytes()
    image = decode(data)
    placed = place_photo(read_camera(data), width=image.width, height=image.height)
    assert not isinstance(placed, Unplaced)
    corners = np.array([[0, 0], [image.width, 0], [0, image.height]], np.float64)
    fixes = placed.locate(corners)
    across, along = metres_per_degree(46.8427)
    metric = np.stack([(fixes.lon + 91.9940) * across, (fixes.lat - 46.8427) * along], axis=1)
    to_pixels = np.linalg.solve(np.c_[metric, np.ones(3)], corners)
    grey = Image.fromarray(image.pixels).convert("L").filter(ImageFilter.GaussianBlur(4))
    structure = np.asarray(grey, float) - np.asarray(grey.filter(ImageFilter.BoxBlur(60)), float)
    east, north = np.meshgrid(np.arange(-15, 25, CELL_M), np.arange(15, -30, -CELL_M))
    xy = np.stack([east.ravel(), north.ravel(), np.ones(east.size)], axis=1) @ to_pixels
    x, y = np.rint(xy).astype(int).T
    inside = (x >= 0) & (y >= 0) & (x < image.width) & (y < image.height)
    grid = np.full(east.size, np.nan)
    grid[inside] = structure[y[inside], x[inside]]
    return grid.reshape(east.shape), float(fixes.error_m.max())


def _best_shift(first: Floats, second: Floats) -> tuple[float, float]:
    """The best correlation of two grids with gaps, and how far apart they are then, in metres.

    Source: Padfield, "Masked object registration in the Fourier domain" (2012).
    """
    size = (2 * first.shape[0], 2 * first.shape[1])
    one, other = (np.nan_to_num(grid) for grid in (first, second))
    seen = [np.isfinite(grid).astype(float) for grid in (first, second)]

    def slide(a: Floats, b: Floats) -> Floats:
        spectrum = np.fft.rfft2(a, size) * np.conj(np.fft.rfft2(b, size))
        return np.fft.irfft2(spectrum, size)

    count = np.maximum(slide(seen[0], seen[1]), 1)
    sums = slide(one, seen[1]), slide(seen[0], other)
    squares = slide(one * one, seen[1]), slide(seen[0], other * other)
    spread = [square - total**2 / count for square, total in zip(squares, sums, strict=True)]
    like = slide(one, other) - sums[0] * sums[1] / count
    like /= np.sqrt(np.maximum(spread[0] * spread[1], 1e-9))
    like[count < 60 / CELL_M**2] = -1
    best = np.unravel_index(int(like.argmax()), size)
    moved = [min(int(at), side - int(at)) for at, side in zip(best, size, strict=True)]
    return float(like.max()), float(np.hypot(*moved) * CELL_M)
