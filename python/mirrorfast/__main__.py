"""``python -m mirrorfast`` and the ``mirrorfast`` command: the one place where an error becomes a line and a status."""

import os
import sys
from collections.abc import Sequence
from typing import Final

__all__ = ["main"]

FAILURE: Final = 1
BAD_INPUT: Final = 2
INTERRUPTED: Final = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : sequence of str, optional
        The command line without the program's name; the process's own by default.

    Returns
    -------
    int
        Exit status: 0 success, 1 failure, 2 bad input, 130 interrupted.

    Examples
    --------
    >>> main(["config", "show", "--config", "/nowhere.toml"])
    2
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    try:
        return _run(words)
    except KeyboardInterrupt:
        return _interrupted()
    except BrokenPipeError:
        # The reader (head, less) has gone; what is still buffered must not raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILURE
    except Exception as error:
        from typer import Abort

        if isinstance(error, Abort):  # what typer makes of Ctrl-C
            return _interrupted()
        if debug:
            from mirrorfast.redaction import guard_process

            guard_process()
            raise
        text, status = _explain(error)
        print(f"mirrorfast: {text}", file=sys.stderr)  # noqa: T201
        return status


def _run(words: list[str]) -> int:
    from typer.main import get_command

    from mirrorfast.cli.app import app

    result = get_command(app).main(args=words, prog_name="mirrorfast", standalone_mode=False)
    return result if isinstance(result, int) else 0


def _interrupted() -> int:
    print("interrupted", file=sys.stderr)  # noqa: T201
    return INTERRUPTED


def _explain(error: Exception) -> tuple[str, int]:
    from mirrorfast.errors import MirrorfastError
    from mirrorfast.redaction import masked

    text = masked(str(error) or type(error).__name__)
    if isinstance(error, MirrorfastError):
        return " ".join(text.split()), error.exit_status
    # click is typer's; its usage errors carry their own status and know how to print themselves.
    show, status = getattr(error, "format_message", None), getattr(error, "exit_code", None)
    if callable(show) and isinstance(status, int):
        return f"{show()} (see --help)", status
    return f"internal error: {type(error).__name__}: {text} (a bug: --debug shows where)", FAILURE


if __name__ == "__main__":
    sys.exit(main())
