"""What is counted adds up, and is told in V2's words and in Prometheus'."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from haversack.metrics import Histogram, MetricSample, Page
from haversack.serve.models.statistics import Latency, Stages, Statistics

STAGES = ("queue", "compute_input", "compute_infer", "compute_output")


def counted() -> Statistics:
    statistics = Statistics(clock=lambda: 1700000000.5)
    statistics.succeeded(
        Stages(queue=1, compute_input=2, compute_infer=3, compute_output=4, batch=2), seconds=10
    )
    statistics.succeeded(Stages(compute_infer=1), seconds=1)
    statistics.failed(0.5)
    return statistics


def test_a_batch_counts_its_rows_once_and_one_execution() -> None:
    told = counted().to_dict("tiny", "3")
    assert (told["name"], told["version"]) == ("tiny", "3")
    assert (told["inference_count"], told["execution_count"]) == (3, 2)
    assert told["last_inference"] == 1700000000500


def test_every_stage_has_its_count_and_its_nanoseconds() -> None:
    stats = counted().to_dict("tiny", "1")["inference_stats"]
    assert isinstance(stats, dict)
    assert stats["success"] == {"count": 2, "ns": 11 * 10**9}
    assert stats["fail"] == {"count": 1, "ns": 5 * 10**8}
    seconds = {"queue": 1, "compute_input": 2, "compute_infer": 4, "compute_output": 4}
    for stage in STAGES:
        assert stats[stage] == {"count": 2, "ns": seconds[stage] * 10**9}
    assert stats["cache_hit"] == stats["cache_miss"] == {"count": 0, "ns": 0}


def test_batches_are_told_by_their_size() -> None:
    batches = counted().to_dict("tiny", "1")["batch_stats"]
    assert isinstance(batches, list)
    assert [row["batch_size"] for row in batches] == [1, 2]
    assert batches[1]["compute_infer"] == {"count": 1, "ns": 3 * 10**9}


@given(st.lists(st.floats(0, 100)))
def test_every_duration_is_in_its_class_and_in_those_above(durations: list[float]) -> None:
    latency = Latency()
    for seconds in durations:
        latency.add(seconds)
    for bound, count in latency.cumulative():
        assert count == sum(seconds <= float(bound) for seconds in durations)


def samples() -> Iterator[MetricSample | Histogram]:
    for version in ("1", "2"):
        labels = {"model": 'a"b\\c\nd', "version": version}
        yield MetricSample(name="seen", text="Seen", value=5, labels=labels, is_counter=True)
        yield Histogram(
            name="took_seconds",
            text="Took",
            labels=labels,
            buckets=(("0.5", 1), ("+Inf", 3)),
            total=7.5,
        )
    yield MetricSample(name="level", text="Level", value=0.25)


def test_the_page_is_what_prometheus_reads() -> None:
    families = {f.name: f for f in text_string_to_metric_families(Page(samples).render().decode())}
    assert {name: family.type for name, family in families.items()} == {
        "seen": "counter",
        "took_seconds": "histogram",
        "level": "gauge",
    }
    assert [s.value for s in families["seen"].samples] == [5, 5]
    assert families["seen"].samples[0].labels == {"model": 'a"b\\c\nd', "version": "1"}
    took = [(s.name, s.labels.get("le"), s.value) for s in families["took_seconds"].samples]
    assert took[:4] == [
        ("took_seconds_bucket", "0.5", 1),
        ("took_seconds_bucket", "+Inf", 3),
        ("took_seconds_count", None, 3),
        ("took_seconds_sum", None, 7.5),
    ]


def test_the_page_tells_what_is_true_when_it_is_asked() -> None:
    values = iter((1.0, 2.0))
    page = Page(lambda: iter([MetricSample(name="level", text="Level", value=next(values))]))
    assert b"level 1.0" in page.render()
    assert b"level 2.0" in page.render()
