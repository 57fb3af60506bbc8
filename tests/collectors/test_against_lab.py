"""The readings with real clients against the staged AWS: requests that it takes, answers as it sends them."""

import time
from collections.abc import Iterator

import pytest

from collectors.gather import Gathered, gather
from collectors.reading import NOT_LOOKED_UP, Scope, complete_minutes
from diagnosis.evidence import Changes, Deployments, Evidence, Metrics, Missing
from diagnosis.incident import EntryPoint
from lab.staging import Lab


def _gather(lab: Lab) -> Gathered:
    staged, now = lab.scenario, lab.clock.now()
    balancer = staged.load_balancer
    entry_point = EntryPoint("alb", balancer.dimension, balancer.name, None, staged.account, staged.region)
    asked = Scope(lab.client, entry_point, now, complete_minutes(now), now)
    return gather(asked, deadline_seconds=60, clock=time.monotonic)


@pytest.fixture(scope="module")
def evidence() -> Iterator[Evidence]:
    with Lab.stage("release-breaks-responses") as lab:
        gathered = _gather(lab)
        assert not gathered.unexpected
        yield gathered.evidence


def test_nothing_is_missing_of_an_aws_that_answers(evidence: Evidence) -> None:
    assert {reason for _, reason in evidence.missing()} <= {NOT_LOOKED_UP}


def test_the_errors_of_the_release_stand_in_their_minutes(evidence: Evidence) -> None:
    assert isinstance(evidence.metrics, Metrics)
    errors = evidence.metrics.counts("HTTPCode_ELB_502_Count")
    assert (errors[-4], errors[-3:]) == (0.0, (369.0, 369.0, 370.0))
    assert not evidence.metrics.unread


def test_the_release_and_the_one_before_are_found_with_group_tags_and_targets(evidence: Evidence) -> None:
    assert isinstance(evidence.deployments, Deployments)
    release, before = evidence.deployments.found
    assert (release.id, before.id) == ("d-NEW240XYZ", "d-OLD231XYZ")
    assert not isinstance(release.group, Missing)
    assert release.group.target_groups == ("orders",)
    assert release.group.tags == {"gateway-triage:auto-rollback": "enabled"}
    assert not isinstance(release.targets, Missing)
    assert len(release.targets) == 6
    assert release.revision
    assert before.revision
    assert release.revision.id != before.revision.id


def test_the_changes_of_the_release_itself_are_recorded(evidence: Evidence) -> None:
    assert isinstance(evidence.changes, Changes)
    assert {each.name for each in evidence.changes.found} >= {"CreateDeployment", "RegisterTargets"}
