"""The IMAP source against a real Dovecot."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from imapclient import DELETED, SEEN

from collector.errors import SourceRefused, SourceUnavailable, TooLarge
from collector.intake.delivery import Delivery, DeliveryKind, Fate, Settlement, Withheld
from collector.ports import Batch
from collector.sources.imap import ImapSource
from collector.sources.imap_wording import certificate_advice
from tests.servers import PASSWORD, Dovecot, free_port
from tests.sources.fakes import RememberedUids
from tests.sources.scripted import ScriptedImap

RECEIVED_AT = datetime(2026, 5, 12, 6, 0, tzinfo=UTC)

Build = Callable[..., ImapSource]


@pytest.fixture
def build(dovecot: Dovecot, imap_user: str) -> Build:
    """Builds a source of the test's user; each test changes what it is about."""
    memory = RememberedUids()

    def build_source(**changes: Any) -> ImapSource:
        return source_on(dovecot, imap_user, memory=memory, **changes)

    return build_source


SETTINGS: dict[str, Any] = {
    "name": "main",
    "host": "127.0.0.1",
    "tls": "implicit",
    "password": PASSWORD,
    "folder": "INBOX",
    "settle": "move",
    "processed_folder": "TLSRPT-processed",
    "rejected_folder": "TLSRPT-rejected",
    "not_reports": "move",
    "timeout": timedelta(seconds=20),
    "batch_messages": 500,
    "batch_bytes": 50_000_000,
    "maximum_message_bytes": 25_000_000,
}


def source_on(server: Dovecot, user: str, **changes: Any) -> ImapSource:
    settings = {"port": server.tls_port, "ca_file": server.ca_file, "username": user}
    return ImapSource(**(SETTINGS | {"memory": RememberedUids()} | settings | changes))


def scripted(server: ScriptedImap, **changes: Any) -> ImapSource:
    settings: dict[str, Any] = {"port": server.port, "tls": "none", "ca_file": None, "username": "someone"}
    return ImapSource(**(SETTINGS | {"memory": RememberedUids()} | settings | changes))


def numbered(*numbers: int) -> list[bytes]:
    return [f"Subject: {number}\r\n\r\nmail {number}\r\n".encode() for number in numbers]


def collected(
    source: ImapSource, fate: Fate = Fate.PROCESSED, alone: frozenset[str] = frozenset()
) -> list[Batch]:
    """Do a round in which everything meets the same fate."""
    batches = []
    with closing(source.deliveries(alone=alone)) as deliveries:
        for batch in deliveries:
            batches.append(batch)
            source.settle([Settlement(reference=one.reference, fate=fate) for one in batch])
    return batches


def contents(batches: list[Batch]) -> list[bytes]:
    return [one.content for batch in batches for one in batch if isinstance(one, Delivery)]


def refusal(source: ImapSource) -> str:
    with pytest.raises(SourceRefused) as caught:
        collected(source)
    return str(caught.value)


# ── what comes in ─────────────────────────────────────────────────────────────


def test_a_mail_comes_in_as_it_is_with_the_time_of_its_arrival_in_utc(
    dovecot: Dovecot, imap_user: str, build: Build
) -> None:
    dovecot.deliver(imap_user, numbered(1), at=RECEIVED_AT)

    ((delivery,),) = collected(build())

    folder, _, rest = delivery.reference.partition(";UIDVALIDITY=")
    assert ("INBOX", ";UID=1") == (folder, rest[rest.index(";") :])
    assert delivery == Delivery(
        source="main",
        reference=delivery.reference,
        kind=DeliveryKind.MAIL,
        content=numbered(1)[0],
        received_at=RECEIVED_AT,
    )


def test_a_reference_is_the_same_in_every_round(dovecot: Dovecot, imap_user: str, build: Build) -> None:
    dovecot.deliver(imap_user, numbered(1, 2))

    first = [one.reference for batch in collected(build(), Fate.KEPT) for one in batch]

    assert first == [one.reference for batch in collected(build(), Fate.KEPT) for one in batch]


def test_an_empty_folder_gives_no_batch(build: Build) -> None:
    assert [] == collected(build())


def test_batches_are_bounded_in_number(dovecot: Dovecot, imap_user: str, build: Build) -> None:
    dovecot.deliver(imap_user, numbered(1, 2, 3, 4, 5))

    batches = collected(build(batch_messages=2))

    assert [2, 2, 1] == [len(batch) for batch in batches]
    assert numbered(1, 2, 3, 4, 5) == contents(batches)


def test_batches_are_bounded_in_bytes_and_hold_one_mail_at_least(
    dovecot: Dovecot, imap_user: str, build: Build
) -> None:
    large, small = b"Subject: large\r\n\r\n" + b"x" * 3_000, b"Subject: small\r\n\r\n" + b"x" * 400
    dovecot.deliver(imap_user, [small, small, small, large, small])

    batches = collected(build(batch_bytes=1_000))

    assert [[small, small], [small], [large], [small]] == [contents([batch]) for batch in batches]


def test_suspects_come_last_and_alone(dovecot: Dovecot, imap_user: str, build: Build) -> None:
    dovecot.deliver(imap_user, numbered(1, 2, 3, 4))
    ((_, second, third, _),) = collected(build(), Fate.KEPT)

    batches = collected(build(), alone=frozenset({second.reference, third.reference, "another source's"}))

    assert [numbered(1, 4), numbered(2), numbered(3)] == [contents([batch]) for batch in batches]


def test_two_thousand_mails_come_in_once_each_and_leave_the_inbox_empty(
    dovecot: Dovecot, imap_user: str, build: Build
) -> None:
    mails = numbered(*range(2_000))
    dovecot.deliver(imap_user, mails)

    batches = collected(build())

    assert [500, 500, 500, 500] == [len(batch) for batch in batches]
    assert mails == contents(batches)
    assert [] == dovecot.mails(imap_user)
    assert mails == dovecot.mails(imap_user, "TLSRPT-processed")


def test_a_mail_that_people_have_read_is_new_all_the_same(
    dovecot: Dovecot, imap_user: str, build: Build
) -> None:
    dovecot.append(imap_user, "INBOX", numbered(1)[0], flags=[SEEN])

    assert numbered(1) == contents(collected(build()))


def test_a_mail_that_vanished_meanwhile_is_passed_over(
    dovecot: Dovecot, imap_user: str, build: Build
) -> None:
    dovecot.deliver(imap_user, numbered(1, 2, 3))
    source = build(batch_messages=1)
    with closing(source.deliveries(alone=frozenset())) as deliveries:
        next(deliveries)
        with dovecot.client(imap_user) as client:
            client.select_folder("INBOX")
            client.move([2], "TLSRPT-rejected")

        assert [numbered(3)] == [contents([batch]) for batch in deliveries]


def test_a_mail_that_the_server_cannot_read_does_not_keep_back_the_others(
    dovecot: Dovecot, imap_user: str, build: Build
) -> None:
    """Dovecot hangs up over it, so that the rounds after the first ask for it last, and alone."""
    dovecot.deliver(imap_user, numbered(1, 2, 3, 4))
    source = build(batch_messages=3)
    collected(source, Fate.KEPT)
    unreadable = sorted((dovecot.home / "mail" / imap_user / "cur").iterdir())[1]
    unreadable.chmod(0)
    with pytest.raises(SourceUnavailable, match="FETCH of UIDs 1 to 3: the connection broke off: "):
        collected(source)
    with pytest.raises(SourceUnavailable, match="FETCH of UID 2: the connection broke off: "):
        collected(source)
    with pytest.raises(SourceUnavailable, match="FETCH of UID 2: the connection broke off: "):
        collected(source)

    assert numbered(4, 1, 3) == dovecot.mails(imap_user, "TLSRPT-processed")
    unreadable_now = sorted((dovecot.home / "mail" / imap_user / "cur").iterdir())
    unreadable_now[0].chmod(0o600)
    assert numbered(2) == contents(collected(source))


def test_a_mail_that_the_server_will_not_give_stays_and_the_others_come() -> None:
    answers = {
        "SELECT": "* 2 EXISTS\r\n* OK [UIDVALIDITY 7] fine\r\n{tag} OK [READ-WRITE] done",
        "SEARCH": "* SEARCH 1 2\r\n{tag} OK done",
        "RFC822.SIZE": "* 1 FETCH (UID 1 RFC822.SIZE 1)\r\n* 2 FETCH (UID 2 RFC822.SIZE 1)\r\n{tag} OK done",
        "FETCH 2 (BODY": '* 2 FETCH (UID 2 BODY[] "y")\r\n{tag} OK done',
        "(BODY": "{tag} NO that one cannot be rendered",
    }
    with ScriptedImap(answers=answers) as server:
        batches = collected(scripted(server))

    assert [b"y"] == contents(batches)
    assert ["MOVE 2"] == [line[line.index("MOVE") :][:6] for line in server.heard if "MOVE" in line]


def test_a_large_folder_is_searched_in_pieces_that_a_line_can_hold() -> None:
    select = "* 120000 EXISTS\r\n* OK [UIDVALIDITY 7] fine\r\n{tag} OK [READ-WRITE] done"
    with ScriptedImap(answers={"SELECT": select, "SEARCH": "* SEARCH\r\n{tag} OK done"}) as server:
        assert [] == collected(scripted(server))

    assert ["1:50000 UNDELETED", "50001:100000 UNDELETED", "100001:120000 UNDELETED"] == [
        line.partition("SEARCH ")[2] for line in server.heard if "SEARCH" in line
    ]


def test_no_command_is_longer_than_servers_take() -> None:
    """RFC 7162 §4: 8,192 octets; the longest UID has ten digits."""
    uids = range(4_294_967_295 - 700, 4_294_967_295)
    select = "* 700 EXISTS\r\n* OK [UIDVALIDITY 7] fine\r\n{tag} OK [READ-WRITE] done"
    found = " ".join(map(str, uids))
    with ScriptedImap(answers={"SELECT": select, "SEARCH": f"* SEARCH {found}\r\n{{tag}} OK done"}) as server:
        collected(scripted(server))

    assert 7_000 < max(len(line) for line in server.heard) < 8_192


def test_folders_may_have_any_name(dovecot: Dovecot, imap_user: str, build: Build) -> None:
    folder, processed = "Größe & Co", '日本/"fertig" 100%'
    dovecot.append(imap_user, folder, numbered(1)[0])

    ((delivery,),) = collected(build(folder=folder, processed_folder=processed.replace("/", "-")))

    assert delivery.reference.isascii()
    assert delivery.reference.startswith("Gr%C3%B6%C3%9Fe%20%26%20Co;UIDVALIDITY=")
    assert [] == dovecot.mails(imap_user, folder)
    assert numbered(1) == dovecot.mails(imap_user, processed.replace("/", "-"))


# ── too large ─────────────────────────────────────────────────────────────────


def test_a_mail_above_the_limit_is_withheld_and_never_downloaded(
    dovecot: Dovecot, imap_user: str, build: Build
) -> None:
    large = b"Subject: large\r\n\r\n" + b"x" * 300_000
    dovecot.deliver(imap_user, [numbered(1)[0], large, numbered(2)[0]], at=RECEIVED_AT)

    (batch,) = collected(build(maximum_message_bytes=200_000), Fate.REJECTED)

    withheld = batch[1]
    assert isinstance(withheld, Withheld)
    assert (len(large), RECEIVED_AT) == (withheld.size_bytes, withheld.received_at)
    assert isinstance(withheld.reason, TooLarge)
    assert "message of 300018 bytes, the limit is 200000" == str(withheld.reason)
    assert numbered(1, 2) == contents([batch])
    (session,) = dovecot.sessions(imap_user, ended=1)
    assert f"body_count=2 body_bytes={len(numbered(1)[0] * 2)}" in session
    assert [*numbered(1), large, *numbered(2)] == dovecot.mails(imap_user, "TLSRPT-rejected")


def test_a_mail_larger_than_the_server_said_is_withheld_too() -> None:
    """Exchange tells sizes that it has guessed."""
    body = "Subject: large\r\n\r\n" + "x" * 900
    answers = {
        "FETCH": f"* 1 FETCH (UID 1 RFC822.SIZE 9 BODY[] {{{len(body)}}}\r\n{body})\r\n{{tag}} OK done"
    }
    with ScriptedImap(answers=answers) as server:
        ((withheld,),) = collected(scripted(server, maximum_message_bytes=800))

    assert isinstance(withheld, Withheld)
    assert f"message of {len(body)} bytes, the limit is 800" == str(withheld.reason)


def test_a_date_that_cannot_be_read_is_the_epoch() -> None:
    answers = {"FETCH": '* 1 FETCH (UID 1 RFC822.SIZE 9 INTERNALDATE "soon" BODY[] "x")\r\n{tag} OK done'}
    with ScriptedImap(answers=answers) as server:
        ((delivery,),) = collected(scripted(server))

    assert datetime(1970, 1, 1, tzinfo=UTC) == delivery.received_at


# ── settling ──────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def without_move() -> Iterator[Dovecot]:
    yield from _running(Dovecot(capability="IMAP4rev1 UIDPLUS"))


@pytest.fixture(scope="module")
def without_uidplus() -> Iterator[Dovecot]:
    yield from _running(Dovecot(capability="IMAP4rev1"))


@pytest.fixture(params=["dovecot", "without_move"])
def any_server(request: pytest.FixtureRequest) -> Dovecot:
    """One server after the other: what must be true with MOVE and without."""
    server: Dovecot = request.getfixturevalue(request.param)
    return server


def _running(server: Dovecot) -> Iterator[Dovecot]:
    try:
        server.start()
        yield server
    finally:
        server.remove()


@dataclass(frozen=True, kw_only=True)
class Places:
    """The numbers of the mails in each folder after a round."""

    left: tuple[int, ...]
    processed: tuple[int, ...] = ()
    rejected: tuple[int, ...] = ()


@pytest.mark.parametrize(
    ("settle", "not_reports", "expected"),
    [
        ("move", "move", Places(left=(4,), processed=(1,), rejected=(2, 3))),
        ("move", "leave", Places(left=(3, 4), processed=(1,), rejected=(2,))),
        ("delete", "move", Places(left=(4,), rejected=(2, 3))),
        ("delete", "leave", Places(left=(3, 4), rejected=(2,))),
        ("leave", "move", Places(left=(1, 2, 3, 4))),
        ("leave", "leave", Places(left=(1, 2, 3, 4))),
    ],
)
def test_each_fate_has_its_place_and_only_what_was_kept_comes_again(
    any_server: Dovecot, settle: str, not_reports: str, expected: Places
) -> None:
    user = any_server.new_user()
    any_server.deliver(user, numbered(1, 2, 3, 4))
    source = source_on(any_server, user, settle=settle, not_reports=not_reports)

    _settle_by_number(source)

    assert numbered(*expected.left) == any_server.mails(user)
    assert numbered(*expected.processed) == any_server.mails(user, "TLSRPT-processed")
    assert numbered(*expected.rejected) == any_server.mails(user, "TLSRPT-rejected")
    assert numbered(4) == contents(collected(source, Fate.KEPT))


def _settle_by_number(source: ImapSource) -> None:
    fates = (Fate.PROCESSED, Fate.REJECTED, Fate.NOT_A_REPORT, Fate.KEPT)
    with closing(source.deliveries(alone=frozenset())) as deliveries:
        for batch in deliveries:
            source.settle(
                [
                    Settlement(reference=one.reference, fate=fate)
                    for one, fate in zip(batch, fates, strict=True)
                ]
            )


def test_without_uidplus_settled_mails_are_marked_and_never_come_again(without_uidplus: Dovecot) -> None:
    """A plain EXPUNGE would also remove what others marked, so that it is never sent."""
    user = without_uidplus.new_user()
    others = b"Subject: marked by another\r\n\r\n"
    without_uidplus.append(user, "INBOX", others, flags=[DELETED])
    without_uidplus.append(user, "INBOX", numbered(1)[0])
    source = source_on(without_uidplus, user)

    assert numbered(1) == contents(collected(source))

    marked = frozenset({DELETED})
    assert [(others, marked), (numbered(1)[0], marked)] == without_uidplus.mails_with_flags(user)
    assert numbered(1) == without_uidplus.mails(user, "TLSRPT-processed")
    assert [] == collected(source)


@pytest.mark.parametrize("settle", ["move", "delete"])
def test_what_others_marked_as_deleted_is_neither_read_nor_removed(any_server: Dovecot, settle: str) -> None:
    user = any_server.new_user()
    any_server.append(user, "INBOX", numbered(1)[0], flags=[DELETED])
    any_server.append(user, "INBOX", numbered(2)[0])

    assert numbered(2) == contents(collected(source_on(any_server, user, settle=settle)))
    assert [(numbered(1)[0], frozenset({DELETED}))] == any_server.mails_with_flags(user)


def test_collecting_with_leave_changes_nothing_in_the_folder(
    dovecot: Dovecot, imap_user: str, build: Build
) -> None:
    dovecot.append(imap_user, "INBOX", numbered(1)[0])

    collected(build(settle="leave"))

    assert [(numbered(1)[0], frozenset())] == dovecot.mails_with_flags(imap_user)
    assert [] == dovecot.folders(imap_user)


def test_missing_folders_are_created_and_subscribed(dovecot: Dovecot, imap_user: str, build: Build) -> None:
    collected(build())

    assert ["TLSRPT-processed", "TLSRPT-rejected"] == dovecot.folders(imap_user)


def test_when_a_folder_was_made_anew_everything_in_it_is_new(
    dovecot: Dovecot, imap_user: str, build: Build
) -> None:
    """UIDs of another UIDVALIDITY mean nothing (RFC 9051 §2.3.1.1)."""
    source = build(settle="leave", folder="Reports")
    dovecot.append(imap_user, "Reports", numbered(1)[0])
    collected(source)
    assert [] == collected(source)
    with dovecot.client(imap_user) as client:
        client.delete_folder("Reports")
    dovecot.append(imap_user, "Reports", numbered(2)[0])

    assert numbered(2) == contents(collected(source))


def test_settlements_from_before_a_folder_was_made_anew_touch_nothing(
    dovecot: Dovecot, imap_user: str, build: Build
) -> None:
    dovecot.deliver(imap_user, numbered(1))
    source = build()
    with closing(source.deliveries(alone=frozenset())) as deliveries:
        next(deliveries)
        source.settle([Settlement(reference="INBOX;UIDVALIDITY=1/;UID=1", fate=Fate.PROCESSED)])

    assert numbered(1) == dovecot.mails(imap_user)


def test_a_folder_that_cannot_be_created_is_told_with_what_to_do(build: Build, dovecot: Dovecot) -> None:
    assert refusal(build(processed_folder="a//b")).startswith(
        f"127.0.0.1:{dovecot.tls_port}: creating the folder 'a//b' was refused: create failed: "
    )


def test_mail_is_not_moved_into_the_folder_it_comes_from(build: Build) -> None:
    assert "source main: processed_folder is folder itself: set another one" == refusal(
        build(processed_folder="inbox")
    )


def test_settling_outside_a_round_is_unavailable_and_loses_nothing(build: Build) -> None:
    with pytest.raises(SourceUnavailable, match="no round is open; the mails stay and come again"):
        build().settle([])


# ── who is let in, and whom we believe ────────────────────────────────────────


def test_starttls_works_with_an_authority_of_our_own(dovecot: Dovecot, imap_user: str, build: Build) -> None:
    dovecot.deliver(imap_user, numbered(1))

    assert numbered(1) == contents(collected(build(tls="starttls", port=dovecot.port)))
    (session,) = [line for line in dovecot.log.splitlines() if f"Login: user=<{imap_user}>" in line]
    assert ", TLS," in session


def test_plain_text_is_spoken_only_when_it_is_asked_for(
    dovecot: Dovecot, imap_user: str, build: Build
) -> None:
    dovecot.deliver(imap_user, numbered(1))

    assert numbered(1) == contents(collected(build(tls="none", port=dovecot.port)))


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_a_certificate_of_an_unknown_authority_is_refused(
    dovecot: Dovecot, imap_user: str, build: Build, tmp_path: Path, tls: str
) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    port = dovecot.tls_port if tls == "implicit" else dovecot.port

    assert (
        f"the certificate of 127.0.0.1:{port} is not trusted (unable to get local issuer certificate): "
        "set ca_file, or mend the certificate"
    ) == refusal(build(tls=tls, port=port, ca_file=tmp_path / "other.pem"))
    assert f"Login: user=<{imap_user}>" not in dovecot.log


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_a_certificate_of_another_name_is_refused(dovecot: Dovecot, build: Build, tls: str) -> None:
    port = dovecot.tls_port if tls == "implicit" else dovecot.port

    assert (
        f"the certificate of localhost:{port} is for another name: "
        "set host to a name it holds, or mend the certificate"
    ) == refusal(build(tls=tls, port=port, host="localhost"))


def test_an_expired_certificate_is_told() -> None:
    error = ssl.SSLCertVerificationError()
    error.verify_code = 10

    assert "the certificate of mail.test:993 has expired: renew it there" == certificate_advice(
        "mail.test:993", error
    )


def test_a_port_without_tls_is_told_and_not_spoken_to_in_plain_text(dovecot: Dovecot, build: Build) -> None:
    assert (
        f"127.0.0.1:{dovecot.port} does not speak TLS at once: mend port, or set tls: starttls"
    ) == refusal(build(port=dovecot.port))


@pytest.mark.parametrize(
    ("greeting", "problem"),
    [
        ("* OK hello", "Server does not support STARTTLS capability"),
        ("* PREAUTH hello", "command STARTTLS illegal in state AUTH, only allowed in states NONAUTH"),
    ],
)
def test_a_server_without_starttls_is_refused_and_gets_no_password(greeting: str, problem: str) -> None:
    """Whoever sits between us and the server can take the offer away; we do not go on without."""
    answers = {"CAPABILITY": "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n{tag} OK done"}
    if greeting.startswith("* PREAUTH"):
        answers["CAPABILITY"] = "* CAPABILITY IMAP4rev1 STARTTLS\r\n{tag} OK done"
    with ScriptedImap(greeting=greeting, answers=answers) as server:
        text = refusal(scripted(server, tls="starttls"))

    advice = "set tls: implicit with port 993, or let it offer STARTTLS"
    assert f"127.0.0.1:{server.port}: STARTTLS was refused: {problem}: {advice}" == text
    assert ["CAPABILITY"] == list(dict.fromkeys(line.split()[1] for line in server.heard))


def test_a_server_that_takes_no_password_now_gets_none() -> None:
    answers = {"CAPABILITY": "* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n{tag} OK done"}
    with ScriptedImap(answers=answers) as server:
        text = refusal(scripted(server))

    advice = "set tls: implicit or starttls"
    assert f"127.0.0.1:{server.port} takes no password on this connection: {advice}" == text
    assert PASSWORD not in "".join(server.heard)


def test_a_password_outside_ascii_needs_auth_plain() -> None:
    with ScriptedImap(answers={"CAPABILITY": "* CAPABILITY IMAP4rev1\r\n{tag} OK done"}) as server:
        text = refusal(scripted(server, password="пароль"))

    assert text.startswith(f"127.0.0.1:{server.port} has no AUTH=PLAIN")


def test_where_auth_plain_is_missing_name_and_password_are_quoted() -> None:
    answers = {
        "CAPABILITY": "* CAPABILITY IMAP4rev1\r\n{tag} OK done",
        "LOGIN": "{tag} NO [AUTHENTICATIONFAILED] no",
    }
    with ScriptedImap(answers=answers) as server:
        refusal(scripted(server, username='a "b', password='c "d'))

    (login,) = [line for line in server.heard if " LOGIN " in line]
    assert r'LOGIN "a \"b" "c \"d"' == login.partition(" ")[2]


def test_a_server_that_repeats_the_password_does_not_have_it_shown() -> None:
    answers = {
        "CAPABILITY": "* CAPABILITY IMAP4rev1\r\n{tag} OK done",
        "LOGIN": "{tag} BAD what is LOGIN hunter2\x1b[2J",
    }
    with (
        ScriptedImap(answers=answers) as server,
        pytest.raises(SourceRefused) as caught,
    ):
        collected(scripted(server, password="hunter2"))

    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert "what is LOGIN (secret)" in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("AUTHENTICATE", "{tag} NO [UNAVAILABLE] the directory is away"),
        ("AUTHENTICATE", "* BYE too many connections"),
        ("SELECT", "{tag} NO [INUSE] locked"),
        ("SEARCH", "{tag} NO [LIMIT] slower"),
        ("MOVE", "{tag} NO [OVERQUOTA] full"),
        ("MOVE", "{tag} NO [TRYCREATE] gone"),
    ],
)
def test_what_passes_by_itself_is_unavailable(command: str, answer: str) -> None:
    fetch = '* 1 FETCH (UID 1 RFC822.SIZE 9 BODY[] "x")\r\n{tag} OK done'
    with (
        ScriptedImap(answers={"FETCH": fetch, command: answer}) as server,
        pytest.raises(SourceUnavailable),
    ):
        collected(scripted(server))


def test_a_server_that_falls_silent_is_unavailable_after_the_timeout() -> None:
    with (
        ScriptedImap(answers={"SEARCH": "* OK still searching"}) as server,
        pytest.raises(SourceUnavailable) as caught,
    ):
        collected(scripted(server, timeout=timedelta(milliseconds=100)))

    assert f"127.0.0.1:{server.port}: SEARCH: no answer within the timeout" == str(caught.value)


def test_a_folder_that_may_only_be_read_is_refused_where_mail_is_moved() -> None:
    select = "* 1 EXISTS\r\n* OK [UIDVALIDITY 7] fine\r\n{tag} OK [READ-ONLY] done"
    with ScriptedImap(answers={"SELECT": select}) as server:
        text = refusal(scripted(server))

    assert text.endswith("this user may not change the folder: let it, or set settle: leave")


def test_a_ca_file_that_cannot_be_read_is_told(build: Build, tmp_path: Path) -> None:
    assert f"ca_file {tmp_path / 'none'}: No such file or directory: mend the file" == refusal(
        build(ca_file=tmp_path / "none")
    )


def test_a_wrong_password_is_refused_without_being_shown(dovecot: Dovecot, build: Build) -> None:
    source = build(password="hunter2")

    text = refusal(source)

    assert (
        f"127.0.0.1:{dovecot.tls_port}: the login was refused: "
        "[AUTHENTICATIONFAILED] Authentication failed.: mend username and password"
    ) == text
    assert "hunter2" not in repr(source) + repr(source._server)


@pytest.mark.parametrize("password", ["пароль-пассворд", 'a "quoted\\ one', "with space"])
def test_a_password_may_hold_anything(dovecot: Dovecot, password: str) -> None:
    user = dovecot.new_user(password)
    dovecot.deliver(user, numbered(1))

    assert numbered(1) == contents(collected(source_on(dovecot, user, password=password)))


def test_a_missing_folder_is_refused(dovecot: Dovecot, build: Build) -> None:
    text = refusal(build(folder="Nowhere"))

    assert text.startswith(f"127.0.0.1:{dovecot.tls_port}: opening the folder 'Nowhere' was refused: ")
    assert text.endswith(": mend folder, or let this user open it")


def test_a_host_without_a_name_is_refused(build: Build) -> None:
    assert "'.example' is no name of a host: mend host" == refusal(build(host=".example"))


# ── who is away ───────────────────────────────────────────────────────────────


def test_a_server_that_is_away_is_unavailable(build: Build) -> None:
    port = free_port()

    with pytest.raises(SourceUnavailable) as caught:
        collected(build(port=port))

    assert f"127.0.0.1:{port}: connecting: Connection refused" == str(caught.value)


def test_a_host_that_is_not_found_is_unavailable(build: Build) -> None:
    """Name servers are away at times, too."""
    with pytest.raises(SourceUnavailable, match=r"mail\.invalid:993: connecting: the host name is not found"):
        collected(build(host="mail.invalid", port=993))


def test_a_server_that_dies_in_the_middle_is_unavailable_and_the_next_round_works(
    dovecot: Dovecot, imap_user: str, build: Build
) -> None:
    dovecot.deliver(imap_user, numbered(1, 2, 3))
    source = build(batch_messages=1)
    deliveries = source.deliveries(alone=frozenset())
    next(deliveries)
    dovecot.stop()
    try:
        with pytest.raises(SourceUnavailable, match=f"127.0.0.1:{dovecot.tls_port}: FETCH"):
            next(deliveries)
        with pytest.raises(SourceUnavailable, match=f"127.0.0.1:{dovecot.tls_port}: connecting: "):
            collected(source)
    finally:
        dovecot.start()

    # The second comes last: the server died over it, for all that is known.
    assert numbered(1, 3, 2) == contents(collected(source))


def test_a_server_that_dies_before_settling_gets_the_same_mails_settled_later(
    dovecot: Dovecot, imap_user: str, build: Build
) -> None:
    dovecot.deliver(imap_user, numbered(1, 2))
    source = build()
    with closing(source.deliveries(alone=frozenset())) as deliveries:
        batch = next(deliveries)
        settlements = [Settlement(reference=one.reference, fate=Fate.PROCESSED) for one in batch]
        dovecot.stop()
        try:
            with pytest.raises(SourceUnavailable):
                source.settle(settlements)
            with pytest.raises(SourceUnavailable):
                source.settle(settlements)
        finally:
            dovecot.start()

    assert numbered(1, 2) == contents(collected(source))
    assert numbered(1, 2) == dovecot.mails(imap_user, "TLSRPT-processed")
