"""report.html: small, whole, safe, and true to the run."""

from __future__ import annotations

import base64
import hashlib
import html.parser
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.unit.formats import survey_runs as made

from haversack.engine.results import PhotoResult
from haversack.formats.crops import crop_name
from haversack.formats.report import write
from haversack.formats.report.charts import histogram, nice_above
from haversack.formats.report.findings import BINS, SHEET, Best

VOID = {"meta", "img", "br", "link"}


class Page(html.parser.HTMLParser):
    """Elements, links and text of a page; fails on tags that do not close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def page_of(folder: Path, listed: list[PhotoResult]) -> Page:
    run = made.run(folder / "photos")
    path = write(run, made.photos(listed), folder / "report.html")
    return Page(path.read_text("utf-8"))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    folder = tmp_path_factory.mktemp("report")
    made.draw(folder / "photos", made.small_run())
    return page_of(folder, made.small_run())


def test_totals_tables_and_failures_are_told(page: Page) -> None:
    text = re.sub(r"\s+", " ", " ".join(page.words))
    assert "Objects found 5" in text
    assert "Photos with objects 4" in text
    assert "80.0 % of those looked at" in text
    assert "This run is not finished: 1 photos" in text
    assert "1 photos were there when the run began" in text
    assert "b/gone bad.jpg image-truncated the JPEG's image data end early, <here>" in text
    assert "b/half.jpg image-truncated ends early" in text
    assert "cow 3 3 0.90" in text
    assert "1 min 30 s" in text


def test_every_object_of_a_small_run_is_on_both_sheets(page: Page) -> None:
    photos = [image["src"] for image in page.all("img")]
    assert len(photos) == 10
    assert all(source and source.startswith("data:image/jpeg;base64,") for source in photos)


def test_nothing_is_loaded_and_no_script_but_its_own_is_allowed(page: Page) -> None:
    assert [one for one in page.all("script") if one] == []
    assert len(page.all("script")) == 1
    assert not page.all("link")
    (policy,) = [m["content"] for m in page.all("meta") if "http-equiv" in m]
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "unsafe" not in policy


@pytest.mark.parametrize("kind", ["style", "script"])
def test_the_policy_allows_the_pages_own_style_and_script(tmp_path: Path, kind: str) -> None:
    text = write(made.run(), made.photos([]), tmp_path / "report.html").read_text("utf-8")
    (content,) = re.findall(rf"<{kind}>(.*?)</{kind}>", text, flags=re.S)
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    assert f"{kind}-src 'sha256-{digest}'" in text


def test_hostile_names_stay_text_and_links_relative(page: Page) -> None:
    assert {tag for tag, _ in page.tags} <= (
        {"html", "head", "meta", "title", "style", "body", "header", "main", "footer", "script"}
        | {"h1", "h2", "p", "b", "br", "a", "img", "span", "small", "dl", "dt", "dd", "div"}
        | {"section", "table", "thead", "tbody", "tfoot", "tr", "th", "td", "figure"}
        | {"figcaption", "svg", "rect", "line", "text", "circle", "path", "code"}
    )
    for link in page.all("a"):
        assert link["href"] is not None
        assert re.fullmatch(r"[\w./%-]+", link["href"])


def test_links_lead_to_photos_or_to_crops_where_they_were_exported(tmp_path: Path) -> None:
    listed = [made.photo(1, "a b/one?.jpg", made.found())]
    made.draw(tmp_path / "photos", listed)
    links = {link["href"] for link in page_of(tmp_path, listed).all("a")}
    assert links == {"photos/a%20b/one%3F.jpg"}
    name = crop_name(made.run(), listed[0], 0, listed[0].detections[0])
    (tmp_path / "exports/crops" / name).parent.mkdir(parents=True)
    (tmp_path / "exports/crops" / name).touch()
    links = {link["href"] for link in page_of(tmp_path, listed).all("a")}
    assert links == {"exports/crops/a%20b/one%3F.jpg_001_cow.jpg"}


def test_a_photo_that_is_gone_leaves_a_word_in_its_place(tmp_path: Path) -> None:
    page = page_of(tmp_path, [made.photo(1, "gone.jpg", made.found())])
    assert page.all("img") == []
    assert page.words.count("the photo cannot be read again") == 2


def test_a_run_without_photos_has_a_report(tmp_path: Path) -> None:
    assert "Survey spring" in page_of(tmp_path, []).words


@pytest.mark.parametrize(("count", "marks"), [(300, 200), (4000, 40)])
def test_photos_with_a_position_are_on_the_map(tmp_path: Path, count: int, marks: int) -> None:
    path = write(made.run(tmp_path), made.large_run(count, 3), tmp_path / "report.html")
    circles = Page(path.read_text("utf-8")).all("circle")
    assert marks <= len(circles) <= 1500
    for circle in circles:
        assert 0 <= float(str(circle["cx"])) <= 720


def test_a_map_across_the_antimeridian_is_not_as_wide_as_the_world(tmp_path: Path) -> None:
    listed = [
        made.at(made.photo(i, f"{i}.jpg"), lon=lon, lat=-17.0)
        for i, lon in enumerate((179.999, -179.999, -179.998))
    ]
    page = page_of(tmp_path, listed)
    assert "50 m" in page.words


def test_one_place_alone_makes_a_map(tmp_path: Path) -> None:
    page = page_of(tmp_path, [made.at(made.photo(1, "a.jpg"), lon=7.0, lat=46.0)])
    assert len(page.all("circle")) == 1


def test_the_largest_run_stays_under_five_megabytes(tmp_path: Path) -> None:
    """Every part at its bound: noise that no JPEG makes small, long names, many of everything."""
    rng = np.random.default_rng(0)
    root = tmp_path / "photos"
    listed = []
    for i in range(60):
        photo = made.at(
            made.photo(i, f"{i:03d}{'x' * 200}.jpg", made.found((100, 50, 300, 250))),
            lon=7 + i / 1e5,
            lat=46.0,
        )
        listed.append(photo)
        made.draw(root, [photo])
        noise = rng.integers(0, 256, (300, 400, 3), np.uint8)
        Image.fromarray(noise).save(root / photo.image, quality=95)
    for i in range(60, 3000):
        name = f"{i}{'<' * 120}/{'&' * 200}.jpg"
        listed.append(
            made.failed(i, name) if i % 2 else made.at(made.photo(i, name), lon=7, lat=46)
        )
    settings = {f"{'<' * 300}{i}": "&" * 5000 for i in range(1000)}
    labels = tuple("<" * 500 + str(i) for i in range(500))
    run = replace(made.run(root, labels=labels), settings=settings)
    path = write(run, made.photos(listed), tmp_path / "report.html")
    assert path.stat().st_size < 5_000_000
    assert len(Page(path.read_text("utf-8")).all("img")) == 2 * SHEET


def test_sheets_show_several_photos_before_many_of_one() -> None:
    best = Best(sign=1)
    for i in range(20):
        objects = [made.found(score=0.99 - k / 1000 - i / 100) for k in range(30)]
        best.add(made.photo(i, f"{i}.jpg", *objects))
    chosen = best.chosen()
    assert len(chosen) == SHEET
    assert len({one.photo.id for one in chosen}) == SHEET / 3
    scores = [one.found.score for one in chosen]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("sign", [1, -1])
def test_one_photo_alone_fills_a_sheet_from_its_end_of_the_scores(sign: int) -> None:
    best = Best(sign=sign)
    best.add(made.photo(1, "a.jpg", *(made.found(score=0.4 + k / 100) for k in range(50))))
    scores = [round(100 * one.found.score) for one in best.chosen()]
    assert scores == (list(range(89, 65, -1)) if sign == 1 else list(range(40, 64)))


def test_a_histogram_has_a_bar_for_each_bin_from_the_threshold_on() -> None:
    counts = [0] * BINS
    counts[20:] = [7] * 30
    assert histogram(counts, 0.4).count("<rect") == 30
    assert histogram([0] * BINS, 0.4) == ""


@pytest.mark.parametrize(("value", "nice"), [(1, 1), (3, 4), (5, 5), (6, 10), (101, 200)])
def test_axes_end_at_round_numbers(value: float, nice: int) -> None:
    assert nice_above(value) == nice
