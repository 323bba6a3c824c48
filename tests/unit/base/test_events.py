"""Messages between layers cannot be changed by who receives them."""

import dataclasses

import pytest

from mirrorfast import events

ALL = [getattr(events, name) for name in events.__all__]


def test_found_all() -> None:
    assert len(ALL) >= 4


@pytest.mark.parametrize("message", ALL)
def test_immutable_and_by_keyword(message: type) -> None:
    parameters = message.__dataclass_params__  # type: ignore[attr-defined]
    assert parameters.frozen
    assert all(field.kw_only for field in dataclasses.fields(message))
    assert "__dict__" not in dir(message)


def test_frozen() -> None:
    halted = events.Halted(ts=1, reason="drawdown")
    with pytest.raises(dataclasses.FrozenInstanceError):
        halted.ts = 2  # type: ignore[misc]
