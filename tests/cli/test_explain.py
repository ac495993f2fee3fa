"""The explain command."""

import json

import pytest
from click.testing import CliRunner

from collector.cli.explain import explain
from collector.tlsrpt.result_types import RESULT_TYPES

EXPIRED = """\
certificate-expired  (RFC 8460 §4.3.1, negotiation)
  Meaning
    The certificate that the MX host presented is past its end date.
  Likely cause
    It was not renewed, or it was renewed and the mail server still serves the
    old one because nothing reloaded it.
  What to do
    Renew it now (certbot renew) and reload what serves it (systemctl reload
    postfix; dovecot too where it shares the certificate). Make that automatic
    with certbot renew --deploy-hook "systemctl reload postfix". Look at every
    MX host: a backup MX is easily missed.
  Seen by one organization only
    It may connect to another address of the host (IPv6, one node behind a load
    balancer) that still serves the old certificate.
  To check
    openssl s_client -starttls smtp -connect MX-HOST:25 -servername MX-HOST \
</dev/null 2>/dev/null | openssl x509 -noout -dates
    openssl s_client -starttls smtp -connect MX-HOST:25 -servername MX-HOST \
-verify_hostname MX-HOST -verify_return_error </dev/null
"""


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def test_a_result_type_is_explained() -> None:
    assert (0, EXPIRED) == run("certificate-expired")


def test_letter_case_and_blanks_do_not_matter() -> None:
    assert (0, EXPIRED) == run(" Certificate-Expired ")


def test_without_a_name_all_are_explained_in_the_order_of_the_rfc() -> None:
    status, output = run()

    headings = [line.split("  (")[0] for line in output.splitlines() if line and not line.startswith(" ")]
    assert (0, list(RESULT_TYPES)) == (status, headings)


def test_the_text_is_as_wide_as_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")

    _, output = run("certificate-expired")

    prose = output.partition("  To check")[0]
    assert 50 >= max(len(line) for line in prose.splitlines()[1:])


def test_an_unknown_type_is_wrong_usage_and_names_the_nearest_and_all() -> None:
    result = CliRunner().invoke(explain, ["certificate-expird"])

    assert (2, "") == (result.exit_code, result.stdout)
    assert "'certificate-expird' is no result type of RFC 8460. Did you mean certificate-expired?" in (
        result.stderr
    )
    assert all(f"\n  {name}" in result.stderr for name in RESULT_TYPES)


def test_an_unknown_type_is_shown_without_what_steers_a_terminal() -> None:
    result = CliRunner().invoke(explain, ["x\x1b[2J\u202ey"])

    assert "'x[2Jy' is no result type of RFC 8460.\n" in result.stderr


def test_json_is_one_document_with_all_that_is_known() -> None:
    status, output = run("certificate-host-mismatch", "--format", "json")

    entry = RESULT_TYPES["certificate-host-mismatch"]
    session = "openssl s_client -starttls smtp -connect MX-HOST:25 -servername MX-HOST"
    assert (
        0,
        [
            {
                "result_type": "certificate-host-mismatch",
                "section": "RFC 8460 §4.3.1",
                "group": "negotiation",
                "meaning": entry.meaning,
                "cause": entry.cause,
                "action": entry.action,
                "at_one_organization": entry.at_one_organization,
                "checks": [
                    f"{session} </dev/null 2>/dev/null | openssl x509 -noout -subject -ext subjectAltName",
                    f"{session} -verify_hostname MX-HOST -verify_return_error </dev/null",
                    "curl -sS -i https://mta-sts.DOMAIN/.well-known/mta-sts.txt",
                ],
            }
        ],
    ) == (status, json.loads(output))


def test_json_without_a_name_has_all() -> None:
    _, output = run("--format", "json")

    assert list(RESULT_TYPES) == [entry["result_type"] for entry in json.loads(output)]


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(explain, arguments)
    return result.exit_code, result.stdout
