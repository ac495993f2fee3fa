"""The read-only pages: overview, health, readiness, metrics.

Endpoints are plain functions, not coroutines: they ask the store, which blocks, and so run
in a worker thread.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from importlib.resources import files

import jinja2
import structlog
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from collector import __version__
from collector.alerting.percent import share_text
from collector.errors import StoreRefused, StoreUnavailable
from collector.ports import Clock, Filter, Pulse, Questions
from collector.web import metrics, sparkline, text
from collector.web.metrics import PrometheusMeter
from collector.web.overview import PERIOD_DAYS, overview, period_start

# A page loads our style sheet and nothing else: what a report smuggles in can neither run nor call out.
SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

# Whom a browser on the same machine may call us by: any other name that leads to a loopback
# address is another site's (DNS rebinding).
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")

# The cell of a table holds about this many names; the rest are counted.
MAX_ORGANIZATIONS_NAMED = 3

_READ_ONLY = ["GET", "HEAD"]

_log = structlog.get_logger()


def make_app(
    *,
    questions: Questions,
    pulse: Pulse,
    meter: PrometheusMeter,
    clock: Clock,
    allowed_hosts: Sequence[str] | None = None,
) -> Starlette:
    """Build the application; ``allowed_hosts`` are the names it answers to, None for any."""
    pages = _Pages(questions=questions, pulse=pulse, meter=meter, clock=clock, templates=_templates())
    app = Starlette(
        routes=[
            Route("/", pages.overview, methods=_READ_ONLY),
            Route("/style.css", pages.style, methods=_READ_ONLY),
            Route("/healthz", pages.healthz, methods=_READ_ONLY),
            Route("/readyz", pages.readyz, methods=_READ_ONLY),
            Route("/metrics", pages.metrics, methods=_READ_ONLY),
        ],
        middleware=_checks(allowed_hosts),
        exception_handlers={
            StoreUnavailable: pages.unavailable,
            StoreRefused: pages.unavailable,
            Exception: _bug,
        },
    )
    # A redirect would be built from the Host header.
    app.router.redirect_slashes = False
    return app


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pages:
    """One method a path."""

    questions: Questions
    pulse: Pulse
    meter: PrometheusMeter
    clock: Clock
    templates: jinja2.Environment

    def overview(self, _request: Request) -> Response:
        """Show the domains of the last days and the open alerts."""
        now = self.clock()
        today = now.date()
        shown = overview(
            self.questions.summary(Filter(since=period_start(today), until=today)),
            tuple(self.questions.alerts(open_only=True)),
            today=today,
        )
        return self._page(
            "overview.html",
            overview=shown,
            latest=None if shown.domain_count else max(self.questions.last_reports().values(), default=None),
            troubles=self._troubles(),
            stalled=self.pulse.stalled(),
            now=now,
        )

    def style(self, _request: Request) -> Response:
        """Hand out the style sheet."""
        return Response(_package_text("static", "style.css"), media_type="text/css")

    def healthz(self, request: Request) -> Response:
        """Tell whether every thread makes progress."""
        stalled = [text.shown(name) for name in self.pulse.stalled()]
        return _verdict(
            request,
            lines=[f"stalled: {name}" for name in stalled],
            document={"status": "stalled" if stalled else "ok", "stalled": stalled},
        )

    def readyz(self, request: Request) -> Response:
        """Tell whether the store and the sources are to be had."""
        troubles = self._troubles()
        return _verdict(
            request,
            lines=[f"{name}: {why}" for name, why in troubles.items()],
            document={"status": "not-ready" if troubles else "ok", "troubles": troubles},
        )

    def metrics(self, _request: Request) -> Response:
        """Hand the metrics to Prometheus."""
        exposition = self.meter.exposition(self.questions, now=self.clock())
        return Response(exposition, headers={"Content-Type": metrics.CONTENT_TYPE})

    def unavailable(self, _request: Request, error: Exception) -> Response:
        """Say that the store is not to be had, and where to look."""
        _log.warning("page_refused", error=str(error))
        error_text = text.shown(str(error), text.MAX_ERROR_CHARACTERS)
        status = HTTPStatus.SERVICE_UNAVAILABLE
        return self._page("unavailable.html", status=status, error=error_text, now=self.clock())

    def _troubles(self) -> Mapping[str, str]:
        """Tell what is not to be had, fit to be shown: foreign servers have their say in it."""
        return {
            text.shown(name): text.shown(why, text.MAX_ERROR_CHARACTERS)
            for name, why in self.pulse.troubles().items()
        }

    def _page(self, template: str, *, status: HTTPStatus = HTTPStatus.OK, **values: object) -> Response:
        return HTMLResponse(self.templates.get_template(template).render(values), status_code=status)


def _checks(allowed_hosts: Sequence[str] | None) -> list[Middleware]:
    """Return what every request passes on its way in, and its answer on its way out."""
    checks = [Middleware(_SecurityHeaders)]
    if allowed_hosts is not None:
        hosts = list(allowed_hosts)
        checks.append(Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False))
    return checks


def _verdict(request: Request, *, lines: Sequence[str], document: Mapping[str, object]) -> Response:
    """Answer ok, or 503 with what is wrong: in JSON where that is asked for, else a line each."""
    status = HTTPStatus.SERVICE_UNAVAILABLE if lines else HTTPStatus.OK
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse(document, status_code=status)
    return PlainTextResponse("".join(f"{line}\n" for line in lines or ["ok"]), status_code=status)


def _bug(_request: Request, _error: Exception) -> Response:
    """Answer for a bug of ours; the server logs its traceback."""
    return PlainTextResponse(
        "This is a fault of the program; its log has the details.\n",
        status_code=HTTPStatus.INTERNAL_SERVER_ERROR,
        headers=SECURITY_HEADERS,
    )


class _SecurityHeaders:
    """Puts the security headers on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SECURITY_HEADERS)
            await send(message)

        await self._app(scope, receive, send_secured)


def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("collector.web"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        shown=text.shown,
        count=text.count,
        percent=text.percent,
        share=share_text,
        alert_percent=text.alert_percent,
        moment=text.moment,
        bars=sparkline.bars,
    )
    environment.globals.update(
        period_days=PERIOD_DAYS,
        max_organizations_named=MAX_ORGANIZATIONS_NAMED,
        sparkline_height=sparkline.HEIGHT,
        # Today has a slot too.
        sparkline_width=sparkline.SLOT_WIDTH * (PERIOD_DAYS + 1),
        sparkline_bar_width=sparkline.BAR_WIDTH,
        version=__version__,
    )
    return environment


def _package_text(*names: str) -> str:
    return files("collector.web").joinpath(*names).read_text(encoding="utf-8")
