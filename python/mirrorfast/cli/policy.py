"""What commands share that run a policy."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mirrorfast.config import TradingConfig
    from mirrorfast.rl.policy import Policy

__all__ = ["decided", "trained"]


def trained(path: Path | None) -> "Policy | None":
    """Read the model that ``--policy`` names.

    Parameters
    ----------
    path
        The ONNX file, or ``None``.

    Returns
    -------
    Policy or None
        Checked against its card and this release.
    """
    if path is None:
        return None
    from mirrorfast.rl.policy import Policy

    return Policy.load(path)


def decided(config: "TradingConfig", mode: str | None) -> "TradingConfig":
    """Let ``--meta`` say who decides.

    Parameters
    ----------
    config
        Configuration.
    mode
        The option, or ``None``.

    Returns
    -------
    TradingConfig
        With that mode.
    """
    if mode is None:
        return config
    return config.model_copy(update={"meta": config.meta.model_copy(update={"mode": mode})})
