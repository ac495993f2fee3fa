"""Runs the command in this process, as the shell would: arguments in, exit status and output out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Done:
    """What a command came to."""

    status: int
    output: str
    errors: str


Command = Callable[..., Done]

# Ends a line, clears a screen, turns the reading order round, ends a string.
HOSTILE = "Evil\r\n\x1b[2J\u202egnp.exe\x00"


def is_harmless(text: str) -> bool:
    """Tell whether a terminal shows every character, and obeys none; line ends are ours."""
    return all(line.isprintable() for line in text.split("\n"))


def hostile_report() -> dict[str, Any]:
    """A report whose every text would like to steer a terminal or run in a spreadsheet."""
    bad = f"=cmd|'/c calc'!A1{HOSTILE}"
    return {
        "organization-name": bad,
        "date-range": {"start-datetime": "2026-05-11T00:00:00Z", "end-datetime": "2026-05-11T23:59:59Z"},
        "contact-info": bad,
        "report-id": bad,
        "policies": [
            {
                "policy": {
                    "policy-type": bad,
                    "policy-string": [bad],
                    "policy-domain": "example.com",
                    "mx-host": [bad],
                },
                "summary": {"total-successful-session-count": 9, "total-failure-session-count": 1},
                "failure-details": [
                    {
                        "result-type": bad,
                        "sending-mta-ip": bad,
                        "receiving-mx-hostname": bad,
                        "receiving-mx-helo": bad,
                        "receiving-ip": bad,
                        "failed-session-count": 1,
                        "additional-information": bad,
                        "failure-reason-code": bad,
                    }
                ],
            }
        ],
    }
