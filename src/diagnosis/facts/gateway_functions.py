"""The functions behind an API, as far as causes of the gateway's own look at them."""

from diagnosis.evidence import Evidence, Metrics, Missing
from diagnosis.shift import Shift, Span, count_shift
from diagnosis.systems.gateway import Api


def _figures(evidence: Evidence) -> dict[str, Metrics]:
    """The functions' own figures, where they could be read."""
    functions = {} if isinstance(evidence.functions, Missing) else evidence.functions
    return {name: each.metrics for name, each in functions.items() if not isinstance(each.metrics, Missing)}


def invoked(api: Api | None, evidence: Evidence, span: Span) -> Shift | None:
    """How often the functions behind the routes were called, if they are all that stands behind them."""
    known = _figures(evidence)
    serving = [each for each in (api.known_integrations if api else ()) if each.kind != "mock"]
    wanted = {each.function or "" for each in serving}
    if not wanted or not wanted <= set(known):
        return None
    called = [known[name].counts("Invocations") for name in sorted(wanted)]
    total = tuple(map(sum, zip(*called, strict=True)))
    called_so_often = count_shift(total, (1.0,) * len(total), span)
    # A function that was never called before is not what serves this API, or its figures are not there.
    return called_so_often if called_so_often.before else None


def raising(evidence: Evidence, span: Span) -> dict[str, Shift]:
    """The functions whose errors rose, authorizers among them."""
    errors = {
        name: count_shift(metrics.counts("Errors"), metrics.counts("Invocations"), span)
        for name, metrics in _figures(evidence).items()
    }
    return {name: shift for name, shift in errors.items() if shift.risen}


def deciding_functions(evidence: Evidence) -> frozenset[str]:
    """The functions that decide on callers: where callers are rejected, they may fail without an error."""
    api = None if isinstance(evidence.gateway, Missing) else evidence.gateway
    return frozenset(each.function for each in api.known_authorizers if each.function) if api else frozenset()


def gateway_itself(evidence: Evidence) -> frozenset[str]:
    """The API's name where none of the functions and load balancers behind it fails and there is nothing
    else behind it: then a deployment elsewhere is not one of what fails. Empty where that cannot be told.
    """
    api = None if isinstance(evidence.gateway, Missing) else evidence.gateway
    if api is None:
        return frozenset()
    functions = {} if isinstance(evidence.functions, Missing) else evidence.functions
    origins = {} if isinstance(evidence.origins, Missing) else evidence.origins
    read = {name for name, each in origins.items() if not isinstance(each, Missing)}
    serving = [each for each in api.known_integrations if each.kind != "mock"]
    known = all(each.function in functions or each.address in read for each in serving)
    return frozenset({api.name}) if serving and known else frozenset()
