"""What scripts are given of a stream."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from statistics import fmean
from typing import Any

import pytest

from simulations.stream.kept import Kept, kept
from simulations.stream.result import result_of
from simulations.stream.story import Quality, StreamStory
from tests.simulations.stream.stories import EVENTS, HAPPENINGS, KEPT, N_TICKS, TOLD, empty, story, without_model

PATHS = re.compile(r"(?<![\w.<])/(?:home|root|tmp|usr|var|work|mnt)\b")


def read(made: StreamStory) -> Any:
    return json.loads(json.dumps(result_of(made), allow_nan=False))


@pytest.fixture(scope="module")
def result() -> Any:
    return read(story())


def test_the_result_is_json_without_paths_and_the_same_each_time(result: Any) -> None:
    assert result["schema"] == "fedclaims/stream/1"
    assert json.dumps(read(story())) == json.dumps(result)
    assert PATHS.findall(json.dumps(result, ensure_ascii=False)) == []


def test_every_window_is_in_the_result_published_or_kept_for_a_reason(result: Any) -> None:
    ticks = result["ticks"]
    assert [tick["number"] for tick in ticks] == list(range(1, N_TICKS + 1))
    assert {tick["number"]: tick["kept_because"] for tick in ticks if not tick["published"]} == KEPT
    assert result["figures"]["kept"] == {"cohort": 1, "lost": 1, "pooled": 2}
    assert result["figures"]["published"] == N_TICKS - 4
    assert ticks[12]["asked"] == 2
    assert (ticks[0]["clusters"], ticks[0]["ratio"], ticks[13]["quarantined"]) == (0, None, 1)


@pytest.mark.parametrize(
    ("because", "sort"),
    [
        ("", None),
        ("too few claims: feasibility index 2.1", Kept.POOLED),
        ("CohortError: too few", Kept.COHORT),
        ("RoundLostError: gone", Kept.LOST),
        ("RefusedError: no", Kept.REFUSED),
        ("PlanError: no", Kept.PLAN),
        ("something new", Kept.OTHER),
    ],
)
def test_reasons_to_keep_a_model_are_sorted_and_none_is_lost(because: str, sort: Kept | None) -> None:
    assert kept(because) is sort


def test_ratios_are_those_to_the_oracle_of_the_window() -> None:
    quality = Quality(inertia=0.3, oracle=0.25, frozen=0.5, riv=0.6)
    made = replace(story(), ticks=(replace(story().ticks[5], quality=quality),))
    tick = read(made)["ticks"][0]
    assert (tick["ratio"], tick["frozen_ratio"]) == (pytest.approx(1.2), pytest.approx(2.0))


def test_means_and_percentiles_are_those_of_the_windows(result: Any) -> None:
    figures, ticks = result["figures"], result["ticks"][2:]
    for name, key in (("ratio", "ratio"), ("frozen", "frozen_ratio")):
        values = sorted(tick[key] for tick in ticks)
        assert figures[name]["mean"] == pytest.approx(fmean(values))
        assert values[-5] <= figures[name]["p95"] <= values[-4]
    assert figures["riv_log_cost"] == pytest.approx(fmean(tick["riv_log_cost"] for tick in ticks))


def test_alarms_come_in_both_languages_with_the_minutes_since_their_happening(result: Any) -> None:
    alarms = result["alarms"]
    assert [alarm["window"] for alarm in alarms] == sorted([*TOLD, *(event.window for event in EVENTS)])
    assert all(alarm["en"] and alarm["zh"] != alarm["en"] for alarm in alarms)
    assert [one["minutes"] for one in result["happenings"]] == [45, 120, None, 120, 150, None]
    for number, happening in enumerate(result["happenings"], 1):
        if happening["alarm"] is not None:
            because = alarms[happening["alarm"] - 1]["happenings"]
            assert {"number": number, "minutes": happening["minutes"]} in because
    figures = result["figures"]
    assert (figures["happenings"], figures["happenings_to_tell"], figures["happenings_told"]) == (len(HAPPENINGS), 5, 4)
    assert figures["minutes_to_alarm"] == {"median": 120, "most": 150}
    assert figures["alarms"] == len(alarms) == sum(figures["alarms_by_kind"].values())


def test_living_clusters_are_told_with_where_they_came_from(result: Any) -> None:
    clusters = {one["identity"]: one for one in result["clusters"]}
    assert clusters.keys() == {1, 2, 4, 6, 7, 8, 9}
    assert sum(one["share"] for one in clusters.values()) == pytest.approx(1)
    assert (clusters[2]["origin"], clusters[2]["took_in"]) == ("seeded", [5])
    assert (clusters[8]["origin"], clusters[8]["came_from"], clusters[8]["born"]) == ("split", [1], 60)
    assert (clusters[9]["origin"], clusters[9]["standing"], clusters[4]["standing"]) == (
        "birth",
        "quarantined",
        "pinned",
    )


def test_a_cluster_whose_beginning_is_forgotten_has_no_origin() -> None:
    ticks = story().ticks
    assert ticks[-1].state is not None
    forgetful = ticks[-1].state.model_copy(update={"events": ()})
    made = replace(story(), ticks=(replace(ticks[-1], state=forgetful),))
    assert {one["origin"] for one in read(made)["clusters"]} == {None}


def test_a_cluster_that_a_late_state_has_forgotten_is_known_from_earlier_ones() -> None:
    ticks = story().ticks
    assert ticks[-1].state is not None
    forgetful = ticks[-1].state.model_copy(update={"events": ()})
    made = replace(story(), ticks=(*ticks[:-1], replace(ticks[-1], state=forgetful)))
    assert read(made)["clusters"] == read(story())["clusters"]


def test_a_stream_without_windows_or_models_has_a_result() -> None:
    assert read(empty())["figures"]["ratio"] == {"mean": None, "p95": None}
    bare = read(without_model())
    assert (bare["figures"]["published"], bare["clusters"], bare["alarms"]) == (0, [], [])
