"""How fast a mailbox becomes rows and files: the real command against a real Dovecot.

    make bench                       10,000 mails
    make bench ARGS='1000 10000'     several sizes

Each size is a fresh mailbox and a fresh installation. Numbers are those of the whole process,
start included, as the operating system accounts for them. Machines differ and so do disks:
compare ratios of one run.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.commands.site import Site, report_of
from tests.servers import Dovecot

DEFAULT_SIZES = (10_000,)

# One mail in three tells of failures, as in the traffic that the goals were measured with.
FAILING = 3

# The mails are about some hundred domains.
DOMAINS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one run of the command cost."""

    mails: int
    wall_seconds: float
    cpu_seconds: float
    peak_kilobytes: int


def main() -> None:
    """Measure every size and print the table."""
    sizes = [int(word) for word in sys.argv[1:]] or list(DEFAULT_SIZES)
    dovecot = Dovecot()
    dovecot.start()
    try:
        results = [_collect(dovecot, size) for size in sizes]
    finally:
        dovecot.remove()
    print("|  mails | mails/s | client CPU µs/mail | peak RSS MB |  wall s |")
    print("|-------:|--------:|-------------------:|------------:|--------:|")
    for result in results:
        rate = result.mails / result.wall_seconds
        cpu = result.cpu_seconds / result.mails * 1e6
        peak = result.peak_kilobytes / 1024
        print(
            f"| {result.mails:6,} | {rate:7,.0f} | {cpu:18,.0f} | {peak:11.0f} | {result.wall_seconds:7.1f} |"
        )


def _collect(dovecot: Dovecot, size: int) -> Measured:
    """Fill a mailbox, collect it, and see that each mail is in one file and one row."""
    with tempfile.TemporaryDirectory() as folder:
        site = Site(folder=Path(folder), dovecot=dovecot, user=dovecot.new_user(), smtp_port=9)
        site.extra = {"channels": []}
        dovecot.deliver(site.user, [_mail(number) for number in range(size)])
        measured = _timed(site.command("-qq", "collect"), size)
        _check(site, size)
        return measured


def _timed(command: list[str], mails: int) -> Measured:
    began = time.perf_counter()
    process = subprocess.Popen(command)  # noqa: S603  our own command
    _, status, usage = os.wait4(process.pid, 0)
    wall_seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"collect ended with exit status {process.returncode}")
    return Measured(
        mails=mails,
        wall_seconds=wall_seconds,
        cpu_seconds=_cpu_seconds(usage),
        peak_kilobytes=usage.ru_maxrss,
    )


def _cpu_seconds(usage: resource.struct_rusage) -> float:
    return usage.ru_utime + usage.ru_stime


def _check(site: Site, size: int) -> None:
    """See that nothing was lost: a fast run that loses a mail would be worth nothing."""
    rows = json.loads(site.run("reports", "--format", "json").stdout)
    ids = {row["report_id"] for row in rows}
    found = (len(rows), len(ids), len(site.archived()), len(site.archived(ending=".facts.json")))
    if found != (size,) * 4:
        raise SystemExit(f"of {size} mails: rows, ids, files, facts = {found}")
    inbox, processed, rejected = site.counts()
    if (inbox, processed, rejected) != (0, size, 0):
        raise SystemExit(f"of {size} mails: INBOX {inbox}, processed {processed}, rejected {rejected}")


def _mail(number: int) -> bytes:
    failed = 3 if number % FAILING == 0 else 0
    domain = f"d{number % DOMAINS}.example.com"
    return report_of(number % 7 + 1, failed=failed, domain=domain, report_id=f"{number}")


if __name__ == "__main__":
    main()
