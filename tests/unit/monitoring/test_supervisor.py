"""What a supervisor such as systemd hears."""

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from mirrorfast.monitoring import notify, supervised


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[tuple[socket.socket, dict[str, str]]]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "notify"))
        heard.settimeout(60)
        yield heard, {"NOTIFY_SOCKET": str(tmp_path / "notify")}


def test_ready_alive_stopping(listener: tuple[socket.socket, dict[str, str]]) -> None:
    heard, environ = listener
    said: list[str] = []

    async def run() -> None:
        async with supervised("run demo", environ=environ | {"WATCHDOG_USEC": "3000"}):
            while said.count("WATCHDOG=1") < 3:
                said.append((await asyncio.to_thread(heard.recv, 200)).decode())

    asyncio.run(run())
    while "STOPPING=1" not in said:
        said.append(heard.recv(200).decode())
    assert said[0] == "READY=1\nSTATUS=run demo"


def test_signs_of_life_are_for_whom_they_were_asked_of(listener: tuple[socket.socket, dict[str, str]]) -> None:
    heard, environ = listener
    other = environ | {"WATCHDOG_USEC": "1000", "WATCHDOG_PID": str(os.getpid() + 1)}

    async def run() -> None:
        async with supervised("run demo", environ=other):
            await asyncio.sleep(0.02)

    asyncio.run(run())
    assert heard.recv(200).startswith(b"READY=1")
    assert heard.recv(200) == b"STOPPING=1"


def test_an_abstract_name() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(f"\0mirrorfast-{os.getpid()}")
        assert notify("READY=1", environ={"NOTIFY_SOCKET": f"@mirrorfast-{os.getpid()}"})
        assert heard.recv(100) == b"READY=1"


def test_nobody_there() -> None:
    assert not notify("READY=1", environ={})
    assert not notify("READY=1", environ={"NOTIFY_SOCKET": "/nowhere"})
