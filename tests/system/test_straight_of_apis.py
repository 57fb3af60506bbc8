"""The evidence of an API straight from a scenario's data is what the collectors read from the staged AWS."""

import time

import pytest

from collectors.gather import gather
from collectors.reading import Scope, complete_minutes
from lab import Lab
from lab.straight import entry_point_of, evidence_of

SCENARIOS = (
    "api-tokens-of-the-new-tenant-are-refused",
    "api-deployment-leaves-the-old-version-out",
    "api-websocket-function-raises-on-every-message",
)


@pytest.mark.parametrize("name", SCENARIOS)
def test_straight_evidence_of_an_api_is_what_the_collectors_read(name: str) -> None:
    with Lab.stage(name) as lab:
        staged, now = lab.scenario, lab.clock.now()
        asked = Scope(lab.client, entry_point_of(staged), now, complete_minutes(now), now)
        gathered = gather(asked, deadline_seconds=60, clock=time.monotonic)

        assert not gathered.unexpected
        assert gathered.evidence == evidence_of(staged)
