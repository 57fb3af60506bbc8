"""Which errors an alarm is about, minute by minute."""

from datetime import UTC, datetime

import pytest

from diagnosis.evidence import MetricKey, Metrics, Window
from diagnosis.symptom import (
    Family,
    attempted_requests,
    clients_stay_away,
    find_symptom,
    unhealthy_hosts,
)

MINUTES = 180
WINDOW = Window(datetime(2026, 11, 20, 11, 47, tzinfo=UTC), MINUTES)
ELB_5XX = "HTTPCode_ELB_5XX_Count"


def last(count: int, value: float) -> tuple[float | None, ...]:
    """Data points in the last minutes only."""
    return (None,) * (MINUTES - count) + (value,) * count


def metrics(**sums: tuple[float | None, ...]) -> Metrics:
    """Four thousand requests a minute, and these sums."""
    series = {MetricKey(name, "Sum"): values for name, values in sums.items()}
    return Metrics(WINDOW, {MetricKey("RequestCount", "Sum"): (4000.0,) * MINUTES, **series})


def with_unhealthy(told: Metrics, *groups: tuple[float | None, ...]) -> Metrics:
    gauges = {
        MetricKey("UnHealthyHostCount", "Maximum", f"targetgroup/group{number}/1"): values
        for number, values in enumerate(groups)
    }
    return Metrics(WINDOW, {**told.series, **gauges})


# --- Families ---


@pytest.mark.parametrize(
    ("names", "family"),
    [
        (["HTTPCode_ELB_5XX_Count"], Family.SERVER_ERRORS),
        (["HTTPCode_Target_5XX_Count", "RequestCount"], Family.SERVER_ERRORS),
        (["HTTPCode_ELB_502_Count"], Family.SERVER_ERRORS),
        (["HTTPCode_Target_4XX_Count"], Family.CLIENT_ERRORS),
        (["HTTPCode_ELB_4XX_Count", "HTTPCode_ELB_5XX_Count"], Family.SERVER_ERRORS),
        (["RejectedConnectionCount"], Family.REJECTED),
        (["TargetResponseTime"], Family.SERVER_ERRORS),
        ([], Family.SERVER_ERRORS),
    ],
)
def test_the_alarms_metrics_name_the_family_when_nothing_moved(names: list[str], family: Family) -> None:
    symptom = find_symptom(metrics(), names)
    assert (symptom.family, symptom.onset) == (family, None)


def test_the_family_that_the_alarm_names_comes_first_when_both_moved() -> None:
    told = metrics(HTTPCode_Target_4XX_Count=last(5, 400), HTTPCode_ELB_502_Count=last(9, 400))
    symptom = find_symptom(told, ["HTTPCode_Target_4XX_Count"])
    assert symptom.family is Family.CLIENT_ERRORS
    assert symptom.onset is not None
    assert symptom.onset.index == MINUTES - 5


def test_server_errors_are_the_symptom_of_a_quiet_alarm_on_client_errors() -> None:
    symptom = find_symptom(metrics(HTTPCode_ELB_502_Count=last(9, 400)), ["HTTPCode_Target_4XX_Count"])
    assert symptom.family is Family.SERVER_ERRORS


def test_unhealthy_targets_are_the_symptom_when_no_error_moved() -> None:
    symptom = find_symptom(with_unhealthy(metrics(), last(6, 2)), ["UnHealthyHostCount"])
    assert symptom.family is Family.HOSTS
    assert symptom.onset is not None
    assert (symptom.onset.index, symptom.onset.until) == (MINUTES - 6, None)
    assert symptom.onset.after_rate == 2.0


def test_one_unhealthy_target_is_a_level_and_not_too_few_events() -> None:
    symptom = find_symptom(with_unhealthy(metrics(), last(2, 1)), ["UnHealthyHostCount"])
    assert symptom.onset is not None
    assert symptom.onset.index == MINUTES - 2


def test_targets_that_have_been_unhealthy_all_along_are_no_change() -> None:
    chronic = with_unhealthy(metrics(), (2.0,) * MINUTES)
    assert find_symptom(chronic, ["UnHealthyHostCount"]).onset is None


def test_rejected_connections_are_counted_a_minute_and_not_among_requests() -> None:
    symptom = find_symptom(metrics(RejectedConnectionCount=last(6, 9000)), ["RejectedConnectionCount"])
    assert symptom.family is Family.REJECTED
    assert symptom.onset is not None
    assert symptom.onset.after_rate == 9000.0


# --- Parts ---


def test_server_errors_are_told_by_code_and_by_who_made_them() -> None:
    told = metrics(
        HTTPCode_ELB_5XX_Count=last(3, 100),
        HTTPCode_ELB_502_Count=last(3, 60),
        HTTPCode_ELB_504_Count=last(3, 30),
        HTTPCode_Target_5XX_Count=last(3, 5),
    )
    symptom = find_symptom(told, [ELB_5XX])
    newest = {name: values[-1] for name, values in symptom.parts.items() if values[-1]}
    assert newest == {"elb_502": 60, "elb_504": 30, "elb_other_5xx": 10, "target_5xx": 5}
    assert symptom.errors[-1] == 105


def test_codes_that_sum_to_more_than_their_total_leave_no_negative_rest() -> None:
    told = metrics(HTTPCode_ELB_5XX_Count=last(3, 50), HTTPCode_ELB_502_Count=last(3, 60))
    assert find_symptom(told, [ELB_5XX]).parts["elb_other_5xx"] == (0.0,) * MINUTES


def test_unhealthy_targets_are_summed_over_the_groups_and_no_data_point_is_none() -> None:
    told = with_unhealthy(metrics(), last(2, 1), last(1, 3))
    assert unhealthy_hosts(told)[-3:] == (0.0, 1.0, 4.0)


# --- Requests attempted ---


def test_requests_refused_before_a_target_was_chosen_are_attempted_too() -> None:
    told = metrics(HTTPCode_ELB_503_Count=last(1, 300), HTTPCode_ELB_4XX_Count=last(1, 40))
    assert attempted_requests(told)[-2:] == (4000.0, 4340.0)


def test_fixed_responses_are_not_counted_twice_when_they_answer_with_an_error() -> None:
    told = metrics(HTTPCode_ELB_503_Count=last(1, 300), HTTP_Fixed_Response_Count=last(1, 320))
    assert attempted_requests(told)[-1] == 4320.0


# --- Trouble in front of the listener ---

TLS = ["ClientTLSNegotiationErrorCount"]
VOLUME = ["RequestCount"]


def requests(*newest: float, **sums: tuple[float | None, ...]) -> Metrics:
    """Four thousand requests a minute but for the newest minutes, and these sums."""
    told = metrics(**sums)
    quiet = (4000.0,) * (MINUTES - len(newest))
    return Metrics(WINDOW, {**told.series, MetricKey("RequestCount", "Sum"): (*quiet, *newest)})


def test_failed_handshakes_are_the_symptom_of_an_alarm_on_them() -> None:
    symptom = find_symptom(metrics(ClientTLSNegotiationErrorCount=last(6, 900)), TLS)
    assert symptom.family is Family.HANDSHAKES
    assert symptom.onset is not None
    assert symptom.onset.index == MINUTES - 6
    assert symptom.attempted[-1] == 4000.0


@pytest.mark.parametrize("names", [["RequestCount"], ["HTTPCode_Target_2XX_Count"], ["NewConnectionCount"]])
def test_missing_requests_are_the_symptom_of_an_alarm_on_their_number(names: list[str]) -> None:
    symptom = find_symptom(requests(900, 900, 900, 900), names)
    assert symptom.family is Family.LOST
    assert symptom.errors[-4:] == (3100.0,) * 4
    assert symptom.attempted[-1] == 4000.0
    assert symptom.onset is not None
    assert symptom.onset.index == MINUTES - 4


def test_errors_explain_missing_requests_when_they_are_not_much_fewer() -> None:
    refused = last(4, 2400)
    symptom = find_symptom(requests(900, 900, 900, 900, HTTPCode_ELB_5XX_Count=refused), VOLUME)
    assert symptom.family is Family.SERVER_ERRORS


def test_a_few_errors_do_not_explain_many_missing_requests() -> None:
    symptom = find_symptom(requests(900, 900, 900, 900, HTTPCode_ELB_5XX_Count=last(4, 60)), VOLUME)
    assert symptom.family is Family.LOST


def test_failed_handshakes_explain_missing_requests_however_many_they_are() -> None:
    symptom = find_symptom(requests(900, 900, 900, ClientTLSNegotiationErrorCount=last(3, 300)), VOLUME)
    assert symptom.family is Family.HANDSHAKES


def test_an_alarm_on_the_number_of_requests_finds_errors_where_none_is_missing() -> None:
    symptom = find_symptom(metrics(HTTPCode_ELB_502_Count=last(9, 400)), VOLUME)
    assert symptom.family is Family.SERVER_ERRORS
    assert symptom.onset is not None


def test_a_share_that_grows_as_requests_become_fewer_is_no_symptom() -> None:
    rush = (6000.0,) * 120 + (6000.0,) * 30 + (2000.0,) * 30
    told = Metrics(
        WINDOW,
        {
            MetricKey("RequestCount", "Sum"): (2000.0,) * 30 + rush[30:],
            MetricKey("HTTPCode_Target_4XX_Count", "Sum"): (20.0,) * MINUTES,
        },
    )
    assert find_symptom(told, VOLUME).onset is None or find_symptom(told, VOLUME).family is Family.LOST


def test_clients_stay_away_when_handshakes_fail_or_requests_are_missing() -> None:
    assert clients_stay_away(requests(900, 900, 900))
    assert clients_stay_away(metrics(ClientTLSNegotiationErrorCount=last(6, 900)))
    assert not clients_stay_away(metrics(HTTPCode_ELB_502_Count=last(9, 400)))


def test_an_alarm_that_also_watches_errors_is_about_errors() -> None:
    symptom = find_symptom(requests(900, 900, 900), ["HTTPCode_ELB_5XX_Count", "RequestCount"])
    assert symptom.family is Family.SERVER_ERRORS
