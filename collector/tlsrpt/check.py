"""Shell commands by which a postmaster checks what a report says, as templates.

``{mx_host}`` and ``{policy_domain}`` are filled in by :func:`collector.tlsrpt.result_types.commands`
and by nothing else, so that no other text of a report gets into a command.
"""

# "</dev/null" ends the session once the handshake has been shown.
HANDSHAKE = "openssl s_client -starttls smtp -connect {mx_host}:25 -servername {mx_host}"
MX_SESSION = f"{HANDSHAKE} </dev/null"
MX_VERIFIED = f"{HANDSHAKE} -verify_hostname {{mx_host}} -verify_return_error </dev/null"
MX_CHAIN = f"{HANDSHAKE} -showcerts </dev/null"
MX_NAMES = f"{MX_SESSION} 2>/dev/null | openssl x509 -noout -subject -ext subjectAltName"
MX_DATES = f"{MX_SESSION} 2>/dev/null | openssl x509 -noout -dates"
MX_TLS12 = f"{HANDSHAKE} -tls1_2 </dev/null"
# The data of a "3 1 1" record: SHA-256 of the public key (RFC 7671 §5.1).
MX_PUBLIC_KEY_HASH = (
    f"{MX_SESSION} 2>/dev/null | openssl x509 -noout -pubkey"
    " | openssl pkey -pubin -outform DER | openssl sha256"
)

MX_LIST = "dig +short MX {policy_domain}"
TLSA = "dig +dnssec TLSA _25._tcp.{mx_host}"
TLSA_VALIDATED = "delv TLSA _25._tcp.{mx_host}"
MX_VALIDATED = "delv MX {policy_domain}"
ADDRESS_VALIDATED = "delv A {mx_host}"
DS = "dig +short DS {policy_domain}"

POLICY = "curl -sS -i https://mta-sts.{policy_domain}/.well-known/mta-sts.txt"
POLICY_RECORD = "dig +short TXT _mta-sts.{policy_domain}"
POLICY_HOST_ADDRESSES = "dig +short A mta-sts.{policy_domain}; dig +short AAAA mta-sts.{policy_domain}"
POLICY_HOST_TLS = "openssl s_client -connect mta-sts.{policy_domain}:443 -servername mta-sts.{policy_domain}"
POLICY_HOST_VERIFIED = (
    f"{POLICY_HOST_TLS} -verify_hostname mta-sts.{{policy_domain}} -verify_return_error </dev/null"
)
POLICY_HOST_CERTIFICATE = (
    f"{POLICY_HOST_TLS} </dev/null 2>/dev/null | openssl x509 -noout -subject -issuer -dates"
    " -ext subjectAltName"
)

STORED_FAILURES = "tlsrpt-collector failures --domain {policy_domain}"
