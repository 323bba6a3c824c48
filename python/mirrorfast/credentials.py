"""Secrets: from the environment, from a file that only its owner can read, or from the system's keyring."""

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from mirrorfast.errors import ConfigurationError, ParameterError
from mirrorfast.telemetry import register_secret

__all__ = ["get_secret", "secrets_directory"]

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_SERVICE: Final = "mirrorfast"


def get_secret(name: str, *, environ: Mapping[str, str] | None = None) -> SecretStr:
    """Look a secret up.

    The first place that has it wins: the environment variable ``MIRRORFAST_SECRET_<NAME>``, the file ``<name>`` in
    `secrets_directory`, the system's keyring (service ``mirrorfast``) where the package ``keyring`` is installed.

    Parameters
    ----------
    name : str
        Lower-case letters, digits, ``_``, ``.`` and ``-``: ``"binance.api_key"``. In the variable's name every
        character but letters and digits is ``_``: ``MIRRORFAST_SECRET_BINANCE_API_KEY``.
    environ : mapping, optional
        Environment; the process's own by default.

    Returns
    -------
    pydantic.SecretStr
        The secret without surrounding white space; printing shows asterisks. Its text is masked in logs from now on.

    Raises
    ------
    ParameterError
        If `name` has other characters.
    ConfigurationError
        If no place has it, or others than the owner may read the file.

    Examples
    --------
    >>> secret = get_secret("binance.api_key", environ={"MIRRORFAST_SECRET_BINANCE_API_KEY": "abc123"})
    >>> secret, secret.get_secret_value()
    (SecretStr('**********'), 'abc123')
    """
    if not _NAME.fullmatch(name):
        msg = f"name = {name!r}: expected lower-case letters, digits, '_', '.' and '-', at most 64"
        raise ParameterError(msg)
    environ = os.environ if environ is None else environ
    variable = "MIRRORFAST_SECRET_" + re.sub(r"[^A-Z0-9]", "_", name.upper())
    file = secrets_directory(environ=environ) / name
    value = environ.get(variable, "").strip() or _from_file(file) or _from_keyring(name)
    if not value:
        msg = f"secret {name!r} is not set: expected it in {variable}, or in {file} with mode 600"
        raise ConfigurationError(msg)
    register_secret(value)
    return SecretStr(value)


def secrets_directory(*, environ: Mapping[str, str] | None = None) -> Path:
    """Tell where secret files are.

    Parameters
    ----------
    environ : mapping, optional
        Environment; the process's own by default.

    Returns
    -------
    Path
        ``MIRRORFAST_SECRETS`` if set, else ``mirrorfast/secrets`` in the user's configuration directory.

    Examples
    --------
    >>> secrets_directory(environ={"XDG_CONFIG_HOME": "/home/me/.config"}).as_posix()
    '/home/me/.config/mirrorfast/secrets'
    """
    environ = os.environ if environ is None else environ
    if environ.get("MIRRORFAST_SECRETS"):
        return Path(environ["MIRRORFAST_SECRETS"])
    base = environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "mirrorfast" / "secrets"


def _from_file(file: Path) -> str:
    try:
        with file.open("rb") as handle:
            # Of the open file, not of the path: nobody can put another one there between the two.
            status = os.fstat(handle.fileno())
            if os.name == "posix" and (status.st_mode & 0o077 or status.st_uid not in (os.getuid(), 0)):
                msg = f"{file}: mode {stat.S_IMODE(status.st_mode):o}: expected 600 and its owner to be you (chmod 600)"
                raise ConfigurationError(msg)
            return handle.read(65_536).decode("utf-8").strip()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{file}: cannot be read: {error}"
        raise ConfigurationError(msg) from error


def _from_keyring(name: str) -> str:
    try:
        import keyring
        import keyring.errors
    except ImportError:
        return ""
    try:
        return keyring.get_password(_SERVICE, name) or ""
    except keyring.errors.KeyringError:
        # No usable back end, as on most servers: the message about the other places is the useful one.
        return ""
