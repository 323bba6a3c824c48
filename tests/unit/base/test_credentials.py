"""Secrets: where they are looked for, and what keeps them from being read or shown."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from mirrorfast.credentials import get_secret, secrets_directory
from mirrorfast.errors import ConfigurationError, ParameterError
from mirrorfast.telemetry import redact


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setitem(sys.modules, "keyring", None)  # as if it were not installed
    return {"MIRRORFAST_SECRETS": str(tmp_path)}


def put(tmp_path: Path, name: str, text: str, mode: int = 0o600) -> Path:
    file = tmp_path / name
    file.write_text(text)
    file.chmod(mode)
    return file


def test_environment_wins(tmp_path: Path, environ: dict[str, str]) -> None:
    put(tmp_path, "binance.api_key", "from the file")
    secret = get_secret("binance.api_key", environ=environ | {"MIRRORFAST_SECRET_BINANCE_API_KEY": " from env\n"})
    assert secret.get_secret_value() == "from env"
    assert "from env" not in f"{secret} {secret!r}"


def test_file(tmp_path: Path, environ: dict[str, str]) -> None:
    put(tmp_path, "binance", "from the file\n")
    assert get_secret("binance", environ=environ).get_secret_value() == "from the file"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o610])
def test_file_that_others_may_read_is_refused(tmp_path: Path, environ: dict[str, str], mode: int) -> None:
    file = put(tmp_path, "binance", "text", mode)
    with pytest.raises(ConfigurationError, match=f"{file}: mode {mode:o}: expected 600") as caught:
        get_secret("binance", environ=environ)
    assert "text" not in str(caught.value)


def test_unreadable_file(tmp_path: Path, environ: dict[str, str]) -> None:
    file = put(tmp_path, "binance", "")
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        get_secret("binance", environ=environ)


def test_absent_everywhere_says_where_it_belongs(tmp_path: Path, environ: dict[str, str]) -> None:
    put(tmp_path, "empty", " \n")
    for name in ("kraken", "empty"):
        with pytest.raises(ConfigurationError, match=f"MIRRORFAST_SECRET_{name.upper()}, or in {tmp_path / name}"):
            get_secret(name, environ=environ)


@pytest.mark.parametrize("name", ["", "../etc/passwd", "A", "a/b", ".hidden", "a b", "a" * 65])
def test_names_cannot_leave_the_directory(environ: dict[str, str], name: str) -> None:
    with pytest.raises(ParameterError, match="expected lower-case letters"):
        get_secret(name, environ=environ)


@pytest.mark.parametrize("broken", [False, True])
def test_keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, broken: bool) -> None:
    keyring, errors = ModuleType("keyring"), ModuleType("keyring.errors")

    class KeyringError(Exception):
        pass

    def get_password(service: str, name: str) -> str | None:
        if broken:
            raise KeyringError
        return "from the keyring" if (service, name) == ("mirrorfast", "okx") else None

    errors.KeyringError = KeyringError  # type: ignore[attr-defined]
    keyring.errors, keyring.get_password = errors, get_password  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    monkeypatch.setitem(sys.modules, "keyring.errors", errors)
    environ = {"MIRRORFAST_SECRETS": str(tmp_path)}
    if broken:
        with pytest.raises(ConfigurationError, match="not set"):
            get_secret("okx", environ=environ)
        return
    assert get_secret("okx", environ=environ).get_secret_value() == "from the keyring"
    with pytest.raises(ConfigurationError, match="not set"):
        get_secret("kraken", environ=environ)


def test_looked_up_secret_is_masked_in_logs(tmp_path: Path, environ: dict[str, str]) -> None:
    put(tmp_path, "bybit", "s3cret-of-bybit")
    get_secret("bybit", environ=environ)
    assert redact(None, "info", {"event": "sent s3cret-of-bybit"})["event"] == "sent ***"


def test_directory() -> None:
    assert secrets_directory(environ={"XDG_CONFIG_HOME": "/x"}) == Path("/x/mirrorfast/secrets")
    assert secrets_directory(environ={}) == Path.home() / ".config/mirrorfast/secrets"
