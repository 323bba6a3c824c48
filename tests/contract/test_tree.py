"""The tree itself: layers, docs sections, examples, file sizes, errors in use, nothing of a developer's machine."""

import doctest
import importlib
import importlib.util
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import mirrorfast
from mirrorfast import errors

LIMIT = 800
# Errors of layers that are still to come.
AWAITED = {"OrderRejected"}
# alembic runs its files itself, inside a migration; they cannot be imported.
MODULES = sorted(
    info.name
    for info in pkgutil.walk_packages(mirrorfast.__path__, "mirrorfast.")
    if ".migrations" not in info.name and not info.name.endswith("._core")
)


def tracked(root: Path) -> list[Path]:
    """Files under version control, or all of a source archive."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True)
    if done.returncode == 0 and done.stdout:
        return [root / name for name in done.stdout.split("\0") if name and (root / name).is_file()]
    hidden = {"target", ".venv", "dist", ".git", "runs", "node_modules"}
    return [p for p in root.rglob("*") if p.is_file() and not hidden & set(p.relative_to(root).parts)]


def sources(root: Path, *endings: str) -> list[Path]:
    return [path for path in tracked(root) if path.suffix in endings]


def test_layers(root: Path) -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "1 kept, 0 broken" in done.stdout
    found = re.search(r"Analyzed (\d+) files", done.stdout)
    assert found is not None
    assert int(found[1]) >= 40


def test_docs_sections(root: Path, package: Path) -> None:
    spec = importlib.util.spec_from_file_location("check_docs", root / "scripts" / "check_docs.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = script  # dataclasses look their module up
    spec.loader.exec_module(script)
    count, faults = script.check(package)
    assert count >= 100
    assert [str(fault) for fault in faults] == []


def test_docs_check_finds_faults(root: Path, tmp_path: Path) -> None:
    package = tmp_path / "mirrorfast"
    package.mkdir()
    (package / "bad.py").write_text(
        '"""M."""\n__all__ = ["f"]\ndef f(a: int) -> int:\n    """Do."""\n    raise ValueError\n'
    )
    done = subprocess.run([sys.executable, root / "scripts" / "check_docs.py", package], capture_output=True, text=True)
    assert done.returncode == 1
    for text in ("no Parameters section (a)", "no Returns section", "has no Raises section", "no Examples section"):
        assert text in done.stdout


def test_docs_check_needs_something_to_check(root: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, root / "scripts" / "check_docs.py", tmp_path], capture_output=True, text=True
    )
    assert done.returncode == 1


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


def test_examples_were_found() -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    examples = [len(test.examples) for name in MODULES for test in finder.find(importlib.import_module(name))]
    assert sum(examples) >= 150


def test_file_size(root: Path) -> None:
    files = sources(root, ".py", ".rs", ".pyi", ".sh", ".html", ".css", ".js")
    assert len(files) >= 100
    long = {str(f.relative_to(root)): n for f in files if (n := len(f.read_text("utf-8").splitlines())) > LIMIT}
    assert long == {}


def test_every_error_is_raised_and_tested(root: Path) -> None:
    code = "\n".join(f.read_text("utf-8") for f in sources(root, ".py", ".rs") if "tests" not in f.parts)
    tests = "\n".join(
        f.read_text("utf-8")
        for f in sources(root, ".py")
        if "tests" in f.parts and f.name not in {"test_errors.py", Path(__file__).name}
    )
    raised = {
        name
        for name in errors.__all__
        if re.search(rf"raise (errors\.)?{name}\b|raise \w+\.{name}\b|exceptions::{name}::new_err", code)
    }
    assert len(raised) >= 7
    # The base is caught, never raised.
    assert set(errors.__all__) - raised - {"MirrorfastError"} == AWAITED
    untested = {name for name in raised if not re.search(rf"\b{name}\b", tests)}
    assert untested == set()


def test_nothing_of_a_machine(root: Path) -> None:
    private = re.compile(
        r"(?<![\w.])/(?:work|root)/\w|/home/(?!me\b|user\b)\w+/|/Users/\w|C:\\Users|index-url\s*=|extra-index-url"
    )
    files = [f for f in tracked(root) if f.suffix not in {".parquet", ".png", ".onnx", ".lock"} and f != Path(__file__)]
    assert len(files) >= 100
    found = []
    for file in files:
        for number, line in enumerate(file.read_text("utf-8", errors="replace").splitlines(), start=1):
            if private.search(line):
                found.append(f"{file.relative_to(root)}:{number}: {line.strip()[:100]}")
    assert found == []


def test_version_is_written_once_and_has_notes(root: Path) -> None:
    version = re.search(r'^version = "([^"]+)"', (root / "Cargo.toml").read_text("utf-8"), re.MULTILINE)
    assert version is not None
    assert mirrorfast.__version__ == version[1]
    assert re.search(rf"^## (Unreleased|\[?{re.escape(version[1])})", (root / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert 'dynamic = ["version"]' in (root / "pyproject.toml").read_text("utf-8")


def test_unsafe_code_is_forbidden_in_the_core(root: Path) -> None:
    assert "#![forbid(unsafe_code)]" in (root / "rust" / "core" / "src" / "lib.rs").read_text("utf-8")


def test_readme_commands_exist(root: Path) -> None:
    makefile = (root / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"`?make ([a-z-]+)", (root / "README.md").read_text("utf-8")))
    assert {"live", "test"} <= targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), (
            f"README names make {target}, which is not in the Makefile"
        )
