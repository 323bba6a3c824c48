"""The exception tree."""

import pickle

import pytest

from mirrorfast import errors

ALL = [getattr(errors, name) for name in errors.__all__]


def test_found_all() -> None:
    assert len(ALL) >= 14


@pytest.mark.parametrize("error", ALL)
def test_every_error_is_one_of_ours(error: type[Exception]) -> None:
    assert issubclass(error, errors.MirrorfastError)
    assert error.__doc__
    assert pickle.loads(pickle.dumps(error("x"))).args == ("x",)


@pytest.mark.parametrize(
    "error",
    [errors.ConfigurationError, errors.ParameterError, errors.DataError, errors.ShapeError, errors.StaleDataError],
)
def test_bad_input_is_a_value_error_with_status_2(error: type[errors.MirrorfastError]) -> None:
    assert issubclass(error, ValueError)
    assert error.exit_status == 2


@pytest.mark.parametrize("error", [errors.LedgerError, errors.ExchangeError, errors.ModelError, errors.InternalError])
def test_failures_have_status_1(error: type[errors.MirrorfastError]) -> None:
    assert error.exit_status == 1


def test_ledger_of_a_newer_release_is_bad_input() -> None:
    assert issubclass(errors.LedgerVersionError, errors.LedgerError)
    assert errors.LedgerVersionError.exit_status == 2
