"""Every block of code in the documentation runs as it stands there, page by page, in order.

A block that cannot run here says why in a comment before it: ``<!-- not run here: it asks a real exchange -->``.
"""

import shlex
from collections.abc import Iterable
from pathlib import Path

import pytest
from sybil import Document, Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser

import mirrorfast as mf
from mirrorfast.__main__ import main

ROOT = Path(__file__).parents[2]
GENERATED = {"indicators.md", "simulator.md"}  # signatures and a catalogue, not programs
PAGES = sorted(p for p in (ROOT / "docs").rglob("*.md") if p.name not in GENERATED and "```" in p.read_text("utf-8"))


def commands(example: Example) -> None:
    """Run the lines that call mirrorfast; a line that this does not know is a mistake in the page."""
    for line in str(example.parsed).splitlines():
        words = shlex.split(line, comments=True)
        if words:
            assert words[0] == "mirrorfast", f"{line!r}: expected a mirrorfast command, or a reason not to run it"
            assert main(words[1:]) == 0, line


def settings(example: Example) -> None:
    Path("mirrorfast.toml").write_text(str(example.parsed), "utf-8")
    assert mf.load_config().strategies
    Path("mirrorfast.toml").unlink()


SYBIL = Sybil(
    parsers=[
        PythonCodeBlockParser(doctest_optionflags=0),
        CodeBlockParser("console", commands),
        CodeBlockParser("toml", settings),
    ]
)


def runnable(document: Document) -> Iterable[Example]:
    for example in document.examples():
        before = document.text[: example.start].rstrip().rpartition("\n")[2]
        if not before.startswith("<!-- not run here: "):
            yield example


@pytest.mark.parametrize("page", PAGES, ids=[p.relative_to(ROOT).as_posix() for p in PAGES])
def test_page(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    known = set(mf.TechnicalIndicators.custom_names())
    try:
        for example in runnable(SYBIL.parse(page)):
            example.evaluate()
    finally:
        for name in set(mf.TechnicalIndicators.custom_names()) - known:
            mf.TechnicalIndicators.unregister_custom(name)


def test_pages_are_found() -> None:
    assert {"quick-start.md", "concepts.md"} <= {p.name for p in PAGES}
