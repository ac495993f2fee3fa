"""How long reading one mail takes, without any input or output."""

import timeit
from collections.abc import Callable

from collector.intake.extract import extract_thoroughly
from collector.intake.quick import extract_quickly
from collector.intake.unpack import unpack
from collector.pipeline import take
from collector.tlsrpt.parse import parse
from tests.build import delivery, failure_json, mail, policy_json, report_json
from tests.intake.mails import google_mail

HEADINGS = (
    "mail",
    "bytes",
    "take µs",
    "MIME µs",
    "by the standard library µs",
    "ratio",
    "gzip µs",
    "report µs",
)

_RUNS = 7
_CALLS = 500


def rows() -> list[tuple[str, ...]]:
    """Measure each kind of mail."""
    failing = policy_json(failed=3, failures=[failure_json(mx_host=f"mx{n}.example.com") for n in range(3)])
    mails = {
        "plain, one policy": mail(report_json()).replace(b"\n", b"\r\n"),
        "three failure details": mail(report_json(failing)).replace(b"\n", b"\r\n"),
        "as it comes from Google": google_mail(),
    }
    return [_row(name, content) for name, content in mails.items()]


def _row(name: str, content: bytes) -> tuple[str, ...]:
    extracted = extract_quickly(content)
    assert extracted is not None
    packed = extracted.files[0].content
    document = unpack(packed)
    whole = _microseconds(lambda: take(delivery(content), watched=frozenset({"example.com"})))
    quick = _microseconds(lambda: extract_quickly(content))
    thorough = _microseconds(lambda: extract_thoroughly(content))
    gzip = _microseconds(lambda: unpack(packed))
    report = _microseconds(lambda: parse(document.text, content_hash=""))
    times = f"{whole:.0f}", f"{quick:.0f}", f"{thorough:.0f}", f"{thorough / quick:.1f}"
    return (name, f"{len(content):,}", *times, f"{gzip:.0f}", f"{report:.0f}")


def _microseconds(work: Callable[[], object]) -> float:
    """Time one call; the best of several runs, for whatever disturbs only makes it longer."""
    return min(timeit.repeat(work, number=_CALLS, repeat=_RUNS)) / _CALLS * 1e6
