"""Walk-forward tests of a way to train: what it does on spans that the training before them did not see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from mirrorfast.backtest.runner import backtest
from mirrorfast.backtest.walk import Fold, folds_of
from mirrorfast.config import RLConfig, TradingConfig
from mirrorfast.errors import ParameterError
from mirrorfast.rl.observation import encoder_of
from mirrorfast.rl.span import Span
from mirrorfast.rl.verdict import AGENT, Evaluation, Played, judge

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from mirrorfast.rl.policy import Policy

    Act = Callable[[npt.NDArray[np.float32], int], npt.NDArray[np.float32]]

__all__ = ["evaluate_policy", "evaluate_runs", "play_all", "rule_positions", "walk_forward_folds"]

#: Bars between two draws of the random contender: one that trades at every bar only measures the fees.
_HOLD: Final = 12
#: What a test takes over from a training: what a position is, and what trading costs.
_ENVIRONMENT: Final = ("lookback", "max_position", "transaction_cost", "slippage")


@dataclass(frozen=True)
class _Contender:
    name: str
    seed: int
    act: Act


def rule_positions(bars: pl.DataFrame, config: TradingConfig | None = None) -> pl.DataFrame:
    """Ask the rule ensemble what it would hold after every close.

    Parameters
    ----------
    bars : polars.DataFrame
        Validated bars.
    config : TradingConfig, optional
        Strategies and ensemble; the defaults otherwise.

    Returns
    -------
    polars.DataFrame
        ``symbol timestamp rule``: the consensus in [−1, 1], 0 where no strategy is warm or it is too weak to act on.
    """
    cfg = config or TradingConfig()
    cfg = cfg.model_copy(update={"symbols": (), "start": None, "end": None, "adapt_weights": False})
    decisions = backtest(bars, config=cfg, orders=False).decisions
    strong = pl.col("rule").abs() > cfg.risk.min_target
    return decisions.select(
        pl.col("symbol").cast(pl.String),
        pl.col("timestamp"),
        pl.when(strong).then(pl.col("rule")).otherwise(0.0).fill_nan(0.0).fill_null(0.0).alias("rule"),
    )


def walk_forward_folds(n: int, *, folds: int, test: float, embargo: int, anchored: bool) -> list[Fold]:
    """Cut bar times into tests at the end, each with the training before it.

    Parameters
    ----------
    n : int
        Number of bar times.
    folds : int
        Tests, >= 1.
    test : float
        Length of a test as a share of the bar times.
    embargo : int
        Bar times between training and test.
    anchored : bool
        Every training begins with the first bar; else all are as long as the first.

    Returns
    -------
    list of Fold
        The last test ends with the last bar.

    Raises
    ------
    ParameterError, DataError
        If there is no room for them.

    Examples
    --------
    >>> folds = walk_forward_folds(100, folds=2, test=0.2, embargo=5, anchored=True)
    >>> [(f.train_start, f.train_end, f.test_start, f.test_end) for f in folds]
    [(0, 55, 60, 80), (0, 75, 80, 100)]
    """
    length = int(n * test)
    train = n - folds * length - embargo
    if length < 2 or train < 2:
        raise ParameterError(
            f"folds = {folds}, test = {test:g}, embargo = {embargo} over {n} bar times: expected room to train on"
        )
    return folds_of(n, train=train, test=length, embargo=embargo, anchored=anchored)


def play_all(
    span: Span,
    policies: Mapping[int, Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]],
    *,
    fold: int = 0,
    rules: pl.DataFrame | None = None,
    random_seeds: int = 10,
) -> list[Played]:
    """Let a policy and its benchmarks trade the same bars, at the same costs, in the training environment.

    Parameters
    ----------
    span : Span
        What is tested, with the encoder of the training before it.
    policies : mapping of int to callable
        By seed: from observations of shape (n, lookback, n_columns) to positions of shape (n,).
    fold : int, default 0
        What `Played.fold` says.
    rules : polars.DataFrame, optional
        What `rule_positions` found.
    random_seeds : int, default 10
        Random contenders; each draws a position in [−1, 1] every 12 bars.

    Returns
    -------
    list of Played
        One for each contender and symbol.
    """
    found = []
    for symbol in span.symbols:
        times = span.data.bars_of(span.data.market_of(symbol))["timestamp"].dt.epoch("ms").to_numpy()
        contenders = [_Contender(AGENT, seed, _asking(act)) for seed, act in policies.items()]
        contenders += [
            _Contender("buy & hold", 0, lambda _obs, _at: np.ones(1, np.float32)),
            _Contender("flat", 0, lambda _obs, _at: np.zeros(1, np.float32)),
        ]
        contenders += [_Contender("random", seed, _random(seed, len(times))) for seed in range(random_seeds)]
        if rules is not None:
            contenders.append(_Contender("rules", 0, _following(rules, symbol, times)))
        at, growth, turnover = span.test(symbol, [c.act for c in contenders])
        found += [Played(c.name, symbol, c.seed, fold, at, growth[:, k], turnover[k]) for k, c in enumerate(contenders)]
    return found


def _asking(act: Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]) -> Act:
    return lambda observation, _at: act(observation)


def _random(seed: int, n: int) -> Act:
    drawn = np.random.default_rng(seed).uniform(-1, 1, n // _HOLD + 1).astype(np.float32)
    return lambda _obs, at: drawn[at // _HOLD :][:1]


def _following(rules: pl.DataFrame, symbol: str, times: npt.NDArray[np.int64]) -> Act:
    own = rules.filter(pl.col("symbol") == symbol)
    known = dict(zip(own["timestamp"].dt.epoch("ms").to_list(), own["rule"].to_list(), strict=True))
    wishes = np.array([known.get(int(t), 0.0) for t in times], np.float32)
    return lambda _obs, at: wishes[at : at + 1]


def evaluate_runs(
    runs: Sequence[Played], bars_per_year: float, *, trials: int | None = None, facts: dict[str, Any] | None = None
) -> Evaluation:
    """Judge what was played, with the span in the facts.

    Parameters
    ----------
    runs : sequence of Played
        What `play_all` gave.
    bars_per_year : float
        Annualises.
    trials : int, optional
        Configurations that the policy was chosen from.
    facts : dict, optional
        What else the report says.

    Returns
    -------
    Evaluation
        The judgement.
    """
    first = min(int(r.times[0]) for r in runs)
    last = max(int(r.times[-1]) for r in runs)
    span = pl.Series([first, last]).cast(pl.Datetime("ms", "UTC")).dt.strftime("%Y-%m-%d %H:%M").to_list()
    own = [r for r in runs if r.contender == AGENT]
    said = {
        "first": span[0],
        "last": span[1],
        "bars": sum(len(r.times) for r in own if r.seed == own[0].seed),
        "symbols": sorted({r.symbol for r in own}),
        "seeds": len({r.seed for r in own}),
        "folds": len({r.fold for r in own}),
    }
    return judge(runs, bars_per_year=bars_per_year, trials=trials, facts=said | dict(facts or {}))


def evaluate_policy(
    policy: Policy,
    bars: Any,
    *,
    since: str | datetime | None = None,
    rules: bool = True,
    rule_config: TradingConfig | None = None,
    trials: int | None = None,
) -> Evaluation:
    """Let an exported policy trade bars against its benchmarks, at the costs of its training; needs no torch.

    Parameters
    ----------
    policy : Policy
        With an encoder in its card.
    bars : DataFrame or Arrow table, shape (n, 7)
        Bars, with those before the test, which warm the features up.
    since : str or datetime, optional
        First bar that is traded; the first with a full observation by default.
    rules : bool, default True
        Play the rule ensemble, too.
    rule_config : TradingConfig, optional
        Its strategies; the defaults otherwise.
    trials : int, optional
        Configurations that the policy was chosen from, for the deflated Sharpe ratio.

    Returns
    -------
    Evaluation
        With ``in_sample`` in its facts where the policy was trained on some of the bars.

    Raises
    ------
    ModelError
        If the policy's encoder is not of this release.
    ParameterError
        If `since` is no day.
    DataError
        For bars that break SPEC §1, or too few of them.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import mirrorfast as mf
    >>> config = mf.RLConfig(lookback=4, n_envs=8, n_steps=16, n_epochs=1, total_timesteps=128)
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> with TemporaryDirectory() as folder:
    ...     agent = mf.RLTradingAgent("PPO", config).train(bars.head(600))
    ...     policy = agent.export(Path(folder) / "policy.onnx")
    >>> evaluate_policy(policy, bars.head(900), since="2017-08-01", rules=False).facts["in_sample"]
    False
    """
    if isinstance(since, str):
        try:
            since = datetime.fromisoformat(since)
        except ValueError:
            raise ParameterError(f"since = {since!r}: expected a day such as 2017-08-01") from None
    known = policy.card.training.get("config", {})
    config = RLConfig(**{k: v for k, v in known.items() if k in _ENVIRONMENT})
    config = config.model_copy(update={"lookback": policy.card.observation.lookback})
    span = Span.for_test(bars, config, encoder_of(policy), since=since)

    def ask(observations: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return policy.decide_many(observations)[0]

    seed = int(policy.card.training.get("seed", 0))
    runs = play_all(span, {seed: ask}, rules=rule_positions(span.bars, rule_config) if rules else None)
    facts = {"costs": span.costs(), "in_sample": span.overlaps(policy.card.training)}
    return evaluate_runs(runs, span.bars_per_year, trials=trials, facts=facts)
