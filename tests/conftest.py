"""What all tests share: paths, the bundled market, real data where it is present, and no network."""

import importlib.util
import logging
import os
import socket
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import hypothesis
import polars as pl
import pytest

from mirrorfast import telemetry

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "python" / "mirrorfast"

# No deadline: a busy machine is no failure. A failing example is printed as code, ready to become a test.
hypothesis.settings.register_profile("default", deadline=None, print_blob=True)
hypothesis.settings.register_profile("thorough", parent=hypothesis.settings.get_profile("default"), max_examples=1_000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes long, times something or needs more than this machine, unless ``-m`` asks for it."""
    if not config.option.markexpr:
        for item in items:
            for name in ("slow", "network", "gpu", "benchmark"):
                if item.get_closest_marker(name):
                    item.add_marker(pytest.mark.skip(reason=f"{name}: run with -m {name}"))


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def package() -> Path:
    """The sources of the Python package."""
    return PACKAGE


@pytest.fixture(scope="session")
def helper() -> Callable[[str], ModuleType]:
    """Loads a module that lies beside this file: tests are no package that could be imported from."""

    def load(name: str) -> ModuleType:
        known = f"mirrorfast_tests_{name}"
        if known not in sys.modules:
            spec = importlib.util.spec_from_file_location(known, Path(__file__).with_name(f"{name}.py"))
            assert spec is not None
            assert spec.loader is not None
            sys.modules[known] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(sys.modules[known])
        return sys.modules[known]

    return load


@pytest.fixture(scope="session")
def market() -> pl.DataFrame:
    """The bundled market."""
    from mirrorfast.data import sample_bars

    return sample_bars()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Directory of real market data beside the repository; the test is skipped where it is absent."""
    directory = Path(os.environ.get("MIRRORFAST_SHARED", ROOT.parent / "shared")) / "data"
    if not directory.is_dir():
        pytest.skip(f"no market data in {directory} (set MIRRORFAST_SHARED)")
    return directory


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a PostgreSQL server of this session's own, or that of MIRRORFAST_TEST_POSTGRES."""
    pytest.importorskip("psycopg")
    spec = importlib.util.spec_from_file_location("mirrorfast_postgres_server", ROOT / "tests" / "postgres_server.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with module.running() as url:
        yield url


@pytest.fixture
def postgres(postgres_server: str) -> Iterator[str]:
    """URL of an empty database on that server."""
    import sqlalchemy as sa

    name = f"t{uuid.uuid4().hex[:16]}"
    engine = sa.create_engine(postgres_server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    yield sa.make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    engine.dispose()


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    # A command sets logging up for its process; here many commands share one.
    root, renderer = logging.getLogger("mirrorfast"), telemetry._renderer
    before = (root.level, root.propagate, list(root.handlers))
    hook = sys.excepthook
    yield
    sys.excepthook = hook
    root.level, root.propagate, root.handlers = before
    root.manager._clear_cache()  # type: ignore[attr-defined]
    telemetry._renderer = renderer


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    # A developer's own settings must not decide whether tests pass.
    for name in [name for name in os.environ if name.startswith("MIRRORFAST_") and name != "MIRRORFAST_SHARED"]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.node.get_closest_marker("network"):
        return
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if self.family != socket.AF_UNIX and host not in {"127.0.0.1", "::1", "localhost"}:
            pytest.fail(f"a test reached for the network: {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
