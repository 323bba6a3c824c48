"""`mirrorfast report`: formats, files, the week, and what it refuses."""

import json

import pytest
from typer.testing import CliRunner

from mirrorfast.cli.app import app
from mirrorfast.errors import ConfigurationError, ParameterError


@pytest.fixture(scope="module")
def runs(helper, tmp_path_factory):
    """Two runs, the second newer."""
    folder = tmp_path_factory.mktemp("runs")
    for name in ("first", "second"):
        (folder / name).mkdir()
        helper("synthetic_run").write_run(folder / name / "ledger.sqlite", name, bars=400, group=400)
    return folder


def run(*arguments):
    done = CliRunner().invoke(app, ["report", *map(str, arguments)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def test_json_is_of_the_run_that_was_named(runs):
    assert json.loads(run("first", "--runs", runs, "-f", "json").stdout)["run"] == "first"
    assert json.loads(run("--runs", runs, "-f", "json").stdout)["run"] == "second"
    assert json.loads(run("run", "first", "--runs", runs, "-f", "json").stdout)["run"] == "first"


@pytest.mark.parametrize(("kind", "start"), [("md", "# "), ("csv", "trade,symbol"), ("json", "{")])
def test_text_goes_to_standard_output(runs, kind, start):
    assert run("first", "--runs", runs, "--format", kind).stdout.startswith(start)


@pytest.mark.parametrize(
    ("name", "start"), [("a.html", "<!DOCTYPE"), ("a.md", "# "), ("a.csv", "trade,"), ("a.json", "{")]
)
def test_a_file_gets_what_its_name_says(runs, tmp_path, name, start):
    assert run("first", "--runs", runs, "-o", tmp_path / name).stdout.strip() == str(tmp_path / name)
    assert (tmp_path / name).read_text().startswith(start)


def test_a_page_goes_into_a_file_by_default(runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("first", "--runs", runs).stdout.strip() == "report-first.html"
    assert (tmp_path / "report-first.html").read_text().startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(("kind", "start"), [("md", "# The week"), ("html", "<!DOCTYPE"), ("json", "{")])
def test_weekly(runs, tmp_path, kind, start):
    done = run("weekly", "first", "--runs", runs, "--week", "2017-07-12", "-f", kind)
    assert done.stdout.startswith(start)
    assert "2017-07-10" in done.stdout


def test_weekly_again_and_again(runs, tmp_path):
    done = run("weekly", "first", "--runs", runs, "--every", "1s", "--times", "2", "-o", tmp_path / "week.json")
    assert done.stdout.split() == [str(tmp_path / "week.json")] * 2
    assert json.loads((tmp_path / "week.json").read_text())["run"] == "first"


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (["weekly", "--week", "soon"], ParameterError, "--week = 'soon'"),
        (["weekly", "--times", "2"], ParameterError, "--every"),
        (["weekly", "--every", "often"], ParameterError, "'often'"),
        (["weekly", "--notify", "nosuch"], ConfigurationError, "MIRRORFAST_SECRET_NOSUCH"),
        (["weekly", "--notify", "nosuch://x"], ConfigurationError, "address 1"),
        (["--ledger", "a.sqlite"], ParameterError, "--runs"),
    ],
)
def test_what_is_refused(runs, arguments, error, said):
    with pytest.raises(error, match=said):
        run(*arguments, "--runs", runs)


def test_no_ledger_is_said(tmp_path):
    with pytest.raises(ConfigurationError, match="no ledger in"):
        run("--runs", tmp_path)
