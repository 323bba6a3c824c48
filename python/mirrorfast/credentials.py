"""Secrets: from the environment, from a file that only its owner can read, or from the system's keyring."""

import os
import re
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, NoReturn, Self

from pydantic import SecretStr

from mirrorfast.errors import ConfigurationError, ParameterError
from mirrorfast.redaction import register_secret

__all__ = ["Secret", "SecretPlace", "get_secret", "list_secrets", "secrets_directory", "set_secret"]

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_PREFIX: Final = "MIRRORFAST_SECRET_"
_SERVICE: Final = "mirrorfast"
_LARGEST: Final = 65_536


class Secret(SecretStr):
    """A text that is shown as asterisks and cannot be pickled; `get_secret_value` gives it.

    Parameters
    ----------
    value : str
        The text.

    Examples
    --------
    >>> secret = Secret("correct horse")
    >>> secret, f"{secret}", secret.get_secret_value()
    (Secret('**********'), '**********', 'correct horse')
    """

    def __reduce_ex__(self, _protocol: Any) -> NoReturn:
        # A pickle is a file, a queue or another process: nothing masks it there.
        raise TypeError("a Secret cannot be pickled: pass its name, and call get_secret where it is used")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: dict[int, Any]) -> Self:
        return self


@dataclass(frozen=True, slots=True)
class SecretPlace:
    """Where a secret is kept; never the secret.

    Attributes
    ----------
    name : str
        Its name. Of one in the environment, the variable's: every character but letters and digits became ``_``.
    source : {"environment", "file", "keyring"}
        Which kind of place.
    where : str
        The variable, the file, or the keyring's back end.

    Examples
    --------
    >>> SecretPlace("kraken.api_key", "environment", "MIRRORFAST_SECRET_KRAKEN_API_KEY").source
    'environment'
    """

    name: str
    source: Literal["environment", "file", "keyring"]
    where: str


def get_secret(name: str, *, environ: Mapping[str, str] | None = None) -> Secret:
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
    Secret
        The secret without surrounding white space; printing shows asterisks, pickling is refused. From now on its text
        is masked in every log record of the process, and the process leaves no core dump.

    Raises
    ------
    ParameterError
        If `name` has other characters.
    ConfigurationError
        If no place has it (the message names them), or others than the owner may read the file.

    Examples
    --------
    >>> secret = get_secret("binance.api_key", environ={"MIRRORFAST_SECRET_BINANCE_API_KEY": "abc123"})
    >>> secret, secret.get_secret_value()
    (Secret('**********'), 'abc123')
    """
    value, _ = find_secret(name, environ=environ)
    register_secret(value)
    _leave_no_core()
    return Secret(value)


def find_secret(name: str, *, environ: Mapping[str, str] | None = None) -> tuple[str, SecretPlace]:
    """Look a secret up and tell which place had it."""
    _check_name(name)
    environ = os.environ if environ is None else environ
    variable = variable_of(name)
    if value := environ.get(variable, "").strip():
        return value, SecretPlace(name, "environment", variable)
    file = secrets_directory(environ=environ) / name
    if value := _from_file(file):
        return value, SecretPlace(name, "file", str(file))
    value, keyring = _from_keyring(name)
    if value:
        return value, SecretPlace(name, "keyring", keyring)
    msg = (
        f"secret {name!r} is not set: expected it in {variable}, or in {file} with mode 600, or in the keyring "
        f"({keyring}); set it with: mirrorfast secrets set {name}"
    )
    raise ConfigurationError(msg)


def set_secret(
    name: str, value: str, *, keyring: bool = False, environ: Mapping[str, str] | None = None
) -> SecretPlace:
    """Keep a secret in a file of mode 600, or in the system's keyring.

    Parameters
    ----------
    name : str
        As for `get_secret`.
    value : str
        The secret; surrounding white space is dropped.
    keyring : bool, default False
        In the keyring instead of a file.
    environ : mapping, optional
        Environment; the process's own by default.

    Returns
    -------
    SecretPlace
        Where it is now.

    Raises
    ------
    ParameterError
        If `name` has other characters, or `value` is empty, longer than 64 KiB or more than one line.
    ConfigurationError
        If it cannot be written, or there is no keyring.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     environ = {"MIRRORFAST_SECRETS": folder}
    ...     place = set_secret("binance.api_key", "abc123", environ=environ)
    ...     get_secret("binance.api_key", environ=environ).get_secret_value()
    'abc123'
    """
    _check_name(name)
    value = value.strip()
    if not value or "\n" in value or "\x00" in value or len(value.encode()) >= _LARGEST:
        found = "nothing" if not value else f"{len(value)} characters in {value.count(chr(10)) + 1} lines"
        raise ParameterError(f"secret {name!r}: got {found}: expected one line of text below 64 KiB")
    register_secret(value)
    if keyring:
        return SecretPlace(name, "keyring", _to_keyring(name, value))
    folder = secrets_directory(environ=environ)
    file = folder / name
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # mkstemp makes files of mode 600; the new one takes the old one's place whole, or not at all.
        descriptor, fresh = tempfile.mkstemp(dir=folder, prefix=".new-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
                handle.write(value + "\n")
                handle.flush()
                os.fsync(handle.fileno())
            Path(fresh).replace(file)
        except BaseException:
            Path(fresh).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be written: {error.strerror}") from error
    return SecretPlace(name, "file", str(file))


def list_secrets(*, environ: Mapping[str, str] | None = None) -> list[SecretPlace]:
    """Tell which secrets there are.

    Parameters
    ----------
    environ : mapping, optional
        Environment; the process's own by default.

    Returns
    -------
    list of SecretPlace
        Those of the environment, then those in files; a keyring cannot be listed.

    Raises
    ------
    ConfigurationError
        If the directory cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     environ = {"MIRRORFAST_SECRETS": folder, "MIRRORFAST_SECRET_OKX_API_KEY": "abc123"}
    ...     [place.name for place in list_secrets(environ=environ)]
    ['okx_api_key']
    """
    environ = os.environ if environ is None else environ
    found = [
        SecretPlace(name.removeprefix(_PREFIX).lower(), "environment", name)
        for name in sorted(environ)
        if name.startswith(_PREFIX) and environ[name].strip()
    ]
    folder = secrets_directory(environ=environ)
    try:
        files = sorted(file for file in folder.iterdir() if _NAME.fullmatch(file.name) and file.is_file())
    except FileNotFoundError:
        files = []
    except OSError as error:
        raise ConfigurationError(f"{folder}: cannot be read: {error.strerror}") from error
    return found + [SecretPlace(file.name, "file", str(file)) for file in files]


def variable_of(name: str) -> str:
    """Name of the environment variable that may hold a secret."""
    return _PREFIX + re.sub(r"[^A-Z0-9]", "_", name.upper())


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


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        msg = f"name = {name!r}: expected lower-case letters, digits, '_', '.' and '-', at most 64"
        raise ParameterError(msg)


def _from_file(file: Path) -> str:
    try:
        with file.open("rb") as handle:
            # Of the open file, not of the path: nobody can put another one there between the two.
            status = os.fstat(handle.fileno())
            if os.name == "posix" and not _is_private(status.st_mode, status.st_uid):
                msg = f"{file}: mode {stat.S_IMODE(status.st_mode):o}: expected 600 and its owner to be you (chmod 600)"
                raise ConfigurationError(msg)
            return handle.read(_LARGEST).decode("utf-8").strip()
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        # The error's own text shows bytes of the file.
        raise ConfigurationError(f"{file}: cannot be read: expected text in UTF-8") from None
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read: {error.strerror}") from error


def _is_private(mode: int, owner: int) -> bool:
    if owner == os.getuid():
        return not mode & 0o077
    # What root handed to this process: systemd's credentials show the rights it was given as those of the group.
    return owner == 0 and not mode & 0o037


def _from_keyring(name: str) -> tuple[str, str]:
    """Give the keyring's text, empty if it has none, and a word on the keyring for messages."""
    try:
        import keyring
        import keyring.errors
    except ImportError:
        return "", "not installed: pip install 'mirrorfast[keyring]'"
    try:
        value = keyring.get_password(_SERVICE, name) or ""
    except keyring.errors.KeyringError:
        # No usable back end, as on most servers: the message about the other places is the useful one.
        return "", "no usable back end"
    return value.strip(), f"service {_SERVICE!r}"


def _to_keyring(name: str, value: str) -> str:
    try:
        import keyring
        import keyring.errors
    except ImportError as error:
        raise ConfigurationError("no keyring: pip install 'mirrorfast[keyring]'") from error
    try:
        keyring.set_password(_SERVICE, name, value)
    except keyring.errors.KeyringError as error:
        raise ConfigurationError(f"the keyring does not take it: {type(error).__name__}") from None
    return f"service {_SERVICE!r}"


def _leave_no_core() -> None:
    try:
        import resource
    except ImportError:  # Windows writes no core files
        return
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
