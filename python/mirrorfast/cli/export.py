"""`mirrorfast export`: a trained agent, or a checkpoint of one, becomes an ONNX model."""

from pathlib import Path
from typing import Annotated

import typer

from mirrorfast.cli.options import JsonOption, console, print_json
from mirrorfast.errors import ParameterError

__all__ = ["export"]


def export(
    agent: Annotated[Path, typer.Argument(help="Zip file that RLTradingAgent.save wrote.")],
    output: Annotated[Path, typer.Argument(help="ONNX file to write; the card goes beside it.")],
    name: Annotated[str | None, typer.Option(help="Name of the model. Default: the file's.")] = None,
    json_: JsonOption = False,
) -> None:
    """Write an agent as ONNX with its card; refused where onnxruntime and torch differ by more than 1e-5."""
    from mirrorfast.rl.agent import RLTradingAgent

    if output.suffix != ".onnx":
        raise ParameterError(f"OUTPUT = {output}: expected a file that ends with .onnx")
    policy = RLTradingAgent.load(agent).export(output, name=name)
    if json_:
        print_json({"model": str(output), "card": str(output.with_suffix(".json")), "parity": policy.card.parity})
        return
    screen = console()
    parity = policy.card.parity
    screen.print(f"Model  {output}", soft_wrap=True, highlight=False)
    screen.print(
        f"Equal to torch within {parity['max_difference']:.1e} on {parity['observations']:,.0f} observations",
        highlight=False,
    )
