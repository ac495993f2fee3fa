"""What senders do otherwise than RFC 8460 says, by name: a repaired deviation is data."""

from enum import StrEnum


class Deviation(StrEnum):
    """A deviation that was read, and how; a report that follows the RFC has none."""

    MISSING_ORGANIZATION_NAME = "missing-organization-name"
    """No organization-name, or null. Nothing to repair."""

    MISSING_CONTACT_INFO = "missing-contact-info"
    """No contact-info, or null: Stalwart, where the operator set none. Nothing to repair."""

    MISSING_REPORT_ID = "missing-report-id"
    """No report-id, or an empty one: the content's hash stands in."""

    REPORT_ID_NUMBER = "report-id-number"
    """The report-id is a number: its text is taken."""

    MISSING_TIME_ZONE = "missing-time-zone"
    """A time without an offset (RFC 3339 §5.6 wants one): read as UTC. Microsoft, 2023 and 2024."""

    DATE_WITHOUT_TIME = "date-without-time"
    """A date alone: read as its midnight."""

    UNIX_TIME = "unix-time"
    """Seconds since 1970 as a number."""

    MISSING_END = "missing-end"
    """No end-datetime that can be read."""

    END_BEFORE_START = "end-before-start"
    """The period ends before it starts. Kept as sent."""

    EMPTY_POLICIES = "empty-policies"
    """A report about nothing: ``"policies": []``."""

    SINGLE_POLICY_OBJECT = "single-policy-object"
    """``policies`` is one object (RFC 8460 §4 wants an array): taken as a list of it."""

    UNREADABLE_POLICY = "unreadable-policy"
    """An entry of policies without a policy object: left out, the others stand."""

    MISSING_POLICY_TYPE = "missing-policy-type"
    """An entry that does not say which type of policy it is about."""

    POLICY_TYPE_CASE = "policy-type-case"
    """A registered policy type in other letter case: ``STS``."""

    MISSING_POLICY_DOMAIN = "missing-policy-domain"
    """No policy-domain: Postfix with tlsrpt-reporter, for no-policy-found."""

    POLICY_DOMAIN_FROM_MAIL = "policy-domain-from-mail"
    """No policy-domain; the mail's TLS-Report-Domain stands in."""

    UNREADABLE_NAME = "unreadable-name"
    """A domain or host name that no DNS takes: null."""

    POLICY_STRING_NOT_A_LIST = "policy-string-not-a-list"
    """policy-string is one string: Halon, empty without details."""

    MISSING_POLICY_STRING = "missing-policy-string"
    """No policy-string in an sts or tlsa policy: senders that could not fetch it. Nothing to repair."""

    PACKED_TLSA_RECORDS = "packed-tlsa-records"
    """A TLSA RRset packed as a JSON array inside one string: Microsoft. Unpacked."""

    MISSING_MX_HOST = "missing-mx-host"
    """No mx-host in an sts policy: Microsoft, always; Google until 2022. Nothing to repair."""

    MX_HOST_NOT_A_LIST = "mx-host-not-a-list"
    """mx-host is one string: the example of RFC 8460 appendix B (erratum 6241)."""

    MX_HOST_DECORATED = "mx-host-decorated"
    """mx-host with a leading ``mx:`` or in brackets: the bare name is taken."""

    MISSPELT_MEMBER = "misspelt-member"
    """A member under another spelling: ``receiving-mx-host-name`` (SocketLabs) and the like."""

    MISSING_SUMMARY = "missing-summary"
    """A session count absent from the summary, or all of it: 0, or the sum of the detail rows."""

    MISSING_FAILURE_DETAILS = "missing-failure-details"
    """Sessions failed and no failure-details say why. Nothing to repair."""

    MISSING_FAILED_SESSION_COUNT = "missing-failed-session-count"
    """A detail row without a count: 1."""

    MISSING_RESULT_TYPE = "missing-result-type"
    """A detail row without a result type: Postfix, for a code it does not know."""

    UNREADABLE_IP_ADDRESS = "unreadable-ip-address"
    """An address that is none: null."""
