"""``show``: every shape of report, however it is packed; every kind of error; nothing raw on a terminal."""

import gzip
import io
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from collector.cli.show import MAX_FILE_BYTES
from tests.build import failure_json, mail, packed, policy_json, report_json
from tests.cli.command import HOSTILE, Command, hostile_report, is_harmless

REPORTS = Path(__file__).parent / "reports"
SHAPES = sorted(path.name.removesuffix(".expected.json") for path in REPORTS.glob("*.expected.json"))


def sent(shape: str) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((REPORTS / f"{shape}.json").read_text(encoding="utf-8"))
    return report


def expected(shape: str, **members: Any) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((REPORTS / f"{shape}.expected.json").read_text(encoding="utf-8"))
    return report | members


def shown(command: Command, *paths: Path, status: int = 0) -> Any:
    done = command("show", "--format", "json", *map(str, paths))
    assert (status, "") == (done.status, done.errors)
    return json.loads(done.output)


def write(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


# ── Shapes ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("shape", SHAPES)
def test_a_report_of_each_shape_is_shown_whole(command: Command, shape: str) -> None:
    path = REPORTS / f"{shape}.json"

    assert [{"path": str(path), "reports": [expected(shape)], "error": None}] == shown(command, path)


@pytest.mark.parametrize("shape", SHAPES)
def test_members_come_in_the_documented_order(command: Command, shape: str) -> None:
    (document,) = shown(command, REPORTS / f"{shape}.json")

    assert json.dumps(expected(shape)) == json.dumps(document["reports"][0])


@pytest.mark.parametrize("shape", SHAPES)
def test_a_report_is_the_same_however_it_is_packed(command: Command, shape: str, tmp_path: Path) -> None:
    report = sent(shape)
    paths = [
        write(tmp_path, "report.json", json.dumps(report).encode()),
        write(tmp_path, "report.json.gz", packed(report)),
        write(tmp_path, "report.eml", mail(report)),
        write(tmp_path, "saved.eml", b"From google@example.com Mon May 11 00:00:00 2026\n" + mail(report)),
    ]

    by_mail = expected(shape, submitter="google.com")
    assert [[expected(shape)], [expected(shape)], [by_mail], [by_mail]] == [
        document["reports"] for document in shown(command, *paths)
    ]


def test_paths_are_shown_in_their_order(command: Command) -> None:
    paths = [REPORTS / f"{shape}.json" for shape in ("no-policy", "google", "no-policy")]

    assert [str(path) for path in paths] == [document["path"] for document in shown(command, *paths)]


def test_a_dash_is_standard_input(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(packed(sent("google")))))

    assert [{"path": "-", "reports": [expected("google")], "error": None}] == shown(command, Path("-"))


def test_a_named_pipe_is_as_good_as_a_file(command: Command, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(packed(sent("google")),))
    writer.start()

    assert [[expected("google")]] == [document["reports"] for document in shown(command, pipe)]
    writer.join()


# ── Errors ────────────────────────────────────────────────────────────────────

WHOLE = packed(report_json())


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"", "not-a-report", 0),
        (b"Dear all,\n\nlunch is at noon.\n", "not-a-report", 0),
        (b"Subject: Lunch?\n\nThursday\n", "not-a-report", 0),
        (b'{"report": "of another kind"}', "not-a-report", 0),
        (b"[1, 2, 3]", "not-a-report", 0),
        (bytes(MAX_FILE_BYTES + 1), "too-large", 1),
        (gzip.compress(bytes(40 * 1024 * 1024)), "too-large", 1),
        (WHOLE[:-9], "corrupt", 1),
        (WHOLE[:-8] + b"\0\0\0\0" + WHOLE[-4:], "corrupt", 1),
        (json.dumps(report_json(policies=None)).encode(), "invalid-report", 1),
        (json.dumps(report_json()).encode()[:-20], "invalid-report", 1),
        (mail(report_json()).replace(b"H4sI", b"H4sX"), "corrupt", 1),
    ],
)
def test_what_cannot_be_read_says_of_which_kind_it_is(
    command: Command, tmp_path: Path, content: bytes, kind: str, status: int
) -> None:
    path = write(tmp_path, "file", content)

    (document,) = shown(command, path, status=status)

    assert ([], kind) == (document["reports"], document["error"]["kind"])
    assert ["kind", "message"] == list(document["error"])
    assert document["error"]["message"]


def test_a_broken_file_does_not_keep_the_others_from_being_shown(command: Command, tmp_path: Path) -> None:
    broken = write(tmp_path, "broken.json.gz", WHOLE[:-9])

    documents = shown(command, broken, REPORTS / "google.json", status=1)

    assert [[], [expected("google")]] == [document["reports"] for document in documents]


@pytest.mark.parametrize("name", ["not-there.json", "."])
def test_a_path_that_is_no_file_is_wrong_usage_and_nothing_is_shown(command: Command, name: str) -> None:
    done = command("show", str(REPORTS / "google.json"), str(REPORTS / name))

    assert (2, "") == (done.status, done.output)
    assert str(REPORTS / name) in done.errors


def test_a_name_that_is_not_utf_8_is_shown_all_the_same(command: Command, tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.json"))
    path.write_text(json.dumps(sent("google")), encoding="utf-8")

    (document,) = shown(command, path)

    assert str(tmp_path / "\ufffd.json") == document["path"]
    assert 0 == command("show", str(path)).status


def test_no_configuration_is_asked_for(command: Command) -> None:
    assert 0 == command("--config", "/nowhere", "show", str(REPORTS / "google.json")).status


# ── Text ──────────────────────────────────────────────────────────────────────

MISMATCH = f"""\
{REPORTS}/microsoft-packed-tlsa.json
  Organization: Microsoft Corporation
  Contact:      tlsrpt-noreply@microsoft.com
  Report ID:    134180000000000001+example.net
  Period:       2026-03-15 00:00:00 UTC to 2026-03-15 23:59:59 UTC

  example.net: 3 of 100 sessions failed (3.0 %)
    sts: 97 successful, 3 failed
    tlsa: 98 successful, 0 failed

  example.net: certificate-host-mismatch
    3 sessions under sts on mx2.example.net at 2001:db8::25 from 198.51.100.9
    Meaning: """


def test_text_explains_who_when_what_and_how_many(command: Command) -> None:
    done = command("show", str(REPORTS / "microsoft-packed-tlsa.json"))

    assert (0, MISMATCH) == (done.status, done.output[: len(MISMATCH)])
    assert "\n    What to do: " in done.output
    assert "-connect mx2.example.net:25" in done.output
    assert done.output.endswith(
        "\n  Deviations from RFC 8460, read all the same: missing-mx-host, packed-tlsa-records\n\n"
    )


def test_text_is_as_wide_as_the_terminal(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")

    done = command("show", str(REPORTS / "fetch-error-without-ip-and-mx.json"))

    prose = done.output.partition("Meaning:")[2].partition("To check:")[0]
    assert 60 >= max(map(len, prose.splitlines()))


def test_text_says_what_could_not_be_read(command: Command, tmp_path: Path) -> None:
    path = write(tmp_path, "broken.json.gz", WHOLE[:-9])

    done = command("show", str(path))

    assert (1, f"{path}\n  corrupt: gzip: cut off before its end\n\n") == (done.status, done.output)


def test_text_shows_the_first_rows_of_many(command: Command, tmp_path: Path) -> None:
    failures = [failure_json(mx_host=f"mx{n}.example.com") for n in range(2_000)]
    report = report_json(policy_json(failed=2_000, failures=failures))
    path = write(tmp_path, "report.json", json.dumps(report).encode())

    output = command("show", str(path)).output

    assert "mx9.example.com at" in output
    assert "mx10.example.com at" not in output
    assert "and 1,990 more rows: --format json shows them all" in output


def test_no_text_of_a_report_steers_the_terminal(command: Command, tmp_path: Path) -> None:
    report = hostile_report()
    content = mail(report | {"report-id": "1"}).replace(
        b"TLS-Report-Submitter: google.com", b"TLS-Report-Submitter: =?utf-8?q?=1B[2J=E2=80=AEx?="
    )
    paths = [
        write(tmp_path, "report.json", json.dumps(report).encode()),
        write(tmp_path, "report.eml", content),
    ]

    done = command("show", *map(str, paths))

    assert (0, True) == (done.status, is_harmless(done.output))
    assert "\\x1b[2J\\u202egnp.exe\\x00" in done.output


def test_json_gives_hostile_text_back_as_it_was_sent(command: Command, tmp_path: Path) -> None:
    path = write(tmp_path, "report.json", json.dumps(hostile_report()).encode())

    done = command("show", "--format", "json", str(path))

    assert (True, True) == (done.output.isascii(), is_harmless(done.output))
    assert HOSTILE in json.loads(done.output)[0]["reports"][0]["organization_name"]


def test_a_terminal_that_is_not_utf_8_is_shown_escapes(tmp_path: Path) -> None:
    path = write(tmp_path, "report.json", json.dumps(report_json(organization="Müller 株")).encode())

    done = subprocess.run(  # noqa: S603  our own command
        [sys.executable, "-m", "collector", "show", str(path)],
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONIOENCODING": "latin-1"},
    )

    assert (0, b"") == (done.returncode, done.stderr)
    assert "\n  Organization: Müller \\u682a\n" in done.stdout.decode("latin-1")
