"""The switchboard: every way in which the venue can misbehave, by name.

The rows of the fault matrix and the names that produce them are in `CATALOGUE`; `fault_table` prints them. A rule
says which fault, where (method, endpoint and client order id, with wildcards), how often (probability, count, after
how many matching requests, for how many seconds), and the parameters of the fault. Draws come from one seeded
generator, in the order of requests.
"""

import fnmatch
import json
import random
import time
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from mirrorfast.errors import ConfigurationError, ParameterError
from mirrorfast.simulator.orders import Order

__all__ = ["CATALOGUE", "FaultKind", "FaultRule", "Faults", "fault_table", "struck"]

Stage = Literal["before", "refuse", "accept", "state", "after", "body", "stream"]


class FaultKind(NamedTuple):
    """What a name stands for: when it strikes, the rows of FAULTS.md it produces, its parameters, its meaning."""

    stage: Stage
    rows: tuple[str, ...]
    parameters: Mapping[str, Any]
    meaning: str


CATALOGUE: Final[Mapping[str, FaultKind]] = {
    # The request never reaches the venue's books.
    "drop_before": FaultKind("before", ("A1",), {}, "connection reset before the venue saw the request"),
    "error_before": FaultKind("before", ("A5", "F5"), {"status": 503}, "gateway error, nothing processed"),
    "delay": FaultKind("before", ("F6", "F7"), {"delay": 1.0}, "answered after `delay` seconds"),
    "hold": FaultKind(
        "before",
        ("A6",),
        {"delay": 1.0, "status": 504, "until": "time"},
        "gateway error now, processed `delay` seconds later; with until = 'not_found' right after the first query "
        "that did not find the order",
    ),
    # The venue says no.
    "rate_limit": FaultKind(
        "refuse", ("F3",), {"retry_after": 1}, "429 with Retry-After; and so on until then, or a ban"
    ),
    "ban": FaultKind("refuse", ("F4",), {"ban": 120}, "418, then nothing but 418 for `ban` seconds"),
    "bad_key": FaultKind("refuse", ("A13",), {"code": -2015, "status": 401}, "key, IP or permission refused"),
    "bad_signature": FaultKind("refuse", ("A13",), {"code": -1022, "status": 400}, "signature refused"),
    "bad_timestamp": FaultKind("refuse", ("F1",), {"code": -1021, "status": 400}, "timestamp outside recvWindow"),
    "insufficient_balance": FaultKind("refuse", ("A10",), {"code": -2010, "status": 400}, "order refused for balance"),
    "duplicate_order": FaultKind("refuse", ("A9",), {"code": -2010, "status": 400}, "order refused as duplicate"),
    "filter_failure": FaultKind(
        "refuse", ("A11",), {"filter": "NOTIONAL", "code": -1013, "status": 400}, "order refused by a filter"
    ),
    "unknown_error": FaultKind(
        "refuse", ("A12", "D7"), {"code": -9999, "message": "Undocumented.", "status": 400}, "any code, not processed"
    ),
    "not_found": FaultKind(
        "refuse", ("D5",), {"code": -2013, "status": 400}, "order query answered by a lagging replica"
    ),
    # The venue accepts, and what becomes of the order is not what was hoped.
    "partial_fill": FaultKind(
        "accept",
        ("B3", "D1", "D6", "D7"),
        {"fraction": 0.5},
        "only this part fills at once (of a conditional order: at its trigger); the rest rests, of a market order "
        "it expires",
    ),
    "no_fill": FaultKind("accept", ("D7",), {}, "rests whatever the market does, until filled on command"),
    "trigger_refused": FaultKind("accept", ("D7",), {}, "a conditional order that expires at its trigger"),
    # The venue's state changes under the client.
    "cancel_race": FaultKind("state", ("D2",), {}, "the order fills just before its cancel is processed"),
    "partial_race": FaultKind(
        "state", ("D1", "D6"), {"fraction": 0.5}, "a part of the order fills just before its cancel is processed"
    ),
    # Processed, but the answer says otherwise or nothing.
    "drop_after": FaultKind("after", ("A2", "D3", "B2"), {}, "processed, connection dropped before the answer"),
    "late_answer": FaultKind("after", ("A3",), {"delay": 1.0}, "processed, answered `delay` seconds later"),
    "error_after": FaultKind("after", ("A4",), {"status": 502}, "processed, gateway error instead of the answer"),
    "unknown_status": FaultKind(
        "after", ("A8",), {"code": -1007, "status": 408}, "processed, answered 'execution status unknown'"
    ),
    "garbage": FaultKind(
        "after",
        ("A7", "E3"),
        {"kind": "empty"},
        "200 with kind empty, null, object, list, html, truncated or none_rows",
    ),
    "empty_balances": FaultKind("body", ("G2",), {}, "account answered without balances"),
    "empty_list": FaultKind("body", ("D5", "G2"), {}, "a list answered empty"),
    # Candles that must never become bars.
    "candle_nan": FaultKind("body", ("E3",), {"row": -2, "column": 4, "value": "NaN"}, "a value that is no number"),
    "candle_null": FaultKind("body", ("E3",), {"row": -2, "column": 4}, "a null value"),
    "candle_infinite": FaultKind("body", ("E3",), {"row": -2, "column": 4, "value": "1e400"}, "an infinite value"),
    "candle_zero": FaultKind("body", ("E3", "D8"), {"row": -2, "column": 4}, "a price of 0"),
    "candle_negative": FaultKind("body", ("E3",), {"row": -2, "column": 4}, "a negated value (column 5: volume)"),
    "candle_crossed": FaultKind("body", ("E3",), {"row": -2}, "high and low exchanged"),
    "candle_duplicate": FaultKind("body", ("E4",), {"row": -2}, "a row twice"),
    "candle_disorder": FaultKind("body", ("E4",), {"row": -2}, "a row exchanged with the one before"),
    "candle_gap": FaultKind("body", ("E4",), {"row": -2, "rows": 1}, "rows missing"),
    "candle_revised": FaultKind(
        "body", ("E4",), {"row": -2, "factor": 1.001}, "a row's close revised within its range"
    ),
    "candle_spike": FaultKind("body", ("E5",), {"row": -2, "factor": 10.0}, "one candle off by a factor, and back"),
    "candle_stale": FaultKind("body", ("E1",), {"rows": 3}, "the newest rows are missing"),
    # Streams.
    "stream_drop": FaultKind("stream", ("E6", "D1"), {}, "connection closed instead of the message"),
    "stream_silence": FaultKind("stream", ("E1", "E6"), {}, "half-open: message swallowed, pings unanswered"),
    "stream_gap": FaultKind("stream", ("E6",), {}, "message lost"),
    "stream_duplicate": FaultKind("stream", ("D4", "E4"), {}, "message twice"),
    "stream_disorder": FaultKind("stream", ("D4", "E4"), {}, "message after the one that follows it"),
    "stream_delay": FaultKind("stream", ("F6",), {"delay": 1.0}, "message `delay` seconds late, with all after it"),
    "stream_garbage": FaultKind("stream", ("E3",), {"text": "{"}, "message that is no JSON"),
}
"""Every fault by name."""

_FIELDS: Final = ("endpoint", "method", "client", "probability", "count", "after", "seconds")


@dataclass
class FaultRule:
    """One rule of the switchboard.

    Parameters
    ----------
    name : str
        A key of `CATALOGUE`.
    endpoint : str, default "*"
        Path with wildcards, such as ``"*/klines"``; for streams the name of the stream, such as ``"btcusdt@kline_*"``.
    method : str, default "*"
        ``GET``, ``POST``, ``DELETE``, ``PUT`` or ``*``.
    client : str, default "*"
        Client order id with wildcards, such as ``"mf-*-7"``: only requests (and messages of account streams) about
        such an order. A request that names an order by number is about that order too.
    probability : float, default 1.0
        Chance that it strikes a matching request.
    count : int, optional
        Most times that it strikes.
    after : int, default 0
        Matching requests that pass unharmed first.
    seconds : float, optional
        It ends so many real seconds after it was added.
    parameters : dict, optional
        The fault's own parameters; what is not named has the catalogue's default.

    Attributes
    ----------
    seen, struck : int
        Requests that matched, and those that it struck.
    since : float
        Real seconds at which it was added.

    Raises
    ------
    ParameterError
        If a name, a parameter or a number cannot be used.

    Examples
    --------
    >>> FaultRule("error_after", endpoint="*/order", method="POST", parameters={"status": 504}).parameters
    {'status': 504}
    """

    name: str
    endpoint: str = "*"
    method: str = "*"
    client: str = "*"
    probability: float = 1.0
    count: int | None = None
    after: int = 0
    seconds: float | None = None
    parameters: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.seen = self.struck = 0
        self.since = 0.0
        if self.name not in CATALOGUE:
            raise ParameterError(f"name = {self.name!r}: expected one of {', '.join(CATALOGUE)}")
        known = CATALOGUE[self.name].parameters
        for key in self.parameters:
            if key not in known:
                expected = ", ".join(known) or "none"
                raise ParameterError(f"{self.name}: parameter {key!r}: expected one of: {expected}")
        if not 0.0 <= self.probability <= 1.0:
            raise ParameterError(f"probability = {self.probability}: expected a number in [0, 1]")
        if self.count is not None and self.count < 1:
            raise ParameterError(f"count = {self.count}: expected a number >= 1")
        if self.after < 0:
            raise ParameterError(f"after = {self.after}: expected a number >= 0")
        if self.seconds is not None and not self.seconds > 0:
            raise ParameterError(f"seconds = {self.seconds}: expected a number > 0")

    def value(self, key: str) -> Any:
        """Tell a parameter, or its default.

        Parameters
        ----------
        key : str
            Its name.

        Returns
        -------
        object
            Its value.
        """
        return self.parameters.get(key, CATALOGUE[self.name].parameters[key])


class Struck(NamedTuple):
    """A fault that struck: milliseconds of the venue's time, its name, and where."""

    time: int
    name: str
    method: str
    endpoint: str


class Faults:
    """The switchboard of one venue.

    Parameters
    ----------
    seed : int, default 0
        Of the draws.
    now : callable, optional
        The venue's time in milliseconds, for the record of what struck.
    monotonic : callable, optional
        Real seconds.

    Examples
    --------
    >>> faults = Faults(seed=1)
    >>> _ = faults.add("drop_after", endpoint="*/order", method="POST", count=1)
    >>> [rule.name for rule in faults.draw("after", "POST", "/api/v3/order")]
    ['drop_after']
    >>> list(faults.draw("after", "POST", "/api/v3/order"))
    []
    """

    def __init__(
        self,
        seed: int = 0,
        now: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.rules: list[FaultRule] = []
        self.struck: list[Struck] = []
        self.seed = seed
        self._random = random.Random(seed)  # noqa: S311 - chance of a test, not a secret
        self._now, self._monotonic = now, monotonic

    def add(self, name: str, **rule: Any) -> FaultRule:
        """Switch a fault on.

        Parameters
        ----------
        name : str
            A key of `CATALOGUE`.
        **rule
            The fields of `FaultRule`; what is none of them is a parameter of the fault.

        Returns
        -------
        FaultRule
            The rule, for `remove` and to see how often it struck.

        Raises
        ------
        ParameterError
            If something is unknown or out of range.
        """
        fields = {k: rule.pop(k) for k in _FIELDS if k in rule}
        parameters = dict(rule.pop("parameters", {}), **rule)
        made = FaultRule(name, **fields, parameters=parameters)
        made.since = self._monotonic()
        self.rules.append(made)
        return made

    def remove(self, rule: FaultRule) -> None:
        """Switch a rule off.

        Parameters
        ----------
        rule : FaultRule
            What `add` returned.
        """
        self.rules = [r for r in self.rules if r is not rule]

    def clear(self, name: str | None = None) -> None:
        """Switch rules off.

        Parameters
        ----------
        name : str, optional
            Only those of this fault; all by default.
        """
        self.rules = [r for r in self.rules if name is not None and r.name != name]

    def load(self, path: str | Path) -> None:
        """Add the rules of a TOML or JSON file.

        Parameters
        ----------
        path : str or Path
            A file with an optional ``seed`` and a list ``fault`` of tables with the fields of `FaultRule`.

        Raises
        ------
        ConfigurationError
            If the file cannot be read or a rule cannot be used; the message names the rule.
        """
        path = Path(path)
        try:
            text = path.read_text("utf-8")
            content = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
        except OSError as error:
            raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
        except (ValueError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{path}: {error}") from error
        rules = content.get("fault") if isinstance(content, dict) else None
        if not isinstance(rules, list) or not set(content) <= {"seed", "fault"}:
            raise ConfigurationError(f"{path}: expected a list `fault` of tables, and perhaps `seed`")
        if "seed" in content:
            self.seed = content["seed"]
            self._random.seed(self.seed)
        for number, rule in enumerate(rules, start=1):
            try:
                self.add(**rule)
            except (ParameterError, TypeError) as error:
                raise ConfigurationError(f"{path}: fault {number}: {error}") from error

    @property
    def by_client(self) -> bool:
        """Whether a rule asks whose order a request is about."""
        return any(rule.client != "*" for rule in self.rules)

    def draw(self, stage: Stage, method: str, endpoint: str, clients: Collection[str] = ()) -> Iterator[FaultRule]:
        """Find the rules that strike a request in one stage of its way.

        Parameters
        ----------
        stage : str
            Stage, as in `CATALOGUE`.
        method, endpoint : str
            The request.
        clients : collection of str
            Client ids of the orders that it is about.

        Yields
        ------
        FaultRule
            What strikes; each is drawn and recorded as it is asked for.

        Returns
        -------
        iterator of FaultRule
            The rules.
        """
        for rule in self.rules:
            if CATALOGUE[rule.name].stage == stage and self._strikes(rule, method, endpoint, clients):
                self.struck.append(Struck(self._now(), rule.name, method, endpoint))
                yield rule

    def _strikes(self, rule: FaultRule, method: str, endpoint: str, clients: Collection[str]) -> bool:
        if rule.method not in {"*", method} or not fnmatch.fnmatchcase(endpoint, rule.endpoint):
            return False
        if rule.client != "*" and not any(fnmatch.fnmatchcase(name, rule.client) for name in clients):
            return False
        if rule.seconds is not None and self._monotonic() - rule.since > rule.seconds:
            return False
        rule.seen += 1
        if rule.seen <= rule.after or (rule.count is not None and rule.struck >= rule.count):
            return False
        # Drawn only where needed: a rule that always strikes does not disturb the sequence of the others.
        if rule.probability < 1.0 and self._random.random() >= rule.probability:
            return False
        rule.struck += 1
        return True

    def describe(self) -> list[dict[str, Any]]:
        """Write the rules as plain values, for the admin endpoint.

        Returns
        -------
        list of dict
            One for each rule.
        """
        return [{**asdict(rule), "seen": rule.seen, "struck": rule.struck} for rule in self.rules]


def struck(order: Order, faults: Iterable[FaultRule]) -> None:
    """Let an order have what the faults of its acceptance say.

    Parameters
    ----------
    order : Order
        Not placed yet.
    faults : iterable of FaultRule
        Those of the stage ``accept`` that strike it.
    """
    for fault in faults:
        if fault.name == "partial_fill":
            order.part = Decimal(str(fault.value("fraction")))
        elif fault.name == "no_fill":
            order.barred = True
        elif fault.name == "trigger_refused":
            order.refused = True


def fault_table() -> str:
    """Write the catalogue as a Markdown table.

    Returns
    -------
    str
        One line for each fault.

    Examples
    --------
    >>> fault_table().splitlines()[2]
    '| `drop_before` | A1 |  | connection reset before the venue saw the request |'
    """
    lines = ["| fault | rows | parameters | meaning |", "|---|---|---|---|"]
    for name, kind in CATALOGUE.items():
        parameters = ", ".join(f"{k} = {v!r}" for k, v in kind.parameters.items())
        lines.append(f"| `{name}` | {', '.join(kind.rows)} | {parameters} | {kind.meaning} |")
    return "\n".join(lines)
