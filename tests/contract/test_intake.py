"""What `Intake` promises of asking twice, or for too much, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.contract.going import remove_files

from haversack.errors import HaversackError
from haversack.jobs.files import Role
from haversack.jobs.folder_blobs import FolderBlobs
from haversack.jobs.intake import Intake, IntakeLimits, IntakeStores, wish
from haversack.jobs.job import Job, NewJob
from haversack.jobs.services import JobLocations, JobServices, open_services
from haversack.jobs.store import Claim

_HOOK = "https://example.org/hook"
_DAY = 86_400.0
_OTHER_WISHES: list[dict[str, Any]] = [
    {"pack": "seals"},
    {"version": "2"},
    {"kind": "request"},
    {"options": '{"threshold":0.9}'},
    {"webhook": _HOOK},
    {"webhook": None},
]
_FIRST = replace(
    wish("herd", kind="predict", owner="ada", idempotency_key="k", image="a.jpg"),
    webhook="https://example.org/1",
)


@pytest.fixture
def services(url: str, tmp_path: Path) -> Iterator[JobServices]:
    opened = open_services(
        JobLocations(state=tmp_path, database=url, blobs=str(tmp_path / "blobs"))
    )
    yield opened
    opened.store.close()


def stores(services: JobServices) -> IntakeStores:
    return IntakeStores(
        store=services.store, blobs=services.blobs, files=services.files, webhooks=services.webhooks
    )


def uploaded(services: JobServices, photo: bytes = b"photo") -> str:
    upload = services.intake.begin_upload("ada").id
    services.intake.add_photo(upload, "a.jpg", photo)
    return upload


def survey(services: JobServices, upload: str, **values: Any) -> Job:
    return services.intake.submit_upload(wish("herd", kind="survey", **values), upload, "ada")


def blobs(services: JobServices) -> set[str]:
    return set(services.blobs.older_than(-_DAY))


def refusal(error: pytest.ExceptionInfo[HaversackError]) -> tuple[str, str]:
    return error.value.code, error.value.kind.value


@pytest.mark.parametrize("other", _OTHER_WISHES, ids=lambda one: "-".join(map(str, one.items())))
def test_the_same_key_with_another_wish_is_refused_and_takes_nothing_away(
    services: JobServices, other: dict[str, Any]
) -> None:
    first = services.intake.submit(_FIRST, b"photo")
    kept = blobs(services)
    with pytest.raises(HaversackError) as caught:
        services.intake.submit(replace(_FIRST, **other), b"photo")
    assert refusal(caught) == ("idempotency-key-reused", "conflict")
    assert blobs(services) == kept == {first.input}
    assert services.webhooks.address(first.id) == _FIRST.webhook
    assert services.intake.submit(_FIRST, b"photo").id == first.id


@pytest.mark.parametrize("other", [{"image": "another.jpg"}, {"priority": 5}], ids=str)
def test_a_repeat_by_another_name_or_priority_is_the_same_job(
    services: JobServices, other: dict[str, Any]
) -> None:
    first = services.intake.submit(_FIRST, b"photo")
    again = services.intake.submit(replace(_FIRST, **other), b"photo")
    assert (again.id, again.image, again.priority) == (first.id, "a.jpg", 0)
    assert blobs(services) == {first.input}


def test_a_repeat_with_less_time_left_is_the_same_job(services: JobServices) -> None:
    first = services.intake.submit(replace(_FIRST, wait_seconds=60.0), b"photo")
    assert services.intake.submit(replace(_FIRST, wait_seconds=50.0), b"photo").id == first.id


def test_the_same_key_for_another_upload_is_refused_and_its_photos_stay(
    services: JobServices,
) -> None:
    first = survey(services, uploaded(services), idempotency_key="k")
    other = uploaded(services)
    with pytest.raises(HaversackError) as caught:
        survey(services, other, idempotency_key="k")
    assert refusal(caught) == ("idempotency-key-reused", "conflict")
    assert remove_files(services.files, _DAY, 9) == []
    assert services.intake.upload(other, "ada").photos == 1
    assert survey(services, first.id, idempotency_key="k").id == first.id
    assert survey(services, other, idempotency_key="k2").id == other
    assert len(blobs(services)) == 2


def test_a_photos_key_is_not_a_surveys(services: JobServices) -> None:
    services.intake.submit(wish("herd", kind="predict", owner="ada", idempotency_key="k"), b"photo")
    with pytest.raises(HaversackError) as caught:
        survey(services, uploaded(services), idempotency_key="k")
    assert refusal(caught) == ("idempotency-key-reused", "conflict")


@pytest.mark.parametrize("first", [None, _HOOK])
def test_a_survey_asked_for_again_with_another_webhook_is_refused(
    services: JobServices, first: str | None
) -> None:
    upload = uploaded(services)
    survey(services, upload, webhook=first)
    other = f"{_HOOK}/2" if first else _HOOK
    with pytest.raises(HaversackError) as caught:
        survey(services, upload, webhook=other)
    assert refusal(caught) == ("job-differs", "conflict")
    assert services.webhooks.address(upload) == first
    assert survey(services, upload, webhook=first).id == upload


@pytest.mark.parametrize("again", [None, f"{_HOOK}/2"])
def test_whom_a_refused_survey_named_is_not_told_of_the_next(
    services: JobServices, again: str | None
) -> None:
    survey(services, uploaded(services), idempotency_key="k")
    upload = uploaded(services)
    # As a try leaves it whose database was away when the job itself was put.
    services.webhooks.put(upload, _HOOK)
    with pytest.raises(HaversackError):
        survey(services, upload, idempotency_key="k", webhook=_HOOK)
    services.webhooks.put(upload, _HOOK)
    survey(services, upload, webhook=again)
    assert services.webhooks.address(upload) == again


class Meanwhile(FolderBlobs):
    """Somebody else does something just before a blob is deleted."""

    def __init__(self, folder: Path, something: Callable[[], object]) -> None:
        super().__init__(folder)
        self._something = something

    def delete(self, name: str) -> None:
        self._something()
        super().delete(name)


def test_a_refused_photo_does_not_take_away_what_another_sender_has_stored(
    services: JobServices, tmp_path: Path
) -> None:
    upload = uploaded(services, b"first")

    def add(name: str) -> bool:
        return services.intake.add_photo(upload, name, b"same")

    blobs = Meanwhile(tmp_path / "blobs", lambda: add("b.jpg"))
    with pytest.raises(HaversackError) as caught:  # another photo has the name
        Intake(replace(stores(services), blobs=blobs)).add_photo(upload, "a.jpg", b"same")
    assert caught.value.code == "photo-name-taken"
    for file in services.files.files(upload, Role.PHOTO):
        assert services.blobs.part(file.blob, 0, 9) in (b"first", b"same")
    assert not add("b.jpg")
    assert len(list(services.blobs.older_than(-_DAY))) == 2


def test_a_survey_is_claimed_with_its_photos_after_a_repeat(services: JobServices) -> None:
    upload = uploaded(services)
    survey(services, upload, idempotency_key="k")
    survey(services, upload, idempotency_key="k")
    ((claimed),) = services.store.claim(Claim(kinds=["survey"], packs=["herd"], worker="w"))
    assert (claimed.job.id, claimed.job.progress_total) == (upload, 1)
    assert remove_files(services.files, 0, 9) == []


def test_new_jobs_without_a_key_are_never_the_same(services: JobServices) -> None:
    new: NewJob = wish("herd", kind="predict", owner="ada")
    assert services.intake.submit(new, b"photo").id != services.intake.submit(new, b"photo").id


def test_the_same_key_keeps_one_photo(services: JobServices) -> None:
    asked = wish("herd", kind="predict", idempotency_key="k")
    first = services.intake.submit(asked, b"x")
    assert services.intake.submit(asked, b"x").id == first.id
    with pytest.raises(HaversackError):
        services.intake.submit(asked, b"y")
    assert len(blobs(services)) == 1


def test_more_than_the_limits_is_refused(services: JobServices) -> None:
    few = Intake(stores(services), IntakeLimits(queued=1))
    little = Intake(stores(services), IntakeLimits(input_bytes=10))
    few.submit(wish("herd", kind="predict"), b"123")
    little.submit(wish("herd", kind="predict"), b"123")
    for intake, size in (
        (Intake(stores(services), IntakeLimits(queued=1)), 1),
        (little, 11),
    ):
        with pytest.raises(HaversackError) as caught:
            intake.submit(wish("herd", kind="predict"), b"x" * size)
        assert caught.value.code == "jobs-full"
