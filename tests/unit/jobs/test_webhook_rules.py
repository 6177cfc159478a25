"""Where webhooks may go, and how they are signed."""

from __future__ import annotations

import base64
import ipaddress
from pathlib import Path

import pytest

from haversack.errors import HaversackError
from haversack.jobs.webhook_post import post
from haversack.jobs.webhook_rules import WebhookRules, read_secret

RULES = WebhookRules(secret=b"x" * 32)


@pytest.mark.parametrize(
    "url", ["https://example.org/hook", "http://example.org:8080/a?b=c", "https://8.8.8.8/"]
)
def test_open_addresses_may_be_told(url: str) -> None:
    assert RULES.check_url(url).hostname


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://example.org/", "//example.org", "example.org", "https://", "https://a b.org/"),
        *("https://me:secret@example.org/", "https://example.org:99999/", "https://é.org/"),
        *("http://127.0.0.1/", "http://10.1.2.3/", "http://192.168.0.1/", "http://169.254.1.1/"),
        *("http://[::1]/", "http://[fe80::1]/", "http://[::ffff:127.0.0.1]/", "http://0.0.0.0/"),
        *("http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/", "http://224.0.0.1/"),
        *("http://100.64.0.1/", "https://example.org/" + "a" * 2000, "https://example.org:0/"),
    ],
)
def test_what_is_private_or_no_address_is_refused(url: str) -> None:
    with pytest.raises(HaversackError) as caught:
        RULES.check_url(url)
    assert caught.value.code == "webhook-refused"


def test_an_allowed_network_may_be_told_and_no_other() -> None:
    rules = WebhookRules(secret=b"x" * 32, allowed=(ipaddress.ip_network("10.0.0.0/8"),))
    assert rules.check_url("http://10.9.8.7/hook")
    with pytest.raises(HaversackError):
        rules.check_url("http://192.168.0.1/")


def test_a_name_that_leads_to_a_private_address_is_refused_before_anything_is_sent() -> None:
    for addresses in (["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::1"], ["fe80::1%eth0"], []):
        with pytest.raises(HaversackError) as caught:
            post("https://example.org/", b"{}", {}, RULES, lambda *_: addresses)  # noqa: B023
        assert caught.value.code == "webhook-refused"


def test_the_signature_is_the_one_of_the_specification() -> None:
    """Source: Standard Webhooks, the example of its libraries' tests."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    rules = WebhookRules(secret=secret)
    signed = rules.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_comes_from_a_file_that_nobody_else_reads(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("whsec_" + base64.b64encode(b"y" * 32).decode() + "\n")
    file.chmod(0o644)
    with pytest.raises(HaversackError) as caught:
        read_secret(file)
    assert caught.value.code == "webhook-secret-open"
    file.chmod(0o600)
    assert read_secret(file) == b"y" * 32
    for text in ("", "whsec_", "whsec_c2hvcnQ=", "whsec_!!!", base64.b64encode(b"y" * 32).decode()):
        file.write_text(text)
        with pytest.raises(HaversackError) as caught:
            read_secret(file)
        assert caught.value.code == "webhook-secret-invalid"
