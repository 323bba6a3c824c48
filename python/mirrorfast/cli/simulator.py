"""`mirrorfast simulator`: a Binance-compatible exchange on a loopback port."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mirrorfast.cli.options import JsonOption, console, print_json

if TYPE_CHECKING:
    from mirrorfast.simulator import Simulator

__all__ = ["simulator"]


def simulator(
    data: Annotated[
        str, typer.Option(help="Folder or file of bars (* in the file's name allowed), or 'bundled'.")
    ] = "bundled",
    speed: Annotated[float, typer.Option(min=0.0, help="Simulated seconds in a real one; 0 stands still.")] = 1.0,
    faults: Annotated[Path | None, typer.Option(help="Rules of the fault switchboard: a .toml or .json file.")] = None,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port on 127.0.0.1; 0 takes a free one.")] = 8_899,
    symbols: Annotated[
        int | None, typer.Option(min=1, help="List this many symbols, repeating the recordings.")
    ] = None,
    limits: Annotated[bool, typer.Option(help="Enforce the venues' request limits.")] = True,
    seed: Annotated[int, typer.Option(help="Of the faults' chances.")] = 0,
    list_faults: Annotated[bool, typer.Option("--list-faults", help="Print every fault and stop.")] = False,
    json_: JsonOption = False,
) -> None:
    """Serve an exchange made of recorded bars to real ccxt clients, until Ctrl-C."""
    import asyncio

    from mirrorfast.errors import ConfigurationError

    try:
        from mirrorfast.simulator import Simulator, fault_table
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"{error.name} is missing: pip install 'mirrorfast[exchange]'") from error
    if list_faults:
        typer.echo(fault_table())
        return
    venue = Simulator(data, speed=speed, faults=faults, symbols=symbols, limits=limits, seed=seed)
    asyncio.run(_serve(venue, port, as_json=json_))


async def _serve(venue: "Simulator", port: int, *, as_json: bool) -> None:
    import asyncio

    async with await venue.start(port=port):
        if as_json:
            print_json({"url": venue.url, "symbols": list(venue.market)})
        else:
            console().print(
                f"{len(venue.market)} symbols at {venue.url}; rules of faults at {venue.url}/_simulator/faults"
            )
        await asyncio.Event().wait()
