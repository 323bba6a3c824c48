"""The report in a real browser: its own policy lets its own script run, and nothing sticks out on a phone."""

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mirrorfast.analytics.performance")

from mirrorfast.report import write_report

SCRIPT = Path(__file__).parents[1] / "synthetic_run.py"
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = pytest.mark.skipif(BROWSER is None, reason="needs chromium")


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    spec = importlib.util.spec_from_file_location("mirrorfast_synthetic_browser", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    folder = tmp_path_factory.mktemp("report")
    module.write_run(folder / "ledger.sqlite", "demo", bars=600, group=600)
    return write_report(folder / "ledger.sqlite", "demo", folder / "report.html")


def dump(path, tmp_path, width=1280):
    command = [
        BROWSER,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--allow-file-access-from-files",
        f"--user-data-dir={tmp_path}",
        f"--window-size={width},2000",
        "--virtual-time-budget=3000",
        "--dump-dom",
        path.as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_script_runs_under_the_policy(report, tmp_path):
    before, after = report.read_text(), dump(report, tmp_path)
    assert '<span class="hint" hidden>' in before
    assert '<span class="hint">' in after  # the script's last but one act
    marks = [re.findall(r'href="#(g-[a-z-]+)"', text) for text in (before, after)]
    assert marks[0] == marks[1]
    assert {"g-long", "g-short", "g-exit"} <= {name.removesuffix("-s") for name in marks[1]}
    assert all(f'id="{name}"' in after for name in marks[1])


def test_nothing_sticks_out_on_a_phone(report, tmp_path):
    """A frame of 390 pixels: the page's own width must not be more."""
    probe = report.with_name("probe.html")
    probe.write_text(
        '<iframe src="report.html" style="width:390px;height:3000px;border:0"></iframe><p id="out"></p><script>'
        "const frame = document.querySelector('iframe');"
        "frame.onload = () => { const d = frame.contentDocument.documentElement;"
        "document.getElementById('out').textContent = 'widths ' + d.clientWidth + ' ' + d.scrollWidth; }</script>"
    )
    widths = re.search(r"widths (\d+) (\d+)", dump(probe, tmp_path))
    assert widths, "the frame did not load"
    assert int(widths[2]) <= int(widths[1]) <= 390
