"""Recipes: everything that makes a model, in one file that can be run again."""

import json
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from mirrorfast.config import RLConfig
from mirrorfast.config.base import Settings, option, readable
from mirrorfast.errors import ConfigurationError
from mirrorfast.rl.presets import preset as from_preset

__all__ = ["DataRecipe", "Recipe", "SearchRecipe", "WalkForwardRecipe"]


class DataRecipe(Settings):
    """Bars that a model is made from.

    Examples
    --------
    >>> DataRecipe(symbols=("BTC/USD",)).bars is None
    True
    """

    bars: Path | None = option(None, "file or folder of bars, from the recipe's folder; absent: the bundled market")
    symbols: tuple[str, ...] = option((), "what is learnt from; empty: every symbol of the bars")
    start: datetime | None = option(None, "first bar, UTC unless it has an offset")
    end: datetime | None = option(None, "bars end before this time, UTC unless it has an offset")


class WalkForwardRecipe(Settings):
    """Test of the recipe on spans that the training before them did not see.

    Examples
    --------
    >>> WalkForwardRecipe().folds
    4
    """

    folds: int = option(4, "spans that are tested, one after the other; 0: no test", unit="folds", ge=0, le=1000)
    test: float = option(0.125, "length of one test", unit="share of the bar times", gt=0, lt=1)
    embargo: int = option(24, "bar times between training and test that neither sees", unit="bars", ge=0, le=100_000)
    anchored: bool = option(True, "every training begins with the first bar; else all are of one length")
    seeds: int = option(3, "trainings of each fold", unit="seeds", ge=1, le=1000)

    @model_validator(mode="after")
    def _room(self) -> Self:
        if self.folds * self.test >= 0.95:
            msg = f"folds = {self.folds} with test = {self.test:g}: expected tests that leave bars to train on"
            raise ValueError(msg)
        return self


class SearchRecipe(Settings):
    """Search for better numbers, judged on the validation spans inside the training spans, never on a test.

    Examples
    --------
    >>> SearchRecipe(space={"gamma": [0.9, 0.99]}).trials
    20
    """

    trials: int = option(20, "configurations to try", unit="trials", ge=1, le=100_000)
    seeds: int = option(1, "trainings of each configuration", unit="seeds", ge=1, le=100)
    space: dict[str, Any] = option(
        None,
        "fields of rl: a list of values, or a table with low, high and, where wanted, step or log",
        default_factory=dict,
    )


class Recipe(Settings):
    """How a model is made: data, numbers, test, search.

    Examples
    --------
    >>> recipe = Recipe(name="demo", preset="fast", rl={"gamma": 0.9})
    >>> recipe.config().gamma, recipe.config().n_envs
    (0.9, 64)
    """

    name: str = option("policy", "name of the model", min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][\w.-]*$")
    preset: Literal["reference", "fast"] = option("fast", "settings that the recipe starts from")
    data: DataRecipe = option(None, "bars", default_factory=DataRecipe)
    rl: dict[str, Any] = option(None, "fields of RLConfig that differ from the preset", default_factory=dict)
    walk_forward: WalkForwardRecipe = option(None, "test out of sample", default_factory=WalkForwardRecipe)
    search: SearchRecipe | None = Field(None, description="search over the numbers of rl; absent: none")

    @model_validator(mode="after")
    def _sound(self) -> Self:
        self.config()
        for name in self.search.space if self.search else ():
            if name not in RLConfig.model_fields:
                msg = f"search.space.{name}: expected a field of RLConfig"
                raise ValueError(msg)
        return self

    def config(self, **changes: Any) -> RLConfig:
        """Give the numbers of the training.

        Parameters
        ----------
        **changes
            Fields that win over the recipe.

        Returns
        -------
        RLConfig
            The preset with what the recipe and the changes set.

        Raises
        ------
        ConfigurationError
            If a field is unknown, or a value outside its type or range.
        """
        given = {**self.rl, **changes}
        return from_preset(self.preset, str(given.pop("algorithm", "PPO")), **given)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a recipe.

        Parameters
        ----------
        path : str or Path
            TOML file; a path of bars in it counts from its folder.

        Returns
        -------
        Recipe
            The recipe.

        Raises
        ------
        ConfigurationError
            If the file cannot be read, a key is unknown, or a value is outside its type or range.
        """
        file = Path(path)
        try:
            document = tomllib.loads(file.read_text("utf-8"))
        except OSError as error:
            raise ConfigurationError(f"{file}: {error.strerror}: expected a recipe, a TOML file") from error
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigurationError(f"{file}: not valid TOML: {error}") from error
        try:
            recipe = cls.model_validate_json(json.dumps(document, default=str), strict=True)
        except ValidationError as error:
            raise ConfigurationError(f"{file}: {readable(error, cls)}") from None
        except ConfigurationError as error:
            raise ConfigurationError(f"{file}: {error}") from None
        if recipe.data.bars is not None and not recipe.data.bars.is_absolute():
            data = recipe.data.model_copy(update={"bars": file.parent / recipe.data.bars})
            return recipe.model_copy(update={"data": data})
        return recipe
