"""The pages, over a real server."""

import json
import re
from datetime import timedelta

import pytest

from collector.alerting.rule import Severity
from collector.errors import CollectorError, StoreRefused, StoreUnavailable
from collector.web.overview import MAX_DOMAINS_SHOWN
from tests.build import NOW
from tests.web.conftest import Serve
from tests.web.fakes import TODAY, Program, Store, open_alert, summary_row


def rows_of(page: str, table: str) -> list[list[str]]:
    """The cells of a table's body, without their markup."""
    found = re.search(rf'<table class="{table}">.*?<tbody>(.*?)</tbody>', page, re.DOTALL)
    assert found, f"no table {table}"
    rows = re.findall(r"<tr>(.*?)</tr>", found[1], re.DOTALL)
    cells = (re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL) for row in rows)
    return [
        [" ".join(re.sub(r"<svg.*?</svg>|<[^>]*>", "", c, flags=re.DOTALL).split()) for c in row]
        for row in cells
    ]


def test_the_page_shows_each_domain_with_its_counts(serve: Serve) -> None:
    site = serve(
        Store(
            rows=[
                summary_row(sessions=1842, failed=3, organizations=("Google Inc.", "Microsoft Corporation")),
                summary_row("example.net", sessions=0, organizations=("A", "B", "C", "D", "E")),
                summary_row("old.example", day=TODAY - timedelta(days=31)),
            ]
        )
    )

    answer = site.get("/")

    assert (200, "text/html; charset=utf-8") == (answer.status, answer.headers["Content-Type"])
    assert [
        ["example.com", "1,842", "3", "0.2 %", "", "2026-05-11", "Google Inc., Microsoft Corporation"],
        ["example.net", "0", "0", "no sessions", "", "2026-05-11", "A, B, C and 2 more"],
    ] == rows_of(answer.text, "domains")
    assert "<title>2026-05-11: 0.2 %, 3 of 1,842</title>" in answer.text
    assert "✓ No alert is open." in answer.text


def test_the_page_shows_open_alerts_the_critical_first_in_words_too(serve: Serve) -> None:
    warning = open_alert("example.net", Severity.WARNING, sessions=900, failed=19)
    critical = open_alert()
    site = serve(Store(rows=[summary_row(failed=20)], open_alerts=[warning, critical]))

    page = site.get("/").text

    day, since = "2026-05-11", "2026-05-12 03:00 UTC"
    assert [
        ["▲ critical", "example.com", day, "371 of 1,841", "20.2 %", "5 %", since, critical.alert_id],
        ["△ warning", "example.net", day, "19 of 900", "2.1 %", "1 %", since, warning.alert_id],
    ] == rows_of(page, "alerts")
    assert "<title>2 open alerts: SMTP TLS reports</title>" in page
    assert f"tlsrpt-collector alerts show {critical.alert_id}" in page
    assert "example.com ▲ critical" == rows_of(page, "domains")[0][0]


def test_text_from_reports_is_escaped_and_cannot_turn_the_line_round(serve: Serve) -> None:
    hostile = ("<script>alert(1)</script>", '" onload="x', "\u202egro.live\x00\x1b[31m", "\u2066\u200f")
    site = serve(
        Store(
            rows=[
                summary_row("<script>.example", organizations=hostile[:2]),
                summary_row("\u202eexample", organizations=hostile[2:]),
            ]
        )
    )

    page = site.get("/").text

    assert "<script" not in page
    assert not set("\u202e\u2066\u200f\x00\x1b") & set(page)
    assert [
        ["&lt;script&gt;.example", "&#34; onload=&#34;x, &lt;script&gt;alert(1)&lt;/script&gt;"],
        ["example", "gro.live[31m, (not printable)"],
    ] == [[row[0], row[6]] for row in rows_of(page, "domains")]


def test_a_row_without_a_domain_and_an_mx_host_say_what_they_are(serve: Serve) -> None:
    rows = [summary_row("mx1.example.com", served=True), summary_row(None)]

    page = serve(Store(rows=rows)).get("/").text

    assert ["mx1.example.com an MX host: its domain's row has these sessions too", "no domain named"] == [
        row[0] for row in rows_of(page, "domains")
    ]


def test_a_long_list_ends_with_the_command_that_shows_the_rest(serve: Serve) -> None:
    rows = [summary_row(f"d{number:04}.example") for number in range(1_234 + MAX_DOMAINS_SHOWN)]

    page = serve(Store(rows=rows)).get("/").text

    assert MAX_DOMAINS_SHOWN == len(rows_of(page, "domains"))
    assert "and 1,234 more:\n<code>tlsrpt-collector summary --since 30d</code>" in page


def test_many_alerts_end_with_the_command_that_shows_the_rest(serve: Serve) -> None:
    alerts = [open_alert(f"d{number:04}.example") for number in range(52)]

    page = serve(Store(open_alerts=alerts)).get("/").text

    assert "and 2 more: <code>tlsrpt-collector alerts list</code>" in page


def test_an_empty_store_is_met_with_what_to_do(serve: Serve) -> None:
    page = serve(Store()).get("/").text

    assert "No report has come in yet." in page
    assert "without reports nothing can be judged." in page
    assert "<code>dig +short TXT _smtp._tls.example.com</code>" in page
    assert "<code>tlsrpt-collector collect</code>" in page


def test_a_store_of_old_reports_alone_says_when_the_latest_came(serve: Serve) -> None:
    received = {"example.com": NOW - timedelta(days=90), "example.net": NOW - timedelta(days=40)}

    page = serve(Store(received=received)).get("/").text

    assert "No report of these days; the latest came in\n2026-04-02 06:00 UTC." in page


def test_the_page_says_what_is_not_working(serve: Serve) -> None:
    pulse = Program(stalled_threads=["collect-main"], what_is_away={"main": "imap: <refused>\u202e"})

    page = serve(Store(), pulse).get("/").text

    assert "<strong>main</strong>: imap: &lt;refused&gt;</li>" in page
    assert "<strong>collect-main</strong>: makes no progress" in page


@pytest.mark.parametrize(
    "error", [StoreUnavailable("store: database is <locked>"), StoreRefused("store: database is <locked>")]
)
def test_without_the_store_the_page_says_so_in_a_503(serve: Serve, error: CollectorError) -> None:
    answer = serve(Store(error=error)).get("/")

    assert (503, "text/html; charset=utf-8") == (answer.status, answer.headers["Content-Type"])
    assert "<p>store: database is &lt;locked&gt;</p>" in answer.text
    assert "Traceback" not in answer.text


def test_a_bug_shows_no_traceback_and_has_the_headers(serve: Serve) -> None:
    def bug() -> None:
        message = "a bug"
        raise ZeroDivisionError(message)

    answer = serve(Store(before=bug)).get("/")

    assert (500, "This is a fault of the program; its log has the details.\n") == (answer.status, answer.text)
    assert "DENY" == answer.headers["X-Frame-Options"]


@pytest.mark.parametrize("path", ["/", "/style.css", "/healthz", "/readyz", "/metrics", "/nowhere"])
def test_every_answer_keeps_browsers_from_running_storing_and_framing_it(serve: Serve, path: str) -> None:
    headers = serve().get(path).headers

    assert (
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        == headers["Content-Security-Policy"]
    )
    assert ("no-store", "no-referrer", "nosniff", "DENY") == tuple(
        headers[name]
        for name in ("Cache-Control", "Referrer-Policy", "X-Content-Type-Options", "X-Frame-Options")
    )
    assert "Server" not in headers


def test_the_page_loads_its_style_sheet_and_nothing_else(serve: Serve) -> None:
    site = serve(Store(rows=[summary_row(failed=1)]))

    page = site.get("/").text

    assert ["style.css"] == re.findall(r'(?:src|<link rel="stylesheet" href)="([^"]*)"', page)
    assert not re.search(r"<script|<img|style=|https?:", page)
    assert (200, "text/css; charset=utf-8") == (
        site.get("/style.css").status,
        site.get("/style.css").headers["Content-Type"],
    )


def test_head_has_the_headers_of_get_and_no_body(serve: Serve) -> None:
    site = serve(Store(rows=[summary_row()]))

    head, get = site.get("/", method="HEAD"), site.get("/")

    assert (200, "", get.headers["Content-Length"]) == (
        head.status,
        head.text,
        head.headers["Content-Length"],
    )


@pytest.mark.parametrize("path", ["/nowhere", "/healthz/", "/../etc/passwd", "/static/style.css"])
def test_an_unknown_path_is_a_plain_404(serve: Serve, path: str) -> None:
    answer = serve().get(path)

    assert (404, "text/plain; charset=utf-8", "Not Found") == (
        answer.status,
        answer.headers["Content-Type"],
        answer.text,
    )


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"])
def test_only_reading_is_allowed(serve: Serve, method: str) -> None:
    answer = serve().get("/", method=method)

    assert (405, {"GET", "HEAD"}) == (answer.status, set(answer.headers["Allow"].split(", ")))


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:8460", 200),
        ("127.0.0.1:8460", 200),
        ("[::1]:8460", 200),
        ("rebound.example", 400),
        ("localhost.evil.example", 400),
    ],
)
def test_a_name_that_only_leads_to_the_loopback_address_is_refused(
    serve: Serve, host: str, status: int
) -> None:
    """DNS rebinding: another site's page reads ours under its own name."""
    assert status == serve().get("/healthz", Host=host).status


def test_healthz_is_ok_while_all_threads_make_progress(serve: Serve) -> None:
    site = serve()

    plain, document = site.get("/healthz"), site.get("/healthz", Accept="application/json")

    assert (200, "ok\n", "text/plain; charset=utf-8") == (
        plain.status,
        plain.text,
        plain.headers["Content-Type"],
    )
    assert (200, {"status": "ok", "stalled": []}) == (document.status, json.loads(document.text))


def test_healthz_names_the_threads_that_are_stalled(serve: Serve) -> None:
    site = serve(pulse=Program(stalled_threads=["collect-main", "alerts"]))

    plain, document = site.get("/healthz"), site.get("/healthz", Accept="application/json")

    assert (503, "stalled: collect-main\nstalled: alerts\n") == (plain.status, plain.text)
    assert (503, {"status": "stalled", "stalled": ["collect-main", "alerts"]}) == (
        document.status,
        json.loads(document.text),
    )


def test_readyz_is_ok_when_all_is_to_be_had(serve: Serve) -> None:
    site = serve()

    plain, document = site.get("/readyz"), site.get("/readyz", Accept="application/json")

    assert (200, "ok\n") == (plain.status, plain.text)
    assert (200, {"status": "ok", "troubles": {}}) == (document.status, json.loads(document.text))


def test_readyz_tells_what_is_away_on_a_line_each(serve: Serve) -> None:
    troubles = {"main": "imap.example.com: refused\nok", "store": "disk full \ud800"}
    site = serve(pulse=Program(what_is_away=troubles))

    plain, document = site.get("/readyz"), site.get("/readyz", Accept="application/json")

    assert (503, "main: imap.example.com: refused ok\nstore: disk full\n") == (plain.status, plain.text)
    assert (
        503,
        {"status": "not-ready", "troubles": {"main": "imap.example.com: refused ok", "store": "disk full"}},
    ) == (document.status, json.loads(document.text))


def test_health_needs_no_store(serve: Serve) -> None:
    assert 200 == serve(Store(error=StoreUnavailable("store: away"))).get("/healthz").status
