"""The switchboard: which requests a rule strikes, its file, and that every row of the fault matrix has a switch."""

import json
from pathlib import Path

import pytest

from mirrorfast.errors import ConfigurationError, ParameterError
from mirrorfast.simulator import CATALOGUE, FaultRule, Faults, fault_table

# Rows that an exchange can produce by misbehaving. B (crashes), C (storage), G3–G7 and F2 happen on our side; B7, B8,
# D9, E8 and G1 are states of the venue's books and market, which `Simulator` sets directly.
PRODUCED = {
    *(f"A{n}" for n in range(1, 14)),
    "D1", "D2", "D3", "D4", "D5", "D6", "D7", "D8",
    "E1", "E3", "E4", "E5", "E6",
    "F1", "F3", "F4", "F5", "F6", "F7", "G2", "B2",
}  # fmt: skip


def struck(faults: Faults, times: int, endpoint: str = "/api/v3/klines", method: str = "GET") -> list[int]:
    return [len(list(faults.draw("before", method, endpoint))) for _ in range(times)]


def test_count_and_after() -> None:
    faults = Faults()
    faults.add("drop_before", after=2, count=2)
    assert struck(faults, 6) == [0, 0, 1, 1, 0, 0]


def test_endpoint_and_method() -> None:
    faults = Faults()
    faults.add("drop_before", endpoint="*/order", method="POST")
    assert struck(faults, 1) == [0]
    assert struck(faults, 1, "/api/v3/order", "GET") == [0]
    assert struck(faults, 1, "/api/v3/order", "POST") == [1]
    assert [s[1:] for s in faults.struck] == [("drop_before", "POST", "/api/v3/order")]


def test_probability_is_seeded() -> None:
    def run(seed: int) -> list[int]:
        faults = Faults(seed)
        faults.add("error_before", probability=0.3)
        return struck(faults, 1000)

    assert run(1) == run(1) != run(2)
    assert 250 < sum(run(1)) < 350


def test_seconds() -> None:
    now = [0.0]
    faults = Faults(monotonic=lambda: now[0])
    faults.add("error_before", seconds=5)
    assert struck(faults, 1) == [1]
    now[0] = 5.1
    assert struck(faults, 1) == [0]


def test_clear_and_remove() -> None:
    faults = Faults()
    rule = faults.add("drop_before")
    faults.add("error_before")
    faults.clear("error_before")
    assert [r.name for r in faults.rules] == ["drop_before"]
    faults.remove(rule)
    assert faults.rules == []


@pytest.mark.parametrize("ending", ["toml", "json"])
def test_file(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"faults.{ending}"
    if ending == "toml":
        file.write_text(
            'seed = 7\n[[fault]]\nname = "delay"\nendpoint = "*/klines"\ncount = 3\n[fault.parameters]\ndelay = 0.1\n'
        )
    else:
        rule = {"name": "delay", "endpoint": "*/klines", "count": 3, "parameters": {"delay": 0.1}}
        file.write_text(json.dumps({"seed": 7, "fault": [rule]}))
    faults = Faults()
    faults.load(file)
    assert faults.seed == 7
    assert [(r.name, r.endpoint, r.count, r.value("delay")) for r in faults.rules] == [("delay", "*/klines", 3, 0.1)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("not toml", "faults.toml"),
        ("seed = 1", "expected a list `fault`"),
        ('[[fault]]\nname = "nosuch"', "fault 1: name = 'nosuch': expected one of drop_before"),
        ('[[fault]]\nname = "delay"\n[fault.parameters]\nwait = 1', "delay: parameter 'wait': expected one of: delay"),
    ],
)
def test_bad_file(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "faults.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match="faults.toml") as caught:
        Faults().load(file)
    assert words in str(caught.value)


def test_absent_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Faults().load(tmp_path / "none.toml")


@pytest.mark.parametrize(
    "bad", [{"probability": 1.5}, {"count": 0}, {"after": -1}, {"seconds": 0.0}, {"probability": float("nan")}]
)
def test_bad_rule(bad: dict) -> None:
    with pytest.raises(ParameterError, match=next(iter(bad))):
        FaultRule("delay", **bad)


def test_every_row_that_an_exchange_produces_has_a_switch() -> None:
    assert {row for kind in CATALOGUE.values() for row in kind.rows} >= PRODUCED


def test_table_names_every_fault() -> None:
    assert fault_table().count("\n") == len(CATALOGUE) + 1


def test_the_documentation_has_the_table(root: Path) -> None:
    assert fault_table() in (root / "docs" / "simulator.md").read_text("utf-8")
