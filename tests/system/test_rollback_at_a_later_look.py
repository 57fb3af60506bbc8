"""A rollback that only a later look proves right: all guards are asked, all is read anew, it is made once."""

from lab import Fault, Lab
from tests.system.answers import acts, all_schema_problems, decision, posted, refusing, stored_documents
from tests.system.famous import GOOD, RELEASE

AFTER_THE_LAST_LOOK = 14
UNSEEN = {"cloudtrail.LookupEvents": Fault("Throttling", function="AlarmFunction")}


def looked(lab: Lab, number: int) -> list[str]:
    """What the follow-up's invocation of this place read, in order."""
    looks = [each.number for each in lab.invocations if each.function == "FollowUpFunction"]
    return [f"{each.service}.{each.operation}" for each in lab.calls if each.invocation == looks[number]]


def test_it_is_refused_while_changes_are_unseen_and_made_once_when_they_are() -> None:
    with Lab.stage(RELEASE, faults=UNSEEN) as lab:
        document = lab.run_alarm()
        assert decision(document) == "refused"
        assert "evidence_complete" in refusing(document)
        lab.run_until(AFTER_THE_LAST_LOOK)
        [made] = acts(lab)
        assert made["revision"]["s3Location"]["key"] == GOOD
        assert "A rollback is now proven to be right." in posted(lab)[1].words()
        assert not all_schema_problems(lab)


def test_what_it_rests_on_is_read_anew_and_the_kill_switch_is_asked() -> None:
    with Lab.stage(RELEASE, faults=UNSEEN) as lab:
        lab.run_alarm()
        lab.run_until(4)
        read = looked(lab, 0)
        assert read.count("elbv2.DescribeTargetHealth") > 1
        assert "codedeploy.ListDeployments" in read
        assert "ssm.GetParameter" in read


def test_it_is_not_made_where_reading_anew_shows_less() -> None:
    lost = {**UNSEEN, "codedeploy.ListDeployments": Fault("Throttling", function="FollowUpFunction")}
    with Lab.stage(RELEASE, faults=lost) as lab:
        lab.run_alarm()
        lab.run_until(AFTER_THE_LAST_LOOK)
        assert acts(lab) == []
        assert all(decision(each) == "refused" for each in stored_documents(lab).values())
