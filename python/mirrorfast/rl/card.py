"""The card of a model: what it was trained on, how, what it expects to see, and how it did where it had not been."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mirrorfast.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CARD_KEY", "ActionCard", "ModelCard", "ObservationCard", "column_hash"]

CARD_KEY: Final = "mirrorfast.card"
"""Key of the card in the metadata of an ONNX file."""


def column_hash(columns: Sequence[str]) -> str:
    """Hash the names of observation columns in their order.

    Parameters
    ----------
    columns : sequence of str
        Names.

    Returns
    -------
    str
        The first 16 hexadecimal digits of their SHA-256, one name a line.

    Examples
    --------
    >>> column_hash(["price", "volume"]) == column_hash(["volume", "price"])
    False
    """
    return hashlib.sha256("\n".join(columns).encode()).hexdigest()[:16]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class ObservationCard(_Part):
    """What a policy looks at.

    Attributes
    ----------
    version
        Version of the observation's definition: what each column means and how it is encoded.
    lookback
        Rows: closed bars, the oldest first.
    columns
        Names of the columns.
    column_hash
        `column_hash` of them.

    Examples
    --------
    >>> ObservationCard.of(1, 20, ["price", "position"]).shape
    (20, 2)
    """

    version: int
    lookback: int
    columns: tuple[str, ...]
    column_hash: str

    @classmethod
    def of(cls, version: int, lookback: int, columns: Sequence[str]) -> ObservationCard:
        """Describe an observation.

        Parameters
        ----------
        version : int
            Version of the definition.
        lookback : int
            Rows.
        columns : sequence of str
            Names of the columns.

        Returns
        -------
        ObservationCard
            With their hash.
        """
        return cls(version=version, lookback=lookback, columns=tuple(columns), column_hash=column_hash(columns))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of one observation.

        Returns
        -------
        tuple of int
            ``(lookback, n_columns)``.
        """
        return self.lookback, len(self.columns)

    def difference(self, other: ObservationCard) -> str | None:
        """Name the first thing in which two observations differ.

        Parameters
        ----------
        other : ObservationCard
            What this one is compared with.

        Returns
        -------
        str or None
            ``"column 3 is rsi there, macd here"``; None where they are the same.
        """
        if self.version != other.version:
            return f"observation version {self.version} there, {other.version} here"
        for k, (mine, theirs) in enumerate(zip(self.columns, other.columns, strict=False)):
            if mine != theirs:
                return f"column {k} is {mine} there, {theirs} here"
        if self.shape != other.shape:
            return f"observation shape {self.shape} there, {other.shape} here"
        if self.column_hash != other.column_hash:
            return f"column hash {self.column_hash} there, {other.column_hash} here"
        return None


class ActionCard(_Part):
    """What a policy answers.

    Attributes
    ----------
    size
        Positions of one answer.
    levels
        The positions that a discrete policy chooses from; empty for a continuous one.

    Examples
    --------
    >>> ActionCard().size
    1
    """

    size: int = Field(1, ge=1)
    levels: tuple[float, ...] = ()


class ModelCard(_Part):
    """Everything that must be known to use a model, and to judge it.

    Attributes
    ----------
    name
        Name of the model.
    release
        Release of mirrorfast that wrote it.
    algorithm
        Learning algorithm.
    observation, action
        What goes in and comes out.
    encoder
        The fitted encoder of the market features, as its own JSON; None for a policy over raw observations.
    normalised
        Whether the graph normalises its input itself, by statistics of the training.
    timeframe
        Step of the bars that it was trained on.
    training
        Configuration, seed, steps and data span of the training.
    walk_forward
        Result out of sample, told as it is; None where none was made.
    parity
        How many observations were compared with torch, and the largest difference.
    libraries
        Versions that trained it.

    Examples
    --------
    >>> card = ModelCard(
    ...     name="demo", release="0.1.0", algorithm="PPO", observation=ObservationCard.of(1, 20, ["price"])
    ... )
    >>> ModelCard.from_json(card.to_json()) == card
    True
    """

    format: Literal[1] = 1
    name: str
    release: str
    algorithm: Literal["PPO", "SAC", "A2C"]
    observation: ObservationCard
    action: ActionCard = ActionCard()
    encoder: dict[str, Any] | None = None
    normalised: bool = False
    timeframe: str | None = None
    training: dict[str, Any] = Field(default_factory=dict)
    walk_forward: dict[str, Any] | None = None
    parity: dict[str, float] = Field(default_factory=dict)
    libraries: dict[str, str] = Field(default_factory=dict)

    def to_json(self) -> str:
        """Write the card.

        Returns
        -------
        str
            JSON with sorted keys; equal cards give equal text.
        """
        return json.dumps(self.model_dump(mode="json"), indent=2, sort_keys=True, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str, *, source: str = "card") -> ModelCard:
        """Read a card.

        Parameters
        ----------
        text : str
            What `to_json` wrote.
        source : str, default "card"
            Where it came from, for the error.

        Returns
        -------
        ModelCard
            The card.

        Raises
        ------
        ModelError
            If it is no card of this format, with the first field that is wrong.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the text"
            raise ModelError(
                f"{source}: {where} = {str(first['input'])[:60]!r}: expected a model card ({first['msg']})"
            ) from error

    @classmethod
    def beside(cls, path: str | Path) -> ModelCard | None:
        """Read the card that lies beside a model.

        Parameters
        ----------
        path : str or Path
            The ONNX file.

        Returns
        -------
        ModelCard or None
            The card in ``NAME.json``; None without such a file.

        Raises
        ------
        ModelError
            If that file is no card.
        """
        file = Path(path).with_suffix(".json")
        return cls.from_json(file.read_text("utf-8"), source=str(file)) if file.is_file() else None
