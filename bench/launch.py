"""Runs a command and writes what it cost to a file: ``launch.py FILE COMMAND…``.

A process of its own, and a small one: the peak memory that the system accounts to a
process begins with that of its parent, which here has mails and servers in hand.
"""

import json
import os
import sys
import time
from pathlib import Path


def main() -> None:
    """Run the command to its end."""
    file, *command = sys.argv[1:]
    began = time.perf_counter()
    child = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(child, 0)
    cost = {
        "wall_seconds": time.perf_counter() - began,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_kilobytes": usage.ru_maxrss,
    }
    Path(file).write_text(json.dumps(cost), encoding="ascii")
    raise SystemExit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
