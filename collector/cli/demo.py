"""``demo``: the main job on an embedded mailbox."""

import click


@click.command()
@click.option("--keep", is_flag=True, help="Stay up until Ctrl-C, to look around.")
@click.option(
    "--port",
    "web_port",
    type=click.IntRange(1, 65535),
    help="Port of the page. Default: 8460 where it is free, else any.",
)
def demo(*, keep: bool, web_port: int | None) -> None:
    """Do the main job on an embedded mailbox that holds sample reports.

    Logs in over IMAP, collects, archives, stores, alerts by mail and webhook, and serves the
    page; everything on this machine, in a folder that is removed afterwards. Needs the extra
    "demo": pip install "tlsrpt-collector[demo]".
    """
    from importlib.util import find_spec

    from collector.app import utc_now
    from collector.errors import Misconfigured

    missing = [name for name in ("pymap", "aiosmtpd") if find_spec(name) is None]
    if missing:
        raise Misconfigured(f'the demo needs {" and ".join(missing)}: pip install "tlsrpt-collector[demo]"')
    from collector.demo.tour import tour

    tour(now=utc_now(), keep=keep, web_port=web_port)
