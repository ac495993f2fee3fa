"""Report mails of the common shape, as they arrive."""

import base64
from pathlib import Path

from tests.build import failure_json, mail, packed, policy_json, report_json

_REPORTS = Path(__file__).parents[1] / "cli" / "reports"

PACKED = packed(report_json())

GOOGLE_HEADER = (
    b"""\
Delivered-To: tlsrpt@example.com
Received: by 2002:a05:6402:2353:b0:61c:5b07:ff3a with SMTP id r19csp1234567eda;
 Tue, 12 May 2026 03:14:15 -0700 (PDT)
Received: from mail-sor-f73.google.com (mail-sor-f73.google.com. [198.51.100.73])
        by mx1.example.com (Postfix) with ESMTPS id 4F1A72C0F2D
        for <tlsrpt@example.com>; Tue, 12 May 2026 10:14:14 +0000 (UTC)
Return-Path: <noreply-smtp-tls-reporting@google.com>
Authentication-Results: mx1.example.com;
       dkim=pass header.i=@google.com header.s=20251104 header.b=Zm9vYmFyMQ;
       spf=pass smtp.mailfrom=smtp-tls-reporting.bounces.google.com;
       dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=google.com
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
        d=google.com; s=20251104; t=1778580854; x=1779185654; darn=example.com;
        h=tls-report-submitter:tls-report-domain:to:from:subject:message-id:date
         :mime-version:from:to:cc:subject:date:message-id:reply-to;
        bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
        b="""
    + b"\n         ".join([b"Q" * 64] * 5)
    + b"""
X-Google-Smtp-Source: AGHT+IGd0"""
    + b"0a" * 30
    + b"""
MIME-Version: 1.0
X-Received: by 2002:a17:906:6a0f:b0:ad5:7bc4:84fe with SMTP id
 a640c23a62f3a-ad57bc49f5bmr4711.1.1778580854321; Tue, 12 May 2026 03:14:14 -0700 (PDT)
Date: Mon, 11 May 2026 16:59:59 -0700
Message-ID: <000000000000a1b2c30634f1d2e3@google.com>
Subject: Report Domain: example.com Submitter: google.com Report-ID:
 <2026.05.11T00.00.00Z+example.com@google.com>
From: noreply-smtp-tls-reporting@google.com
To: tlsrpt@example.com
TLS-Report-Domain: example.com
TLS-Report-Submitter: google.com
Content-Type: multipart/report; boundary="000000000000a1b2b00634f1d2e1"; report-type=tlsrpt

--000000000000a1b2b00634f1d2e1
Content-Type: text/plain; charset="UTF-8"; format=flowed; delsp=yes

This is an aggregate TLS report from google.com

--000000000000a1b2b00634f1d2e1
Content-Type: application/tlsrpt+gzip;
\tname="google.com!example.com!1778457600!1778543999!001.json.gz"
Content-Disposition: attachment;
\tfilename="google.com!example.com!1778457600!1778543999!001.json.gz"
Content-Transfer-Encoding: base64

"""
)


def google_mail() -> bytes:
    """A mail as it arrives from Google: 3 KB, most of it what the relays on its way have added."""
    body = base64.encodebytes(PACKED)
    return (GOOGLE_HEADER + body + b"--000000000000a1b2b00634f1d2e1--\n").replace(b"\n", b"\r\n")


def plain_mails() -> list[bytes]:
    """Mails of the common shape, one for each report that tests know."""
    failing = policy_json(failed=3, failures=[failure_json(failed=3)])
    reports = [
        report_json(),
        report_json(failing),
        report_json(policy_json(), policy_json("example.net", "tlsa")),
    ]
    mails = [mail(report) for report in reports]
    mails += [_around(path.read_bytes()) for path in sorted(_REPORTS.glob("*.json"))]
    return [google_mail(), *mails, *(one.replace(b"\n", b"\r\n") for one in mails)]


def _around(text: bytes) -> bytes:
    return GOOGLE_HEADER + base64.encodebytes(text) + b"--000000000000a1b2b00634f1d2e1--\n"
