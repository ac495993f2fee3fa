"""The eleven result types, and the commands that check them."""

import shlex
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.tlsrpt.names import is_ldh_name
from collector.tlsrpt.result_types import MISSING, RESULT_TYPES, UNKNOWN, ResultType, commands, explain

EVERY_ENTRY = (*RESULT_TYPES.values(), UNKNOWN, MISSING)

SESSION = "openssl s_client -starttls smtp -connect MX-HOST:25 -servername MX-HOST"


def test_the_table_holds_the_registry_of_rfc_8460() -> None:
    assert {
        "starttls-not-supported": "RFC 8460 §4.3.1",
        "certificate-host-mismatch": "RFC 8460 §4.3.1",
        "certificate-expired": "RFC 8460 §4.3.1",
        "certificate-not-trusted": "RFC 8460 §4.3.1",
        "validation-failure": "RFC 8460 §4.3.3",
        "tlsa-invalid": "RFC 8460 §4.3.2.1",
        "dnssec-invalid": "RFC 8460 §4.3.2.1",
        "dane-required": "RFC 8460 §4.3.2.1",
        "sts-policy-fetch-error": "RFC 8460 §4.3.2.2",
        "sts-policy-invalid": "RFC 8460 §4.3.2.2",
        "sts-webpki-invalid": "RFC 8460 §4.3.2.2",
    } == {name: entry.section for name, entry in RESULT_TYPES.items()}


@pytest.mark.parametrize("entry", EVERY_ENTRY, ids=lambda entry: entry.name)
def test_every_entry_is_complete_and_its_paragraphs_end_in_a_full_stop(entry: ResultType) -> None:
    paragraphs = (entry.meaning, entry.cause, entry.action, entry.at_one_organization)

    assert (".",) * 4 == tuple(paragraph[-1] for paragraph in paragraphs)
    assert entry.checks


@pytest.mark.parametrize("entry", EVERY_ENTRY, ids=lambda entry: entry.name)
def test_every_check_has_no_placeholder_but_the_two_names(entry: ResultType) -> None:
    fields = {name for check in entry.checks for _, name, _, _ in string.Formatter().parse(check) if name}

    assert fields <= {"mx_host", "policy_domain"}


def test_a_type_that_the_rfc_does_not_know_is_said_to_be_unknown() -> None:
    assert UNKNOWN == explain("certificate-moldy")
    assert "unknown to RFC 8460" in UNKNOWN.meaning


def test_a_missing_type_is_not_the_same_as_an_unknown_one() -> None:
    assert MISSING == explain(None)


def test_the_policy_host_is_what_sts_webpki_invalid_is_about() -> None:
    """RFC 8460 §4.3.2.2: the *policy* could not be authenticated; MX hosts have types of their own."""
    assert (
        "openssl s_client -connect mta-sts.example.com:443 -servername mta-sts.example.com"
        " -verify_hostname mta-sts.example.com -verify_return_error </dev/null"
    ) == commands("sts-webpki-invalid", policy_domain="example.com", mx_host=None)[0]


def test_commands_carry_the_real_names() -> None:
    assert (
        "dig +dnssec TLSA _25._tcp.mx1.example.net",
        "delv TLSA _25._tcp.mx1.example.net",
        "delv MX example.com",
    ) == commands("dane-required", policy_domain="example.com", mx_host="mx1.example.net")


def test_commands_without_names_have_placeholders() -> None:
    assert (f"{SESSION} </dev/null", "dig +short MX DOMAIN") == commands(
        "starttls-not-supported", policy_domain=None, mx_host=None
    )


@pytest.mark.parametrize(
    "name",
    [
        "mx1.example.com;reboot",
        "$(reboot).example.com",
        "`reboot`",
        "mx1.example.com\nreboot",
        "-starttls",
        "{policy_domain}",
        "mx_1.example.com",
        "MX1 .example.com",
        "a" * 254,
        "",
    ],
)
def test_a_name_that_is_not_of_letters_digits_and_hyphens_leaves_its_placeholder(name: str) -> None:
    placeholders = commands("certificate-expired", policy_domain=None, mx_host=None)

    assert placeholders == commands("certificate-expired", policy_domain=name, mx_host=name)


@given(result_type=st.text(), policy_domain=st.text(), mx_host=st.text())
def test_no_text_of_a_report_but_a_safe_name_ever_enters_a_command(
    result_type: str, policy_domain: str, mx_host: str
) -> None:
    shown = commands(result_type, policy_domain=policy_domain, mx_host=mx_host)

    safe_domain = policy_domain if is_ldh_name(policy_domain) else None
    safe_host = mx_host if is_ldh_name(mx_host) else None
    assert commands("not-registered", policy_domain=safe_domain, mx_host=safe_host) == shown


@pytest.mark.parametrize("entry", EVERY_ENTRY, ids=lambda entry: entry.name)
def test_every_command_is_something_a_shell_can_read(entry: ResultType) -> None:
    for command in commands(entry.name, policy_domain="example.com", mx_host="mx1.example.com"):
        first = shlex.split(command)[0]

        assert first in {"openssl", "curl", "dig", "delv", "tlsrpt-collector"}
