"""A route, method or stage that callers ask for is not deployed."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.evidence import Missing
from diagnosis.facts import Facts
from diagnosis.facts.gateway import GatewayFacts
from diagnosis.facts.gateway_answers import Reason
from diagnosis.gateway_context import (
    ACCESS_LOG,
    API_GATEWAY,
    edited,
    edits,
    firewall_blocks,
    log_tells,
    refused_before_the_back_end,
    rising,
    said_by_log,
    shared_series,
    users_refused,
)
from diagnosis.symptom import Family

JUST_BEFORE = timedelta(minutes=4)
MANY_PATHS = 40
EDITED = (
    "Deployment", "Stage", "Route", "Resource", "Method", "RestApi", "ReimportApi", "UpdateApi", "Mapping",
)  # fmt: skip


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh requests that match no route, right after the API was deployed or a route was taken away."""
    api = rising(facts, Family.CLIENT_ERRORS)
    if api is None:
        yield Signal(-6.0, "client errors of an API are not what rose", "CloudWatch 4XXError")
        return
    yield from shared_series(facts)
    yield from firewall_blocks(facts)
    yield from said_by_log(facts, 3.5, Reason.NO_ROUTE)
    yield from users_refused(facts, 1.5)
    if not log_tells(facts):
        yield from refused_before_the_back_end(facts, 1.0)
    yield from _deployed(facts, api)
    yield from edited(edits(facts, *EDITED), 2.0)
    if (
        api.paths is not None
        and api.sources is not None
        and api.paths >= MANY_PATHS
        and api.sources * 4 <= api.paths
    ):
        yield Signal(-2.0, f"{api.sources} callers ask for {api.paths} paths, as scanners do", ACCESS_LOG)


def _deployed(facts: Facts, api: GatewayFacts) -> Iterator[Signal]:
    known = api.api is not None and not isinstance(api.api.stages, Missing)
    if known and api.deployed is None and not edits(facts, *EDITED):
        yield Signal(-1.5, "nothing was deployed to the stage lately", "GetStages")
    if api.lost_routes:
        more = f" and {len(api.lost_routes) - 1} more" if len(api.lost_routes) > 1 else ""
        yield Signal(4.0, f"the last deployment took {api.lost_routes[0]}{more} away", "GetDeployment")
    if api.deployed and facts.onset:
        before = facts.onset - api.deployed
        if timedelta(minutes=-2) <= before <= JUST_BEFORE:
            yield Signal(1.5, f"the stage was deployed to at {api.deployed:%H:%M:%S}", "GetStages")


def component(facts: Facts) -> str | None:
    """The route that is gone, else the API."""
    api = facts.gateway
    if api is None:
        return None
    return api.lost_routes[0] if api.lost_routes else api.name


CAUSE = Cause(
    code="gateway_route_missing",
    origin=Origin.GATEWAY,
    title="Callers ask for a route that is not deployed",
    why=(
        "A deployment of the API, or an edit of its routes, left out a route, a method or a stage. A REST API"
        " answers 403 Missing Authentication Token, an HTTP API 404."
    ),
    prior=-1.5,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check(
            "List the paths that are refused from the access log, or ask for one that worked before.",
            Look.LOGS,
        ),
        Check("Compare the routes of the stage's deployment with those of the one before.", Look.ROUTES),
        Check("Point the stage back at the deployment before, or deploy again with the route.", Look.STAGE),
    ),
    prevention="Compare the routes of each new deployment with the last one before it is given to the stage.",
    retry=Retry.NOT_UNCHANGED,
    rollback_helps=False,
    triggers={"configuration_change": 2.0, "deployment": -2.0, "traffic_change": -2.0},
    touched_by=(Effect.GATEWAY,),
    systems=API_GATEWAY,
    owner=Owner.PLATFORM,
    short="missing deployment",
    component=component,
    sources=(
        "API Gateway developer guide, gateway response types: MISSING_AUTHENTICATION_TOKEN",
        "API Gateway developer guide, deploying REST APIs",
    ),
    known_problems="A REST API says the same of a route that exists and was called without a signature.",
    cases=(
        Case(
            "a deployment left a route out",
            True,
            {
                "alarm": {"metric": "4XXError"},
                "api": {
                    "access_log": "json",
                    "deployed": -5.4,
                    "lost_routes": ["GET /prices"],
                    "routes": {
                        "GET /orders": {},
                        "GET /prices": {
                            "missing": True,
                            "requests": "900",
                            "backend_4xx": "0",
                            "route_missing": "0, -5: 900",
                        },
                    },
                },
            },
        ),
        Case(
            "an HTTP API lost a route and keeps no log",
            True,
            {
                "alarm": {"metric": "4xx"},
                "api": {
                    "kind": "http",
                    "deployed": -7.5,
                    "routes": {
                        "GET /orders": {},
                        "GET /prices": {
                            "missing": True,
                            "requests": "900",
                            "backend_4xx": "0",
                            "route_missing": "0, -7: 900",
                        },
                    },
                },
                "changes": [
                    {
                        "at": "-7.6",
                        "name": "DeleteRoute",
                        "source": "apigateway",
                        "by": "deploy-bot",
                        "resources": ["a1b2c3d4e5"],
                    }
                ],
            },
        ),
        Case(
            "a scanner asks for odd paths",
            False,
            {
                "alarm": {"metric": "4XXError"},
                "api": {
                    "access_log": "json",
                    "routes": {
                        "GET /orders": {},
                        "GET /wp-login.php": {
                            "missing": True,
                            "odd_paths": True,
                            "callers": 3,
                            "requests": "0, -6: 700",
                            "backend_4xx": "0",
                            "route_missing": "0, -6: 700",
                        },
                    },
                },
            },
        ),
    ),
)
