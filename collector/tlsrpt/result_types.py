"""The result types of RFC 8460 §4.3: what each means, why it happens, what to do, how to check.

The registry "STARTTLS Validation Result Types" still holds the eleven initial values, and is
expected to grow: a type that is not in the table gets an honest entry that says so.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from collector.tlsrpt import check
from collector.tlsrpt.names import is_ldh_name

MX_HOST_PLACEHOLDER = "MX-HOST"
POLICY_DOMAIN_PLACEHOLDER = "DOMAIN"


class Group(StrEnum):
    """What failed, in the RFC's own division."""

    NEGOTIATION = "negotiation"
    """The TLS session with an MX host (§4.3.1)."""

    DANE = "dane"
    """The DANE policy, before or instead of a session (§4.3.2.1)."""

    MTA_STS = "mta-sts"
    """The MTA-STS policy, before any session (§4.3.2.2)."""

    GENERAL = "general"
    """What fits nowhere else (§4.3.3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultType:
    """One result type, in words for the postmaster of the receiving domain.

    ``at_one_organization`` is what to look at first when a single organization reports it.
    ``checks`` are shell commands, the most telling first, with ``{mx_host}`` and
    ``{policy_domain}`` to be filled in by :func:`commands` and by nothing else.
    """

    name: str
    section: str
    group: Group
    meaning: str
    cause: str
    action: str
    at_one_organization: str
    checks: tuple[str, ...]


def explain(result_type: str | None) -> ResultType:
    """Return the entry of a result type; a general one where it is unknown or missing."""
    if result_type is None:
        return MISSING
    return RESULT_TYPES.get(result_type, UNKNOWN)


def commands(result_type: str | None, *, policy_domain: str | None, mx_host: str | None) -> tuple[str, ...]:
    """Return the commands that check a result type, the most telling first.

    Names come from reports: only letters, digits and hyphens get into a command, and
    quoted; any other name leaves its placeholder. No other text of a report ever does.
    """
    names = {
        "mx_host": _safe(mx_host, MX_HOST_PLACEHOLDER),
        "policy_domain": _safe(policy_domain, POLICY_DOMAIN_PLACEHOLDER),
    }
    return tuple(template.format(**names) for template in explain(result_type).checks)


def _safe(name: str | None, placeholder: str) -> str:
    if name is None or not is_ldh_name(name):
        return placeholder
    return shlex.quote(name)


# ── The table ─────────────────────────────────────────────────────────────────

_TABLE = (
    ResultType(
        name="starttls-not-supported",
        section="RFC 8460 §4.3.1",
        group=Group.NEGOTIATION,
        meaning=(
            "The MX host did not offer STARTTLS. Under an MTA-STS policy in mode enforce, or under DANE, the "
            "mail was not delivered; otherwise it went in the clear."
        ),
        cause=(
            "TLS is switched off on this MX host, often a backup MX, or its certificate or key file cannot "
            "be read. A firewall that rewrites SMTP can also hide STARTTLS; so can an attacker on the way."
        ),
        action=(
            "Offer STARTTLS on port 25. In Postfix set smtpd_tls_security_level = may and "
            "smtpd_tls_chain_files, run systemctl reload postfix, and read its log for certificate files "
            "that it cannot open. Switch off SMTP inspection in the firewall. Take an MX host that cannot "
            "do TLS out of the MX records."
        ),
        at_one_organization=(
            "Something on the way from that organization, or a rule for its addresses, may hide STARTTLS "
            "(smtpd_discard_ehlo_keyword_address_maps in Postfix, a firewall). Check from outside your own "
            "network."
        ),
        checks=(check.MX_SESSION, check.MX_LIST),
    ),
    ResultType(
        name="certificate-host-mismatch",
        section="RFC 8460 §4.3.1",
        group=Group.NEGOTIATION,
        meaning=(
            "The certificate that the MX host presented is not for the name that the policy requires: "
            "usually the MX host name is missing from its subjectAltName (SAN)."
        ),
        cause=(
            "The certificate was issued for other names (the domain itself, the web site, a shared hoster), "
            "or the host chose the wrong one by SNI. A new or second MX host is often forgotten. A name in "
            "the subject (CN) alone does not count."
        ),
        action=(
            "Get a certificate whose SAN holds the exact MX host name (certbot certonly -d with that name; "
            "a wildcard covers one label), install it on this host and run systemctl reload postfix. If the "
            "host is not among the mx lines of your MTA-STS policy, add it there and then change the id in "
            "_mta-sts."
        ),
        at_one_organization=(
            "It may still use an older MTA-STS policy from its cache, without the name of a new MX host, or "
            "another of the host's addresses (IPv6), where another certificate is served."
        ),
        checks=(check.MX_NAMES, check.MX_VERIFIED, check.POLICY),
    ),
    ResultType(
        name="certificate-expired",
        section="RFC 8460 §4.3.1",
        group=Group.NEGOTIATION,
        meaning="The certificate that the MX host presented is past its end date.",
        cause=(
            "It was not renewed, or it was renewed and the mail server still serves the old one because "
            "nothing reloaded it."
        ),
        action=(
            "Renew it now (certbot renew) and reload what serves it (systemctl reload postfix; dovecot too "
            "where it shares the certificate). Make that automatic with certbot renew --deploy-hook "
            '"systemctl reload postfix". Look at every MX host: a backup MX is easily missed.'
        ),
        at_one_organization=(
            "It may connect to another address of the host (IPv6, one node behind a load balancer) that "
            "still serves the old certificate."
        ),
        checks=(check.MX_DATES, check.MX_VERIFIED),
    ),
    ResultType(
        name="certificate-not-trusted",
        section="RFC 8460 §4.3.1",
        group=Group.NEGOTIATION,
        meaning=(
            "The sender could not trust the MX host's certificate: unknown certification authority, broken "
            "chain, name constraints or the like. The failure reason code in the report may say more."
        ),
        cause=(
            "The server sends its own certificate without the intermediate ones, or the certificate is "
            "self-signed or from a private CA."
        ),
        action=(
            "Serve the whole chain: in Postfix point smtpd_tls_chain_files at key and fullchain.pem, or "
            "smtpd_tls_cert_file at fullchain.pem, not cert.pem. For MTA-STS use a certificate of a public "
            "CA (Let's Encrypt, for one). Then systemctl reload postfix."
        ),
        at_one_organization=(
            "Its list of trusted authorities may lack or distrust your CA, or may not fetch a missing "
            "intermediate certificate as others do. Check the chain first."
        ),
        checks=(check.MX_CHAIN, check.MX_VERIFIED, check.STORED_FAILURES),
    ),
    ResultType(
        name="validation-failure",
        section="RFC 8460 §4.3.3",
        group=Group.GENERAL,
        meaning=(
            "TLS failed for a reason that has no result type of its own. The failure reason code in the "
            "report should say which."
        ),
        cause=(
            "No TLS version or cipher in common, a handshake that breaks off, an incomplete chain, or a "
            "middlebox in between. Some senders report every TLS failure under this name."
        ),
        action=(
            "Read the failure reason code, then repeat the handshake from outside. Offer TLS 1.2 and 1.3 "
            "with the default ciphers (in Postfix leave smtpd_tls_protocols and smtpd_tls_ciphers at their "
            "defaults), serve the whole chain, and look for the sender's address in the mail log."
        ),
        at_one_organization=(
            "The reason is likely a version or cipher that only it needs, or its own software: ask its "
            "postmaster, with the sending address and the failure reason code from the report."
        ),
        checks=(check.MX_VERIFIED, check.MX_TLS12, check.STORED_FAILURES),
    ),
    ResultType(
        name="tlsa-invalid",
        section="RFC 8460 §4.3.2.1",
        group=Group.DANE,
        meaning=(
            "No TLSA record of the MX host was found valid: they do not fit the certificate presented, or "
            "cannot be used. Senders that do DANE do not deliver to this host."
        ),
        cause=(
            "The certificate was renewed with a new key and the TLSA record still describes the old one, or "
            "the record was mistyped."
        ),
        action=(
            "Publish a record of the key in use at _25._tcp of the MX host, 3 1 1 with the SHA-256 of the "
            "public key. Keep the key at renewals (certbot renew --reuse-key), or publish the next record "
            "beside the old one and wait for the TTLs before the certificate changes."
        ),
        at_one_organization=(
            "Its resolver may still hold TLSA records from before a change: compare the time of the change "
            "and the TTL. Else few of your senders do DANE, and it is the first to see it."
        ),
        checks=(check.TLSA, check.MX_PUBLIC_KEY_HASH),
    ),
    ResultType(
        name="dnssec-invalid",
        section="RFC 8460 §4.3.2.1",
        group=Group.DANE,
        meaning=(
            "The sender's validating resolver returned no valid records: DNSSEC of your zone, or of the MX "
            "host's zone, does not validate. Senders that do DANE hold the mail back."
        ),
        cause=(
            "Signatures have expired, the DS record at the registrar does not match the zone's key (after "
            "a key rollover or a change of DNS provider), or a name server answers without signatures."
        ),
        action=(
            "Sign the zone again and make sure that signing runs by itself; make DS and DNSKEY agree at the "
            "registrar; bring every name server to the same zone. To give up DNSSEC remove the DS record "
            "first and the signatures a TTL later."
        ),
        at_one_organization=(
            "Its resolver may have reached one name server that is behind the others, or may still hold old "
            "keys: ask each name server of the zone on its own (dig @name-server)."
        ),
        checks=(check.MX_VALIDATED, check.ADDRESS_VALIDATED, check.TLSA_VALIDATED, check.DS),
    ),
    ResultType(
        name="dane-required",
        section="RFC 8460 §4.3.2.1",
        group=Group.DANE,
        meaning=(
            "The sender is configured to require DANE for your domain, and the MX host has no TLSA record "
            "that DNSSEC validates."
        ),
        cause=(
            "An agreement with that sender expects DANE (RFC 7672 §6), and the TLSA record or the DNSSEC "
            "signature of the zone was removed, or never covered this MX host."
        ),
        action=(
            "Sign the zones of the domain and of the MX host with DNSSEC and publish a TLSA record at "
            "_25._tcp of every MX host; or agree with the sender that it no longer requires DANE."
        ),
        at_one_organization=(
            "That is the usual case, since the requirement is its own setting. If you know of no agreement, "
            "ask its postmaster."
        ),
        checks=(check.TLSA, check.TLSA_VALIDATED, check.MX_VALIDATED),
    ),
    ResultType(
        name="sts-policy-fetch-error",
        section="RFC 8460 §4.3.2.2",
        group=Group.MTA_STS,
        meaning=(
            "The sender found your MTA-STS record in DNS, and could not fetch the policy by HTTPS. Senders "
            "that hold an older policy go on with it; for the others the domain has none."
        ),
        cause=(
            "The host mta-sts of your domain has no address in DNS, does not answer, or answers something "
            "other than status 200. Redirects are not followed (RFC 8461 §3.3). Or the TXT record was left "
            "behind when the policy host went."
        ),
        action=(
            "Serve /.well-known/mta-sts.txt on that host with status 200 and as text/plain, without "
            "redirect, login or bot protection, with a certificate for its name. If MTA-STS is no longer "
            "wanted, publish a policy of mode none first, wait out the longest max_age, and then remove "
            "record and policy (RFC 8461 §8.3)."
        ),
        at_one_organization=(
            "A firewall, rate limit or bot protection in front of the policy host may turn its fetchers "
            "away, or the host is broken on IPv6 only: look into the web server's log."
        ),
        checks=(check.POLICY, check.POLICY_RECORD, check.POLICY_HOST_ADDRESSES),
    ),
    ResultType(
        name="sts-policy-invalid",
        section="RFC 8460 §4.3.2.2",
        group=Group.MTA_STS,
        meaning="The MTA-STS policy was fetched, and is not valid.",
        cause=(
            "A mistake in mta-sts.txt: a missing or misspelt line, mx patterns in one line, an HTML page in "
            "place of the file, or a max_age out of range."
        ),
        action=(
            "Write one key a line: version: STSv1, mode: enforce (or testing, none), one mx: line for each "
            "MX host or pattern, max_age: up to 31557600. Let the mx lines cover every MX host in DNS; "
            "*.example.com covers one label only. Then change the id in _mta-sts, so that senders fetch it "
            "anew."
        ),
        at_one_organization=(
            "It may be stricter than the others (media type, line ends, unknown keys), or may have fetched "
            "the policy while it was being changed."
        ),
        checks=(check.POLICY, check.MX_LIST, check.POLICY_RECORD),
    ),
    ResultType(
        name="sts-webpki-invalid",
        section="RFC 8460 §4.3.2.2",
        group=Group.MTA_STS,
        meaning=(
            "The MTA-STS policy could not be authenticated: the HTTPS certificate of the policy host, "
            "mta-sts of your domain, is not valid. This is about the web server, not about the MX hosts."
        ),
        cause=(
            "That certificate has expired, does not name mta-sts of your domain, or comes without its "
            "intermediate certificates; often a hoster serves its own name there."
        ),
        action=(
            "Renew or reissue the certificate of the policy host so that its SAN holds the host's own name "
            "(certbot certonly -d with it), serve fullchain.pem, and reload the web server."
        ),
        at_one_organization=(
            "Its list of trusted authorities may lack your CA or not fetch a missing intermediate; or it "
            "reaches another address of the policy host (IPv6)."
        ),
        checks=(check.POLICY_HOST_VERIFIED, check.POLICY_HOST_CERTIFICATE, check.POLICY),
    ),
)

RESULT_TYPES: Mapping[str, ResultType] = {entry.name: entry for entry in _TABLE}

UNKNOWN = ResultType(
    name="unknown",
    section="RFC 8460 §4.3",
    group=Group.GENERAL,
    meaning=(
        "This result type is unknown to RFC 8460; the list is expected to grow, and some senders use names "
        "of their own."
    ),
    cause="Not known here. The name itself and the failure reason code in the report may tell.",
    action=(
        "Read the failure reason code, repeat the TLS handshake with the MX host, and ask the postmaster of "
        "the reporting organization what the name stands for."
    ),
    at_one_organization="The name is probably its own: its documentation or its postmaster can tell.",
    checks=(check.MX_VERIFIED, check.STORED_FAILURES, check.POLICY, check.TLSA),
)

MISSING = ResultType(
    name="missing",
    section="RFC 8460 §4.3",
    group=Group.GENERAL,
    meaning="The report counts these sessions as failed and does not say why: it gives no result type.",
    cause="Not known here. Some senders leave the result type out when they have no name for a failure.",
    action=(
        "Read the failure reason code, if there is one, repeat the TLS handshake with the MX host, and look "
        "for the sender's address in the mail log."
    ),
    at_one_organization="Ask its postmaster, with the sending address and the day of the report.",
    checks=(check.MX_VERIFIED, check.STORED_FAILURES, check.POLICY, check.TLSA),
)
