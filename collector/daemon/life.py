"""The whole life of the process: what starts, in which order, what changes, and how it ends."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from datetime import timedelta

import structlog

from collector.app import App, opened, utc_now
from collector.config import Config
from collector.daemon.front import AbsentStore, Front
from collector.daemon.house import House
from collector.daemon.orders import Orders
from collector.daemon.systemd import Systemd
from collector.errors import Misconfigured, StoreInUse, StoreUnavailable
from collector.ports import Clock
from collector.web.metrics import PrometheusMeter

# A database that restarts is back within seconds, one that is being moved within the hour.
STORE_RETRY = timedelta(seconds=5)

_log = structlog.get_logger()


def run(load: Callable[[], Config], *, clock: Clock = utc_now, systemd: Systemd | None = None) -> None:
    """Run until SIGTERM or SIGINT: finish the batch in hand, then return.

    SIGHUP reads the configuration again by ``load``; one that is wrong is refused, and the
    old one stays. SIGUSR1 asks every source at once.
    """
    orders = Orders()
    # Signals come first, so that none that arrives during the start is lost.
    with orders.taken():
        Life(load, orders, systemd or Systemd(), clock).live()


class Life:
    """One run of the daemon."""

    def __init__(self, load: Callable[[], Config], orders: Orders, systemd: Systemd, clock: Clock) -> None:
        """Prepare; nothing starts before :meth:`live`."""
        self._load = load
        self._orders = orders
        self._systemd = systemd
        self._clock = clock
        self._meter = PrometheusMeter()
        self._front = Front(self._meter, clock)

    def live(self) -> None:
        """Start in order, keep the house, stop in reverse."""
        config = self._load()
        with ExitStack() as stack:
            stack.enter_context(closing(self._front))
            app = self._open(stack, config)
            if app is not None:
                self._keep_house(app)
            self._systemd.stopping()
            _log.info("daemon_stopping")
        _log.info("daemon_stopped")

    def _open(self, stack: ExitStack, config: Config) -> App | None:
        """Open everything; wait for a store that is away, with its reason on the page. None: told to stop."""
        while not self._orders.stop:
            try:
                app = stack.enter_context(opened(config, meter=self._meter, clock=self._clock))
            except StoreInUse:
                raise
            except StoreUnavailable as error:
                self._wait_for_store(config, str(error))
            else:
                return app
        return None

    def _wait_for_store(self, config: Config, reason: str) -> None:
        """Show and tell that the store is away, then wait a little: no reason to start all anew."""
        absent = AbsentStore(reason)
        self._front.show(config.web, absent.questions, absent)
        self._front.listen(config.web.listen)
        _log.error("store_unavailable", reason=reason)
        self._systemd.status(f"waiting for the store: {reason}")
        self._systemd.ready()
        self._rest(STORE_RETRY, absent.stalled)

    def _keep_house(self, app: App) -> None:
        house = self._move_in(app)
        try:
            _log.info(
                "daemon_started",
                sources=[source.name for source in app.sources],
                web=str(app.config.web.listen) if app.config.web.listen else None,
            )
            while not self._orders.stop:
                self._rest(None, house.stalled)
                if self._orders.ring_asked():
                    house.ring()
                if self._orders.reload_asked():
                    app, house = self._reload(app, house)
        finally:
            house.stop()

    def _move_in(self, app: App) -> House:
        """Show the pages, tell systemd, and let the threads begin: in this order."""
        house = House(app, on_change=self._systemd.status)
        self._front.show(app.config.web, app.store.questions, Pulse(house, self._front))
        self._front.listen(app.config.web.listen)
        # Before the first login: a mailbox that is away must not hold up the system's start.
        self._systemd.ready()
        house.start()
        return house

    def _reload(self, app: App, house: House) -> tuple[App, House]:
        """Change to the configuration as it is now; whatever is wrong with it, the old one stays."""
        self._systemd.reloading()
        try:
            new = app.reconfigured(self._load())
            self._front.listen(new.config.web.listen)
        except Misconfigured as error:
            _log.error("reload_refused", reason=str(error))
            self._systemd.ready()
            return app, house
        # Every mail is settled or still in its mailbox: the new threads find what the old ones left.
        house.stop()
        house = self._move_in(new)
        _log.info("reloaded", sources=[source.name for source in new.sources])
        return new, house

    def _rest(self, patience: timedelta | None, stalled: Callable[[], Sequence[str]]) -> None:
        """Sleep until there is an order or patience ends; feed the watchdog while threads make progress."""
        if not stalled():
            self._systemd.alive()
        intervals = [t for t in (patience, self._systemd.watchdog_interval) if t is not None]
        self._orders.wait(min(intervals, default=None))


class Pulse:
    """How the threads fare, those of the house and that of the web."""

    def __init__(self, house: House, front: Front) -> None:
        """Ask these two."""
        self._house = house
        self._front = front

    def stalled(self) -> Sequence[str]:
        """Name the threads that no longer make progress."""
        return [*self._house.stalled(), *([] if self._front.is_alive() else ["web"])]

    def troubles(self) -> dict[str, str]:
        """Tell what is not to be had now, and why."""
        return dict(self._house.troubles())
