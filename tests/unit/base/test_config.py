"""Configuration: defaults, precedence, and one readable line for whatever is wrong."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

import mirrorfast
from mirrorfast.config import (
    RiskConfig,
    RLConfig,
    StrategyConfig,
    TradingConfig,
    find_config,
    load_config,
)
from mirrorfast.config.base import Settings, expected, fields, nested_model
from mirrorfast.config.render import template, to_toml
from mirrorfast.errors import ConfigurationError

PACKAGE = Path(mirrorfast.__file__).parent
FIELDS = [(".".join(path), info) for path, info in fields(TradingConfig)]


def write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "mirrorfast.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_defaults_of_the_specification() -> None:
    risk = RiskConfig()
    assert (risk.min_target, risk.max_position, risk.max_heat, risk.max_leverage, risk.min_cash) == (
        0.1,
        0.1,
        0.06,
        2,
        0.2,
    )
    assert (risk.drawdown.half, risk.drawdown.no_new_risk, risk.drawdown.halt) == (0.10, 0.15, 0.20)
    assert (risk.correlation_cap_rho, risk.daily_loss_limit, risk.stop.atr_multiple) == (0.8, 0.05, 2)
    rl = RLConfig()
    assert (rl.algorithm, rl.lookback, rl.max_position, rl.transaction_cost, rl.slippage) == (
        "PPO",
        20,
        1.0,
        0.003,
        0.0005,
    )
    assert (rl.reward_scaling, rl.learning_rate, rl.total_timesteps, rl.drawdown_limit) == (3.0, 3e-4, 100_000, 0.5)
    assert (rl.n_steps, rl.batch_size, rl.n_epochs, rl.gamma, rl.gae_lambda) == (2048, 64, 10, 0.99, 0.95)
    assert (rl.clip_range, rl.ent_coef) == (0.2, 0.01)
    config = TradingConfig()
    assert [s.name for s in config.strategies] == ["ut_bot", "mean_reversion", "momentum_breakout"]
    assert (config.ensemble.buy_threshold, config.ensemble.sell_threshold) == (0.5, -0.5)
    meta = config.meta
    assert (meta.high_confidence, meta.medium_confidence) == (0.7, 0.4)
    assert (meta.high_share, meta.medium_share, meta.low_share) == (0.7, 0.5, 0.3)
    assert (meta.trending_share, meta.volatile_share, meta.other_share) == (0.8, 0.2, 0.6)


def test_every_field_has_an_effect() -> None:
    """A field is read by the engine, or by name somewhere outside the configuration's own package."""
    engine = set(json.loads(TradingConfig().to_engine_json(("BTC/USD",))))
    own = {"market", "currency", "instruments", "timeframe"}  # they go into the engine's symbols and timeframe
    awaited = {"rl"}  # training is still to come
    sources = [p for p in PACKAGE.rglob("*.py") if p.parent.name != "config" or p.parent.parent != PACKAGE]
    code = "\n".join(p.read_text("utf-8") for p in sources)
    read = {name for name in TradingConfig.model_fields if re.search(rf"\b(cfg|config)\.{name}\b", code)}
    assert set(TradingConfig.model_fields) == (engine & set(TradingConfig.model_fields)) | own | awaited | read


def test_engine_accepts_every_default() -> None:
    from mirrorfast import _core

    _core.DecisionEngine(TradingConfig().to_engine_json(("BTC/USD", "EUR/USD")))


def test_defaults_are_the_engines_own() -> None:
    """What the models leave at its default is what the engine would take by itself, number for number."""
    from mirrorfast import _core

    full = json.loads(TradingConfig().to_engine_json(("BTC/USD",)))
    bare = {key: full[key] for key in ("symbols", "strategies", "timeframe", "capital", "currency")}
    ours = _core.DecisionEngine(json.dumps(full)).snapshot()
    assert _core.DecisionEngine(json.dumps(bare | {"costs": full["costs"]})).snapshot() == ours
    # The snapshot does depend on what is compared here.
    changed = full | {"risk": full["risk"] | {"max_heat": 0.05}}
    assert _core.DecisionEngine(json.dumps(changed)).snapshot() != ours


def test_found_fields() -> None:
    assert len(FIELDS) > 70
    assert "risk.drawdown.half" in dict(FIELDS)


@pytest.mark.parametrize(("key", "info"), FIELDS, ids=[key for key, _ in FIELDS])
def test_every_field_is_documented(key: str, info: Any) -> None:
    assert info.description, key
    assert len(info.description) > 5, key
    if nested_model(info.annotation) is not None:
        return
    text = expected(info)
    if "number" in text and "list" not in text and "table" not in text:
        assert isinstance(info.json_schema_extra, dict), f"{key} has no unit"
        assert info.json_schema_extra["unit"], key
        assert re.search("> |>= ", text), f"{key} has no lower bound"
        assert re.search("< |<= ", text), f"{key} has no upper bound"


def test_every_default_is_valid() -> None:
    model = TradingConfig().model_dump(mode="json") | {"ledger": None}
    assert TradingConfig.model_validate_json(json.dumps(model), strict=True) == TradingConfig()


def test_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        TradingConfig().capital = 5.0  # type: ignore[misc]


def test_precedence(tmp_path: Path) -> None:
    file = write(tmp_path, "capital = 1.0\ncurrency = 'EUR'\n[risk]\nmax_heat = 0.01\nmin_cash = 0.5\n")
    environ = {"MIRRORFAST_CONFIG": str(file), "MIRRORFAST_CAPITAL": "2", "MIRRORFAST_RISK__MAX_HEAT": "0.02"}
    config = load_config(environ=environ, overrides={"capital": 3.0})
    assert (config.capital, config.currency) == (3.0, "EUR")
    assert (config.risk.max_heat, config.risk.min_cash, config.risk.max_position) == (0.02, 0.5, 0.1)


def test_finding_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_config(environ={}) is None
    write(tmp_path, "")
    assert find_config(environ={}) == Path("mirrorfast.toml")
    assert find_config(environ={"MIRRORFAST_CONFIG": "b.toml"}) == Path("b.toml")
    assert find_config("a.toml", environ={"MIRRORFAST_CONFIG": "b.toml"}) == Path("a.toml")


@pytest.mark.parametrize(
    ("variable", "value", "key", "result"),
    [
        ("SYMBOLS", "BTC/USD, EUR/USD", "symbols", ("BTC/USD", "EUR/USD")),
        ("SYMBOLS", '["BTC/USD"]', "symbols", ("BTC/USD",)),
        ("SYMBOLS", "BTC/USD", "symbols", ("BTC/USD",)),
        ("CURRENCY", "2024", "currency", "2024"),
        ("BARS", "/tmp/x.csv", "bars", Path("/tmp/x.csv")),
        ("RUNS", "2024", "runs", Path("2024")),
        ("RISK__STOP__TRAILING", "true", "risk.stop.trailing", True),
        ("RL__SEED", "7", "rl.seed", 7),
        ("START", "2017-08-01T00:00:00Z", "start", "2017-08-01 00:00:00+00:00"),
    ],
)
def test_environment(variable: str, value: str, key: str, result: Any) -> None:
    found: Any = load_config(environ={f"MIRRORFAST_{variable}": value})
    for part in key.split("."):
        found = getattr(found, part)
    assert (str(found) if key == "start" else found) == result


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '[risk]\nmax_position = "ten"',
            r'line 2: risk\.max_position = "ten": expected a number > 0 and <= 100 \(frac',
        ),
        ('[risk]\nmax_position = "0.1"', r'line 2: risk\.max_position = "0\.1": expected a number'),
        ("[risk]\n\n# x\nmax_heat = -1", r"line 4: risk\.max_heat = -1: expected a number > 0"),
        ("[risk]\nmax_heat = nan", r"line 2: risk\.max_heat = nan: expected a number > 0"),
        ("[risk]\nmax_heat = inf", r"line 2: risk\.max_heat = inf: expected a number > 0"),
        ("[risk]\nmax_heat = true", r"line 2: risk\.max_heat = true: expected a number"),
        ("capital = []", r"line 1: capital = \[\]: expected a number > 0 and <= 1e\+15 \(account currency\)"),
        ("symbols = 'BTC/USD'", r'line 1: symbols = "BTC/USD": expected a list, each text'),
        ("symbols = [1]", r"line 1: symbols\.0 = 1: expected a list, each text"),
        ("strategies = []", r"line 1: strategies = \[\]: expected a list, each a table, not empty"),
        ("[risk.stop]\ntrailing = 1", r"line 2: risk\.stop\.trailing = 1: expected true or false"),
        ("[risk.stop]\nkind = 'art'", r'line 2: risk\.stop\.kind = "art": expected "atr", "percent" or "none"'),
        ("risk = 3", r"line 1: risk = 3: expected a table"),
        ("[risk]\nmax_positon = 0.1", r"line 2: risk\.max_positon: unknown key; did you mean max_position\?"),
        ("[rsik]\nmax_heat = 0.1", r"line 1: rsik: unknown key; did you mean risk\?"),
        ("zzz = 0", r"line 1: zzz: unknown key; expected one of symbols, timeframe"),
        ("capital = -1\n[risk]\nmax_positon = 0.1", r"line 3: risk\.max_positon: unknown key.* \(and 1 more\)"),
        (
            "[[strategies]]\nname = 'a'\n[[strategies]]\nnaem = 'b'",
            r"line 4: strategies\.1\.naem: unknown key; did you mean name",
        ),
        ("[[strategies]]\nweight = 0.5", r"strategies\.0\.name is missing: expected text, not empty"),
        ("[[strategies]]\nname = 'a'\n[[strategies]]\nname = 'a'", "a stands there twice: expected each strategy once"),
        ("timeframe = '1x'", r'line 1: timeframe = "1x": expected auto, scalping, short, medium'),
        ("[risk.drawdown]\nhalt = 0.05", "expected half <= no_new_risk <= halt"),
        ("[risk.sizing]\nkelly_floor = 0.5", r"kelly_floor = 0\.5: expected at most kelly_cap \(0\.02\)"),
        ("[ensemble]\nmethod = 'stacked'", "expected the coefficients of a fitted model"),
        ("[ensemble]\nrequired = ['x']", "ensemble.required = 'x': expected some of the strategies ut_bot"),
        ('[instruments."X/Y"]\ntcik = 1', r"instruments\.X/Y\.tcik: unknown key; did you mean tick\?"),
        ('[instruments."X/Y"]\ntick = 0', r"instruments\.X/Y\.tick = 0: expected a number > 0"),
        ("capital = \nmarket = 'auto'", r"not valid TOML: .*line 1"),
        ("start = 'monday'", r'line 1: start = "monday": expected a date and time'),
    ],
)
def test_fault_in_a_file_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    file = write(tmp_path, text)
    with pytest.raises(ConfigurationError, match=message) as caught:
        load_config(file, environ={})
    assert str(caught.value).startswith(f"{file}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("RISK__MAX_HEAT", "lots", r'MIRRORFAST_RISK__MAX_HEAT: risk\.max_heat = "lots": expected a number > 0'),
        ("RISK__MAX_HAET", "0.1", r"MIRRORFAST_RISK__MAX_HAET: risk\.max_haet: unknown key; did you mean max_heat\?"),
        ("CAPITOL", "1", r"MIRRORFAST_CAPITOL: capitol: unknown key; did you mean capital\?"),
    ],
)
def test_fault_in_the_environment(variable: str, value: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        load_config(environ={f"MIRRORFAST_{variable}": value})


def test_environment_of_other_things_is_left_alone() -> None:
    environ = {"MIRRORFAST_SHARED": "x", "MIRRORFAST_SECRET_BINANCE": "y", "MIRRORFAST_SECRETS": "z", "HOME": "/root"}
    assert load_config(environ=environ) == TradingConfig()


@pytest.mark.parametrize(
    ("content", "message"), [(None, "no such file"), (b"\xff\xfe\x00", "not text"), (b"\x00", "not valid TOML")]
)
def test_unreadable_file(tmp_path: Path, content: bytes | None, message: str) -> None:
    file = tmp_path / "x.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=f"x.toml: {message}"):
        load_config(file, environ={})


def test_directory_as_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_config(tmp_path, environ={})


def test_construction_raises_the_same_error() -> None:
    with pytest.raises(ConfigurationError, match=r"RiskConfig: max_heat = -1.*expected a number > 0"):
        RiskConfig(max_heat=-1)
    with pytest.raises(
        ConfigurationError, match=r"TradingConfig: risk\.stop\.percent = 2.*: expected a number > 0 and <= 1"
    ):
        TradingConfig(risk={"stop": {"percent": 2}})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="unknown key"):
        StrategyConfig(name="x", wieght=1)  # type: ignore[call-arg]


def test_secret_of_the_ledger_is_never_shown(tmp_path: Path) -> None:
    config = TradingConfig(ledger=SecretStr("postgresql://me:hunter2@db/x"))
    for text in (str(config), repr(config), to_toml(config), config.model_dump_json(), config.to_engine_json()):
        assert "hunter2" not in text
    with pytest.raises(ConfigurationError) as caught:
        load_config(write(tmp_path, "ledger = ['hunter2']"), environ={})
    assert "hunter2" not in str(caught.value)
    assert "ledger = a secret: expected text" in str(caught.value)


def test_market_of_a_symbol() -> None:
    auto = TradingConfig()
    assert [auto.market_of(s) for s in ("EUR/USD", "gbp-jpy", "BTC/USD", "BTC/EUR", "EUR", "")] == [
        "forex", "forex", "crypto", "crypto", "crypto", "crypto",
    ]  # fmt: skip
    assert TradingConfig(market="forex").market_of("BTC/USD") == "forex"


def test_engine_json_is_stable() -> None:
    text = TradingConfig().to_engine_json(("BTC/USD", "EUR/USD"))
    assert text == TradingConfig().to_engine_json(("BTC/USD", "EUR/USD"))
    document = json.loads(text)
    assert [s["instrument"]["symbol"] for s in document["symbols"]] == ["BTC/USD", "EUR/USD"]
    assert [s["market"] for s in document["symbols"]] == ["crypto", "forex"]
    assert json.loads(TradingConfig(symbols=("X",)).to_engine_json())["symbols"][0]["instrument"]["symbol"] == "X"


def test_shown_configuration_loads_again(tmp_path: Path) -> None:
    config = TradingConfig(
        capital=500.0, risk={"max_heat": 0.01}, strategies=[{"name": "ut_bot", "params": {"atr_period": 5}}]
    )  # type: ignore[arg-type]
    text = to_toml(config)
    assert "max_heat = 0.01  # set" in text
    assert load_config(write(tmp_path, text), environ={}) == config


def test_template_changes_nothing_and_holds_every_default(tmp_path: Path) -> None:
    text = template()
    assert load_config(write(tmp_path, text), environ={}) == TradingConfig()
    uncommented = re.sub(r'^# (?=\[|[a-z_]+ = |"[^"]+" = )', "", text, flags=re.MULTILINE)
    assert len(tomllib.loads(uncommented)) > 10
    assert load_config(write(tmp_path, uncommented), environ={}) == TradingConfig()
    for key, info in FIELDS:
        assert info.description is not None
        assert info.description in text, key


def test_every_model_is_strict_about_keys() -> None:
    models = {m for _, info in fields(TradingConfig) if (m := nested_model(info.annotation))} | {TradingConfig}
    assert len(models) >= 10
    for model in models:
        assert issubclass(model, Settings)
        assert model.model_config["extra"] == "forbid"


@given(
    st.dictionaries(
        st.text(max_size=12), st.one_of(st.integers(), st.floats(), st.text(max_size=5), st.booleans()), min_size=1
    )
)
def test_no_table_whatever_gets_past_the_typed_error(values: dict[str, Any]) -> None:
    message = ""
    try:
        load_config(environ={}, overrides={f"risk.{key}": value for key, value in values.items()})
    except ConfigurationError as error:
        message = str(error)
    assert message.startswith("option risk.")
