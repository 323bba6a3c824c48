"""Secrets: where they are looked for, and what keeps them from being read or shown."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from mirrorfast.credentials import _is_private, get_secret, list_secrets, secrets_directory, set_secret
from mirrorfast.errors import ConfigurationError, ParameterError
from mirrorfast.redaction import redact


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


def test_set_makes_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    environ = {"MIRRORFAST_SECRETS": str(tmp_path / "deep" / "secrets")}
    place = set_secret("kraken.api_key", " k-e-y-1 \n", environ=environ)
    file = Path(place.where)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert set_secret("kraken.api_key", "k-e-y-2", environ=environ) == place  # the old one is replaced
    assert get_secret("kraken.api_key", environ=environ).get_secret_value() == "k-e-y-2"
    assert [f.name for f in file.parent.iterdir()] == ["kraken.api_key"]


@pytest.mark.parametrize("value", ["", "  ", "two\nlines", "null\x00byte", "x" * 70_000])
def test_set_refuses_what_is_no_secret(tmp_path: Path, value: str) -> None:
    with pytest.raises(ParameterError, match="expected one line") as caught:
        set_secret("kraken", value, environ={"MIRRORFAST_SECRETS": str(tmp_path)})
    assert value.strip() == "" or value not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_set_says_where_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        set_secret("kraken", "k-e-y", environ={"MIRRORFAST_SECRETS": str(tmp_path / "file")})


def test_list_gives_names_only(tmp_path: Path, environ: dict[str, str]) -> None:
    put(tmp_path, "binance.api_key", "hidden")
    put(tmp_path, ".new-abc", "left over")
    (tmp_path / "folder").mkdir()
    found = list_secrets(environ=environ | {"MIRRORFAST_SECRET_OKX": "hidden", "MIRRORFAST_SECRET_EMPTY": " "})
    assert [(p.name, p.source) for p in found] == [("okx", "environment"), ("binance.api_key", "file")]
    assert "hidden" not in repr(found)
    assert list_secrets(environ={"MIRRORFAST_SECRETS": str(tmp_path / "none")}) == []


def test_the_message_says_how_it_stands_with_the_keyring(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match=r"not installed: pip install .*mirrorfast secrets set okx"):
        get_secret("okx", environ=environ)


@pytest.mark.skipif(sys.platform == "win32", reason="writes no core files")
def test_a_process_that_has_a_secret_leaves_no_core(environ: dict[str, str]) -> None:
    import resource

    get_secret("okx", environ=environ | {"MIRRORFAST_SECRET_OKX": "k-e-y-of-okx"})
    assert resource.getrlimit(resource.RLIMIT_CORE)[0] == 0


def test_root_may_hand_a_file_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getuid", lambda: 1_000)
    assert [_is_private(mode, 0) for mode in (0o400, 0o440, 0o600, 0o444, 0o460, 0o644)] == [
        True, True, True, False, False, False,
    ]  # fmt: skip
    assert [_is_private(0o400, owner) for owner in (1_000, 1_001)] == [True, False]
    assert not _is_private(0o440, 1_000)
