"""`MetaController`: the rules and the policy share the decision."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import polars as pl

from mirrorfast import _core
from mirrorfast.errors import ParameterError, ShapeError

__all__ = ["META_MODES", "MetaController", "MetaDecision"]

META_MODES = ("rule_only", "rl_only", "confidence_blend", "regime_adaptive")
"""Ways to share the decision."""


@dataclass(frozen=True)
class MetaDecision:
    """What was decided, from what, and how.

    Attributes
    ----------
    position
        Wanted position in [−1, 1].
    method
        The rule that was applied: the mode, or ``rule_only`` where a blend had no policy to ask.
    rl_share
        Share of the policy in the position.
    rule
        The rule position that went in; None where there was none.
    rl
        The policy's position that went in; None where there was none.
    confidence
        The policy's confidence that went in; None where there was none.

    Examples
    --------
    >>> MetaController("rule_only").decide(0.4).method
    'rule_only'
    """

    position: float
    method: str
    rl_share: float
    rule: float | None
    rl: float | None
    confidence: float | None


class MetaController:
    """Blends the consensus of the strategies with a policy's wish; keeps no state.

    Parameters
    ----------
    mode : {"rule_only", "rl_only", "confidence_blend", "regime_adaptive"}, default "rule_only"
        Who decides: the rules, the policy, a blend by its confidence, or a blend by the market regime.
    high_confidence, medium_confidence : float, default 0.7, 0.4
        Confidence above which the policy has `high_share` (`medium_share`).
    high_share, medium_share, low_share : float, default 0.7, 0.5, 0.3
        Share of a confident, a middling and an unsure policy.
    trending_share, volatile_share, other_share : float, default 0.8, 0.2, 0.6
        Share of the policy by market regime.

    Raises
    ------
    ParameterError
        For an unknown mode, a share outside [0, 1], or thresholds in the wrong order.

    Notes
    -----
    ``position = share·rl + (1 − share)·rule``. A missing rule position counts as flat. Without a policy the blends
    fall back to the rule and say so; ``rl_only`` then wants to be flat.

    Examples
    --------
    >>> controller = MetaController("confidence_blend")
    >>> controller.decide(1.0, -0.5, confidence=0.5).position
    0.25
    >>> controller.decide("Strong Buy").position
    1.0
    """

    def __init__(
        self,
        mode: str = "rule_only",
        *,
        high_confidence: float = 0.7,
        medium_confidence: float = 0.4,
        high_share: float = 0.7,
        medium_share: float = 0.5,
        low_share: float = 0.3,
        trending_share: float = 0.8,
        volatile_share: float = 0.2,
        other_share: float = 0.6,
    ) -> None:
        if mode not in META_MODES:
            raise ParameterError(f"mode = {mode!r}: expected one of {', '.join(META_MODES)}")
        self.mode = mode
        config = {
            "mode": mode,
            "high_confidence": high_confidence,
            "medium_confidence": medium_confidence,
            "high_share": high_share,
            "medium_share": medium_share,
            "low_share": low_share,
            "trending_share": trending_share,
            "volatile_share": volatile_share,
            "other_share": other_share,
        }
        self._inner = _core.MetaController(json.dumps(config))

    def decide(
        self,
        rule: float | str | None,
        rl: float | None = None,
        *,
        confidence: float | None = None,
        regime: str | None = None,
    ) -> MetaDecision:
        """Decide one position.

        Parameters
        ----------
        rule : float, str or None
            The consensus in [−1, 1], or a ``signal`` label such as ``Strong Buy``; None or NaN while there is none.
        rl : float, optional
            The policy's position in [−1, 1]; None or NaN without one.
        confidence : float, optional
            The policy's confidence in [0, 1]; an unknown one counts as low.
        regime : str, optional
            ``trending``, ``ranging``, ``volatile`` or ``normal``.

        Returns
        -------
        MetaDecision
            The position with both inputs and the method's name.

        Raises
        ------
        ParameterError
            For an unknown label or regime.
        """
        position = _core.label_position(rule) if isinstance(rule, str) else _number(rule)
        wish = _number(rl)
        sure = _number(confidence)
        value, method, share = self._inner.decide(position, None if math.isnan(wish) else wish, sure, regime)
        return MetaDecision(value, method, share, _known(position), _known(wish), _known(sure))

    def decide_frame(self, table: pl.DataFrame) -> pl.DataFrame:
        """Decide a position for every row.

        Parameters
        ----------
        table : polars.DataFrame, shape (n, k)
            ``rule`` or ``consensus``, and where they are known ``rl``, ``confidence`` (the policy's) and
            ``market_regime``.

        Returns
        -------
        polars.DataFrame, shape (n, 5)
            ``position method rl_share rule rl``.

        Raises
        ------
        ShapeError
            If the table has neither ``rule`` nor ``consensus``.
        """
        name = next((c for c in ("rule", "consensus") if c in table.columns), None)
        if name is None:
            raise ShapeError(f"columns: got {', '.join(table.columns)}, expected rule or consensus")

        def column(wanted: str) -> pl.Series:
            if wanted in table.columns:
                return table[wanted].cast(pl.Float64)
            return pl.repeat(None, table.height, dtype=pl.Float64, eager=True)

        words = pl.Series(_core.market_regimes()).to_list()
        codes = column("")
        if "market_regime" in table.columns:
            numbers: list[float] = [float(k) for k in range(len(words))]
            codes = (
                table["market_regime"]
                .cast(pl.String)
                .replace_strict(words, numbers, default=None, return_dtype=pl.Float64)
            )
        out: Any = self._inner.decide_many(column(name), column("rl"), column("confidence"), codes)
        return pl.DataFrame(out).with_columns(pl.col("method").cast(pl.String))

    def __repr__(self) -> str:
        return f"MetaController({self.mode!r})"


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
