"""A headless Chromium, driven through its DevTools protocol: no driver program, no download.

It is no part of the product. `chromium()` names the program or skips the test.
"""

import base64
import itertools
import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from websockets.sync.client import connect

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Page:
    """One tab."""

    def __init__(self, socket, session):
        self._socket, self._session, self._ids = socket, session, itertools.count(100)
        self.logged = []
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method, **params):
        number = next(self._ids)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params, "sessionId": self._session}))
        while True:
            message = json.loads(self._socket.recv(timeout=60))
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]
            self._note(message)

    def _note(self, message):
        if message.get("method") == "Log.entryAdded":
            self.logged.append(message["params"]["entry"]["text"])
        elif message.get("method") == "Runtime.exceptionThrown":
            self.logged.append(str(message["params"]["exceptionDetails"]))

    def evaluate(self, expression):
        done = self.send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def wait(self, expression, seconds=45.0):
        """Wait until an expression is true; how long that takes decides nothing but patience."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            value = self.evaluate(f"(() => {{ try {{ return !!({expression}); }} catch {{ return false; }} }})()")
            if value:
                return value
            time.sleep(0.05)
        raise AssertionError(
            f"never true: {expression}\n{self.evaluate('document.body.innerText')[:2000]}\n{self.logged}"
        )

    def go(self, url):
        self.send("Page.navigate", url=url)
        self.wait(f"document.readyState === 'complete' && location.href.startsWith({json.dumps(url)})")

    def close(self):
        self.send("Page.close")

    def size(self, width, height, *, phone=False, dark=False):
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])

    def key(self, key, code=None, text=None):
        event = {"key": key, "code": code or key, **({"text": text} if text else {})}
        codes = {"Tab": 9, "Enter": 13, "ArrowLeft": 37, "Escape": 27}
        event["windowsVirtualKeyCode"] = codes.get(key, 0)
        self.send("Input.dispatchKeyEvent", type="keyDown", **event)
        self.send("Input.dispatchKeyEvent", type="keyUp", **event)

    def type(self, text):
        self.send("Input.insertText", text=text)

    def screenshot(self, path, *, whole=True):
        done = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        Path(path).write_bytes(base64.b64decode(done["data"]))


class Browser:
    """A browser with a fresh profile; a context manager."""

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="mirrorfast-browser-", ignore_cleanup_errors=True)
        command = [
            BROWSER,
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--no-first-run",
            "--remote-debugging-port=0",
            f"--user-data-dir={self._folder.name}",
            "about:blank",
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        said = Path(self._folder.name) / "DevToolsActivePort"
        until = time.monotonic() + 60
        while not (said.exists() and said.read_text().count("\n")):
            assert time.monotonic() < until, "chromium did not start"
            assert self._process.poll() is None, "chromium ended"
            time.sleep(0.05)
        port, path = said.read_text().splitlines()[:2]
        self._socket = connect(f"ws://127.0.0.1:{port}{path}", max_size=None, legacy=True)
        return self

    def __exit__(self, *_):
        self._socket.close()
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()

    def page(self):
        def ask(number, method, **params):
            self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
            while True:
                message = json.loads(self._socket.recv(timeout=60))
                if message.get("id") == number:
                    return message["result"]

        target = ask(1, "Target.createTarget", url="about:blank")["targetId"]
        session = ask(2, "Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self._socket, session)
        # A page behind another one is not drawn.
        page.send("Page.bringToFront")
        return page


def needs_chromium():
    return pytest.mark.skipif(BROWSER is None, reason="needs chromium")
