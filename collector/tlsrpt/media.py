"""Media types of reports (RFC 8460 §6.4, §6.5)."""

REPORT_MEDIA_TYPES = frozenset({"application/tlsrpt+gzip", "application/tlsrpt+json"})


def claims_a_report(media_type: str) -> bool:
    """Tell whether a media type says "this is a TLS report", in any of the spellings seen.

    Senders also use ``application/tlsrpt`` without a suffix and ``application/tlsrpt+zip``.
    """
    return media_type == "application/tlsrpt" or media_type.startswith("application/tlsrpt+")
