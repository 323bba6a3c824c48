"""What the loop and the backtest ask of a policy, whatever runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import polars as pl

    from mirrorfast._core import DecisionEngine
    from mirrorfast.config import TradingConfig

__all__ = ["PolicySession", "TradingPolicy", "blended"]


class PolicySession(Protocol):
    """A policy at work in one run: it sees every closed bar once, in order."""

    def warm(self, bars: pl.DataFrame) -> None:
        """Take in bars that closed before the run, or before it went on."""

    def on_bars(
        self, ts: int, rows: Sequence[tuple[int, float, float, float, float, float]], engine: DecisionEngine
    ) -> list[tuple[float, float] | None]:
        """Take in what closed at one time; position and confidence for each row, None for nothing to say."""

    def incidents(self) -> list[dict[str, Any]]:
        """Answers that could not be used, since the last call."""

    def state(self) -> dict[str, Any]:
        """Say what a run that goes on must know beside the bars; JSON can hold it."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up a state."""


class TradingPolicy(Protocol):
    """A policy that can be put to work."""

    @property
    def warm_up(self) -> int:
        """Bars of a symbol before it is asked, at most."""

    def session(
        self,
        symbols: Sequence[str],
        *,
        timeframe: str,
        market_of: Callable[[str], str],
        largest: float,
    ) -> PolicySession:
        """Put it to work on these symbols; `largest` is the largest position that the run may hold in one."""

    def identity(self) -> dict[str, Any]:
        """Say what makes two runs runs of one policy; JSON can hold it."""


def blended(config: TradingConfig) -> TradingConfig:
    """Let a policy have its say where the configuration does not say who decides.

    Parameters
    ----------
    config : TradingConfig
        Configuration of a run that has a policy.

    Returns
    -------
    TradingConfig
        With ``meta.mode = "confidence_blend"`` unless a mode was set.

    Examples
    --------
    >>> from mirrorfast.config import TradingConfig
    >>> blended(TradingConfig()).meta.mode, blended(TradingConfig(meta={"mode": "rule_only"})).meta.mode
    ('confidence_blend', 'rule_only')
    """
    if "meta" in config.model_fields_set and "mode" in config.meta.model_fields_set:
        return config
    return config.model_copy(update={"meta": config.meta.model_copy(update={"mode": "confidence_blend"})})
