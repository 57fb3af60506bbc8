"""The groups of the cause codes (contract, causes.md), in its order."""

from __future__ import annotations

from collections.abc import Mapping

GROUPS: Mapping[str, tuple[str, ...]] = {
    "between load balancer and target": (
        "target_broke_exchange",
        "target_refused_connection",
        "target_connect_timeout",
        "target_tls_failure",
        "keepalive_mismatch",
        "target_timeout",
    ),
    "targets that are not there": (
        "no_usable_targets",
        "targets_fail_to_start",
        "targets_out_of_memory",
        "health_check_mismatch",
        "target_drain_race",
        "cold_targets",
        "capacity_unavailable",
        "zonal_impairment",
        "single_target_fault",
    ),
    "the application": (
        "application_errors",
        "dependency_failure",
        "target_saturated",
        "application_rejects_requests",
    ),
    "traffic": ("traffic_surge", "traffic_flood"),
    "the load balancer itself": (
        "listener_misroute",
        "load_balancer_capacity",
        "identity_provider_failure",
        "listener_tls_failure",
        "surge_queue_overflow",
    ),
    "clients": ("client_aborts", "client_malformed_requests", "protocol_mismatch"),
    "the firewall": (
        "waf_managed_rule_false_positive",
        "waf_rule_change",
        "waf_geo_or_ip_block",
        "waf_rate_limit",
        "waf_attack_blocked",
        "waf_evaluation_failure",
    ),
    "functions": (
        "lambda_function_error",
        "lambda_response_contract",
        "lambda_timeout",
        "lambda_out_of_memory",
        "lambda_throttled",
        "lambda_access_denied",
    ),
    "API gateways": (
        "gateway_throttled",
        "gateway_integration_timeout",
        "gateway_auth_rejected",
        "gateway_route_missing",
    ),
    "the edge": (
        "origin_errors",
        "origin_unreachable",
        "origin_tls_failure",
        "origin_timeout",
        "origin_access_denied",
        "cached_error",
        "edge_function_error",
    ),
    "the provider": ("provider_event",),
    "not an incident": ("low_traffic", "base_rate", "scanner_noise", "synthetic_only"),
    "unknown": ("inconclusive",),
}


def group_of(code: str) -> str:
    """The group that a code belongs to. Raises KeyError for a code that is none of the contract's."""
    return next((name for name, codes in GROUPS.items() if code in codes), None) or _unknown(code)


def _unknown(code: str) -> str:
    raise KeyError(f"{code} is in no group of the contract")
