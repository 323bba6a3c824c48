"""A run whose every bar a test writes itself, watched by a dashboard; it is no part of the product."""

import http.client
import json
from contextlib import ExitStack
from urllib.parse import urlencode, urlsplit

from websockets.sync.client import connect

from mirrorfast.dashboard import DashboardServer, LiveSource
from mirrorfast.execution.loop import Update
from mirrorfast.ledger import Batch, Ledger

TOKEN = "correct horse battery staple"
START, HOUR = 1_500_000_000_000, 3_600_000


class FakeControl:
    """Remembers what it was asked."""

    def __init__(self):
        self.asked = []
        self.halted = False

    def status(self):
        return {"halted": self.halted, "reason": "test" if self.halted else None}

    def halt(self, reason, *, by):
        self.asked.append(("halt", reason, by))
        self.halted = True

    def resume(self, reason, *, by):
        self.asked.append(("resume", reason, by))
        self.halted = False


class WatchedRun:
    """A ledger with an empty run, a source and a server; a context manager."""

    def __init__(self, folder, *, symbols=("BTC/USD", "EUR/USD"), control=None, interval=0.02, port=0, most=300):
        self.symbols = list(symbols)
        self._stack = ExitStack()
        self._ledger = self._stack.enter_context(Ledger.open(folder / "ledger.sqlite"))
        writer = self._ledger.run("demo", mode="paper", config={"capital": 10_000.0}, symbols=self.symbols)
        writer.begin_or_resume()
        writer.close()
        self.source = LiveSource(self._ledger, "demo")
        self.server = DashboardServer(
            self.source,
            token=TOKEN,
            port=port,
            control=control,
            controls=control is not None,
            interval=interval,
            most=most,
        )
        self.bar = 0

    def __enter__(self):
        self._stack.enter_context(self.server)
        parts = urlsplit(self.server.url)
        self.host, self.origin = parts.netloc, f"http://{parts.netloc}"
        return self

    def __exit__(self, *error):
        self._stack.close()

    def step(self, fill=None, *, reason="a rule", price=100.0):
        """One bar time: bars and decisions of all symbols, and an entry with its stop where a side is named."""
        self.bar += 1
        ts = START + self.bar * HOUR
        batch = Batch(ts)
        for k, symbol in enumerate(self.symbols):
            batch.decision(decision(self.bar * 10 + k, symbol, price + self.bar, order=self.bar if fill else None))
        if fill:
            order = {"id": self.bar, "decision": self.bar * 10, "symbol": self.symbols[0], "type": "market"}
            batch.order(order | {"side": fill, "quantity": 0.5, "purpose": "entry"})
            symbol = self.symbols[0]
            batch.fill({"id": self.bar, "order": self.bar, "symbol": symbol, "side": fill, "quantity": 0.5,
                        "price": price, "fee": 0.05, "purpose": "entry"})  # fmt: skip
        batch.equity({"equity": 10_000.0 + self.bar, "cash": 9_000.0, "exposure": 0.1})
        rows = [(k, price, price + 5, price - 5, price + 1, 7.0) for k in range(len(self.symbols))]
        self.source.on_batch(Update(ts, self.bar, None, {}, bars=rows, events=batch.events))
        return ts

    def trade(self):
        """Close a trade."""
        self.bar += 1
        ts = START + self.bar * HOUR
        batch = Batch(ts)
        batch.trade({"symbol": self.symbols[0], "side": "long", "quantity": 0.5, "entry_ts": START, "exit_ts": ts,
                     "entry_price": 100.0, "exit_price": 110.0, "gross": 5.0, "fees": 0.1, "pnl": 4.9,
                     "return_fraction": 0.1, "exit": "stop_loss", "entry_decision": 10})  # fmt: skip
        self.source.on_batch(Update(ts, self.bar, None, {}, events=batch.events))

    def incident(self, message):
        batch = Batch(START)
        batch.incident("test", message, severity="error")
        self.source.on_batch(Update(START, self.bar, None, {}, events=batch.events))

    # ------------------------------------------------------------------ as a client

    def ask(self, path, *, method="GET", headers=None, body=None, form=None, values=None):
        """One request; returns status, headers and text."""
        headers = {"Host": self.host, **(headers or {})}
        if form is not None:
            body = urlencode(form)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        if values is not None:
            body = json.dumps(values)
            headers["Content-Type"] = "application/json"
        address = urlsplit(self.server.url)
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode()
        finally:
            connection.close()

    def login(self, token=TOKEN, origin=None):
        status, headers, text = self.ask(
            "/login", method="POST", headers={"Origin": origin or self.origin}, form={"token": token}
        )
        return status, headers.get("set-cookie", ""), text

    def cookie(self):
        status, cookie, _ = self.login()
        assert status == 303
        return {"Cookie": cookie.partition(";")[0]}

    def stream(self, *, cookie=None, origin=None, query="", **options):
        headers = self.cookie() if cookie is None else cookie
        return connect(
            f"ws://{self.host}/stream{query}", additional_headers=headers, origin=origin or self.origin,
            max_size=None, open_timeout=60, legacy=False, **options,
        )  # fmt: skip


def decision(number, symbol, price, *, order=None, verdict="approved", reasons=()):
    votes = {
        "trend": {"signal": 1.0, "confidence": 0.8, "contribution": 0.6},
        "reversal": {"signal": -0.5, "confidence": 0.5, "contribution": -0.2},
    }
    return {
        "id": number,
        "symbol": symbol,
        "price": price,
        "rule_position": 0.4,
        "target": 0.4,
        "direction": "Buy",
        "confidence": 0.7,
        "regime": "trending",
        "votes": votes,
        "verdict": verdict if order is not None or verdict == "refused" else "hold",
        "reasons": list(reasons),
        "quantity": 0.5 if order is not None else None,
        "order_id": order,
    }


class Client:
    """What a page does with the stream: the document of one number."""

    def __init__(self, socket, *, epoch=None, seq=None, symbol="", document=None):
        from mirrorfast.dashboard.ops import apply

        self._apply = apply
        self.socket, self.epoch, self.seq, self.symbol = socket, epoch, seq, symbol
        self.document = document or {}
        self.snapshots = self.messages = 0
        socket.send(json.dumps({"epoch": epoch, "seq": seq, "symbol": symbol}))

    def take(self, timeout=60):
        message = json.loads(self.socket.recv(timeout=timeout))
        self.messages += 1
        if message["t"] == "snapshot":
            self.snapshots += 1
            self.document, self.epoch = message["document"], message["epoch"]
            self.seq, self.symbol = message["seq"], message["symbol"]
            return message
        for delta in message["list"]:
            assert delta["seq"] == self.seq + 1, "a gap or a duplicate"
            self._apply(self.document, delta["ops"])
            self.seq = delta["seq"]
        if "chart" in message:
            self.symbol = message["chart"]["symbol"]
            self.document["charts"] = {self.symbol: message["chart"]["chart"]}
        return message

    def until(self, condition):
        """Take messages until a condition holds."""
        for _ in range(5_000):
            if condition(self.document):
                return
            self.take()
        raise AssertionError("never came")
