"""What modules export: sorted, present, and the same in every place that names it."""

import ast
import importlib
import pkgutil
import sys
from pathlib import Path

import pytest

import mirrorfast

# alembic runs its files itself, inside a migration; they cannot be imported.
MODULES = sorted(
    info.name
    for info in pkgutil.walk_packages(mirrorfast.__path__, "mirrorfast.")
    if ".migrations" not in info.name and not info.name.endswith("._core")
)


def order(name: str) -> tuple[int, str]:
    """isort's order: constants, classes, functions."""
    return (0 if name.isupper() else 1 if name[:1].isupper() else 2, name)


def test_found_modules() -> None:
    assert len(MODULES) >= 40


@pytest.mark.parametrize("name", ["mirrorfast", *MODULES])
def test_all_is_sorted_and_resolves(name: str) -> None:
    module = importlib.import_module(name)
    if name == "mirrorfast.cli" or not hasattr(module, "__all__"):
        assert not [
            n for n, v in vars(module).items() if getattr(v, "__module__", "") == name and not n.startswith("_")
        ], f"{name} defines public names, but has no __all__"
        return
    names = list(module.__all__)
    assert len(names) == len(set(names))
    assert names == sorted(names, key=order)
    for item in names:
        assert hasattr(module, item), f"{name}.__all__ names {item}, which is not there"


def test_lazy_table_equals_all() -> None:
    table = mirrorfast._LAZY
    assert list(table) == sorted(table)
    assert sorted(table) == sorted(set(mirrorfast.__all__) - {"__version__"})
    assert len(table) >= 20


@pytest.mark.parametrize("name", sorted(mirrorfast._LAZY))
def test_lazy_name_resolves_to_its_home(name: str) -> None:
    home = importlib.import_module(mirrorfast._LAZY[name])
    value = getattr(mirrorfast, name)
    if value is home:
        return
    assert value is getattr(home, name)
    assert name in home.__all__


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(mirrorfast.__file__).read_text("utf-8"))
    block = next(n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING")
    seen = {
        (alias.asname or alias.name): node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    table = {name: "mirrorfast" if home == f"mirrorfast.{name}" else home for name, home in mirrorfast._LAZY.items()}
    # A function that shares its name with its package is imported from the package.
    assert {n: m for n, m in seen.items() if m != table[n]} == {
        n: f"mirrorfast.{n}" for n, m in seen.items() if m == f"mirrorfast.{n}"
    }
    assert seen.keys() == table.keys()


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        mirrorfast.nonsense  # noqa: B018


def test_dir_lists_the_public_names() -> None:
    assert set(mirrorfast.__all__) <= set(dir(mirrorfast))


def test_native_names_are_typed(package: Path) -> None:
    native = importlib.import_module("mirrorfast._core")
    stub = ast.parse((package / "_core.pyi").read_text("utf-8"))
    typed = {n.name for n in stub.body if isinstance(n, ast.ClassDef | ast.FunctionDef)}
    typed |= {n.target.id for n in stub.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)}
    present = {name for name in dir(native) if not name.startswith("__")} | {"__version__"}
    assert present <= typed | {"__all__"}
    assert not {name for name in typed - present if not name.startswith("_")} - stub_only(stub)
    assert sys.modules["mirrorfast._core"] is native


def stub_only(stub: ast.Module) -> set[str]:
    """TypedDicts and protocols describe values; they exist for type checkers alone."""
    return {
        n.name
        for n in stub.body
        if isinstance(n, ast.ClassDef) and ast.unparse(n).count("TypedDict") + ast.unparse(n).count("Protocol")
    }
