"""A secret is read when it is needed, and never shown."""

from pathlib import Path

import pytest

from collector.config import ImapSettings, load
from collector.errors import InvalidConfig
from tests.config.files import mailbox, written

SECRET = "correct-horse"


def source(folder: Path, password: str) -> ImapSettings:
    text = f"sources: [{{name: main, kind: imap, host: h.example, username: u, {password}}}]"
    return mailbox(load(written(folder, text)))


def refusal(settings: ImapSettings) -> str:
    with pytest.raises(InvalidConfig) as refused:
        settings.arguments()
    return str(refused.value)


def test_a_secret_may_stand_in_the_file(tmp_path: Path) -> None:
    assert SECRET == source(tmp_path, f"password: {SECRET}").arguments()["password"]


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_secret_file_loses_the_line_break_at_its_end(tmp_path: Path, end: str) -> None:
    (tmp_path / "p").write_bytes(f" {SECRET} {end}".encode())

    assert f" {SECRET} " == source(tmp_path, "password_file: p").arguments()["password"]


def test_a_secret_file_is_read_again_each_time(tmp_path: Path) -> None:
    settings = source(tmp_path, "password_file: p")
    (tmp_path / "p").write_text("old")
    assert "old" == settings.arguments()["password"]

    (tmp_path / "p").write_text("new")
    assert "new" == settings.arguments()["password"]


def test_a_secret_may_stand_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAP_PASSWORD", SECRET)

    assert SECRET == source(tmp_path, "password_env: IMAP_PASSWORD").arguments()["password"]


def test_a_secret_may_be_a_credential_of_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "imap").write_text(f"{SECRET}\n")

    assert SECRET == source(tmp_path, "password_credential: imap").arguments()["password"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            None,
            "cannot be read (No such file or directory): create it, readable by the user of the collector",
        ),
        (b"", "is empty: write the secret into it"),
        (b"\n", "is empty: write the secret into it"),
        (b"x" * 65_537, "is larger than 65536 bytes: name the right file"),
        (b"correct-horse\nuser: u\n", "holds more than one line: leave only the secret in it"),
        (b"correct-horse\xff", "is not UTF-8: write the secret as text"),
    ],
)
def test_a_secret_file_that_cannot_be_used_is_told_with_what_to_do(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    if content is not None:
        (tmp_path / "p").write_bytes(content)

    assert f"password_file: the file {tmp_path}/p {reason}" == refusal(source(tmp_path, "password_file: p"))


def test_the_error_of_a_secret_file_carries_nothing_of_it(tmp_path: Path) -> None:
    (tmp_path / "p").write_bytes(b"correct-horse\xff")

    with pytest.raises(InvalidConfig) as refused:
        source(tmp_path, "password_file: p").arguments()

    assert (None, None) == (refused.value.__cause__, refused.value.__context__)


def test_a_variable_that_is_not_set_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IMAP_PASSWORD", raising=False)

    assert (
        "password_env: the environment variable IMAP_PASSWORD is not set: set it to the secret"
    ) == refusal(source(tmp_path, "password_env: IMAP_PASSWORD"))


def test_a_credential_without_systemd_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)

    assert (
        "password_credential: there are no credentials (CREDENTIALS_DIRECTORY is not set):"
        " start from systemd with LoadCredential=imap:/path/to/the/secret"
    ) == refusal(source(tmp_path, "password_credential: imap"))


def test_a_secret_never_shows(tmp_path: Path) -> None:
    settings = source(tmp_path, f"password: {SECRET}")
    shown = (
        repr(settings),
        str(settings.password),
        repr(settings.password),
        repr(settings.model_dump()),
        settings.model_dump_json(),
    )

    assert [False] * 5 == [SECRET in text for text in shown]


def test_a_secret_is_frozen(tmp_path: Path) -> None:
    password = source(tmp_path, f"password: {SECRET}").password

    with pytest.raises(AttributeError):
        password.place = "other"  # type: ignore[union-attr, misc]


@pytest.mark.parametrize(
    "line",
    [
        "password: hunter2: x",
        "password: *hunter2",
        "password: &hunter2",
        "password: &hunter2 x",
        "password: !hunter2",
        "password: !hunter2!x y",
        "password: %hunter2\n@hunter2",
        "password: '\\hunter2",
        'password: "\\hunter2"',
        "password: [hunter2]",
        "password: {hunter2: hunter2}",
        "password: |\n      hunter2\n      hunter2",
        "password: {hunter2!}",
        "password:hunter2",
        "password=hunter2",
        "password=hunter2: x",
        "passwrod: hunter2",
        "password: hunter2\n    password: hunter2",
        "password: hunter2\n    password_file: hunter2",
        "password: ''\n    password_file: [hunter2]",
        "password: hunter2\n    port: hunter",
        "password_env: hunter2!",
        "password_credential: hunter2/",
        "password: hunter2\n  - password:hunter2",
        "password: hunter2\nstore: postgres://u:hunter2@h/",
        "password: hunter2\nstore: {hunter2: hunter2}",
        "password: hunter2\nchannels: [{kind: webhook, name: n, url: 'x://hunter2', secret: [hunter2]}]",
        "password: hunter2\nchannels: [{kind: webhook, name: n, url: 'https://u:hunter2@h', secret: 1}]",
    ],
)
def test_no_problem_shows_a_secret(tmp_path: Path, line: str) -> None:
    text = f"sources:\n  - name: main\n    kind: imap\n    host: h.example\n    {line}\n"

    with pytest.raises(InvalidConfig) as refused:
        load(written(tmp_path, text))

    assert "hunter2" not in str(refused.value)
    assert (None, None) == (refused.value.__cause__, refused.value.__context__)


@pytest.mark.parametrize("number", ["123456", "22:30", "0123", "1.5", "no", "2026-05-11"])
def test_a_password_that_yaml_does_not_read_as_text_is_refused_without_being_shown(
    tmp_path: Path, number: str
) -> None:
    with pytest.raises(InvalidConfig) as refused:
        source(tmp_path, f"password: {number}")

    assert "in quotes" in str(refused.value)
    assert f"'{number}'" not in str(refused.value)
