"""Certificates for the servers of channels."""

import ssl
from pathlib import Path

import pytest
import trustme


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _written(authority, tmp_path_factory)


@pytest.fixture(scope="session")
def other_ca_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _written(trustme.CA(), tmp_path_factory)


@pytest.fixture(scope="session")
def server_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


def _written(authority: trustme.CA, folders: pytest.TempPathFactory) -> Path:
    path = folders.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path
