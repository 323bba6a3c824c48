"""`StackedModel`: a linear meta-model that the engine runs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mirrorfast.errors import ModelError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["StackedModel"]


@dataclass(frozen=True)
class StackedModel:
    """A fitted meta-model for ``Ensemble("stacked", model=…)``.

    Attributes
    ----------
    strategies
        Strategies in the order of the coefficients.
    coefficients
        Weight of each strategy's ``signal·confidence`` in the score.
    intercept
        Score with every strategy flat.
    link
        ``linear``: the score, clipped into [−1, 1], is the position. ``logistic``: 2p − 1 with p = 1 / (1 + e^−score).
    horizon
        Bars ahead that the model was fitted to.
    score
        Out of fold: ``correlation`` of position and return, ``hit_rate`` of its side, ``rows`` judged.
    out_of_fold
        Position of each row by the model that had not seen it nor its neighbours; null where there was none.

    Examples
    --------
    >>> import polars as pl
    >>> model = StackedModel(("a", "b"), (0.5, -0.25), intercept=0.0, link="linear")
    >>> model.predict(pl.DataFrame({"a": [1.0, 1.0], "b": [0.0, 1.0]})).to_list()
    [0.5, 0.25]
    """

    strategies: tuple[str, ...]
    coefficients: tuple[float, ...]
    intercept: float = 0.0
    link: Literal["linear", "logistic"] = "linear"
    horizon: int = 1
    score: dict[str, float] = field(default_factory=dict)
    out_of_fold: pl.Series | None = field(default=None, repr=False, compare=False)

    def to_config(self) -> dict[str, Any]:
        """Write what the engine reads.

        Returns
        -------
        dict
            The ``[ensemble.stacked]`` table of a configuration.
        """
        coefficients = dict(zip(self.strategies, self.coefficients, strict=True))
        return {"link": self.link, "intercept": self.intercept, "coefficients": coefficients}

    def predict(self, signals: Any) -> pl.Series:
        """Compute the position of every row.

        Parameters
        ----------
        signals : DataFrame or Arrow table, shape (n, k)
            As `Ensemble.combine` takes it.

        Returns
        -------
        polars.Series, shape (n,)
            Positions in [−1, 1]; null while no strategy has an opinion.
        """
        from mirrorfast.ensemble.combiner import Ensemble

        ensemble = Ensemble("stacked", strategies=self.strategies, model=self)
        return ensemble.combine(signals)["consensus"].alias("stacked")

    def save(self, path: str | Path) -> Path:
        """Write the model as JSON.

        Parameters
        ----------
        path
            File to write.

        Returns
        -------
        pathlib.Path
            The file.
        """
        file = Path(path)
        content = {**self.to_config(), "strategies": self.strategies, "horizon": self.horizon, "score": self.score}
        file.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
        return file

    @classmethod
    def load(cls, path: str | Path) -> StackedModel:
        """Read a model that `save` wrote.

        Parameters
        ----------
        path
            The file.

        Returns
        -------
        StackedModel
            The same model, without its out-of-fold positions.

        Raises
        ------
        ModelError
            If the file is not such a model.
        """
        try:
            content = json.loads(Path(path).read_text("utf-8"))
            strategies = tuple(content["strategies"])
            return cls(
                strategies,
                tuple(float(content["coefficients"][name]) for name in strategies),
                intercept=float(content["intercept"]),
                link=content["link"],
                horizon=int(content["horizon"]),
                score=dict(content["score"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{path}: got {error!r}, expected a model written by StackedModel.save") from error
