"""What an IMAP server's refusals mean, and how they are told."""

import re
import socket
import ssl

# A server's text is shown for its first line or so; the rest is in its own log.
MAX_TEXT_CHARACTERS = 200

# Response codes of RFC 5530 §3 that pass by themselves, and those of Gmail and older servers.
_TEMPORARY = re.compile(
    r"\[(?:UNAVAILABLE|INUSE|LIMIT|OVERQUOTA|SERVERBUG|EXPUNGEISSUED|THROTTLED|SYS/TEMP)\b",
    re.IGNORECASE,
)

# OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED, _HOSTNAME_MISMATCH and _IP_ADDRESS_MISMATCH.
_EXPIRED = 10
_OTHER_NAME = frozenset({62, 64})


def is_temporary(text: str) -> bool:
    """Tell whether a refusal will pass without the operator."""
    return _TEMPORARY.search(text) is not None


def server_text(error: BaseException, *, secret: str = "") -> str:
    """Make a server's words fit to be shown: one line, printable, short, without our secret."""
    text = str(error)
    if secret:
        text = text.replace(secret, "(secret)")
    printable = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(printable.split())[:MAX_TEXT_CHARACTERS]


def certificate_advice(address: str, error: ssl.SSLCertVerificationError) -> str:
    """Say what is wrong with a server's certificate, and what to do."""
    if error.verify_code in _OTHER_NAME:
        return (
            f"the certificate of {address} is for another name: "
            "set host to a name it holds, or mend the certificate"
        )
    if error.verify_code == _EXPIRED:
        return f"the certificate of {address} has expired: renew it there"
    return (
        f"the certificate of {address} is not trusted ({error.verify_message}): "
        "set ca_file, or mend the certificate"
    )


def network_reason(error: OSError) -> str:
    """Say why a server was not reached."""
    if isinstance(error, TimeoutError):
        return "no answer within the timeout"
    if isinstance(error, socket.gaierror):
        return f"the host name is not found ({error.strerror})"
    return error.strerror or str(error) or type(error).__name__
