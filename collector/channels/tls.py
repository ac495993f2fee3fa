"""TLS as channels use it: always verified, and told in plain words when it fails."""

import ssl
from pathlib import Path

from collector.errors import ChannelUnavailable


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """Return a context that trusts a CA file alone, the system's authorities when there is none.

    The file is read anew each time, so that a renewed one is taken up without a restart.
    """
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        message = f"cannot read the CA file {ca_file}: {error.strerror or error}; check ca_file"
        raise ChannelUnavailable(message) from error


def untrusted(place: str, error: ssl.SSLCertVerificationError) -> ChannelUnavailable:
    """Say that a certificate does not verify. It may be mended at either end, so it is tried again."""
    return ChannelUnavailable(
        f"{place}: its certificate is not trusted: {error.verify_message}; "
        "mend the certificate, or name its CA in ca_file"
    )
