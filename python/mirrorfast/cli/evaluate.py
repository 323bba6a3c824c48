"""`mirrorfast evaluate`: a model against buy & hold, flat, random and the rules."""

from pathlib import Path
from typing import Annotated

import typer

from mirrorfast.cli.options import ConfigOption, JsonOption, console, load, print_json

__all__ = ["evaluate"]


def evaluate(
    model: Annotated[Path, typer.Argument(help="ONNX file that train or export wrote.")],
    bars: Annotated[
        Path | None, typer.Option(help="Bars: a .parquet or .csv file, or a folder of them. Default: bundled market.")
    ] = None,
    symbols: Annotated[str | None, typer.Option(help="Only these symbols, separated by commas.")] = None,
    start: Annotated[str | None, typer.Option("--from", help="First day that is traded, YYYY-MM-DD (UTC).")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Last day, YYYY-MM-DD (UTC), inclusive.")] = None,
    trials: Annotated[
        int | None, typer.Option(min=1, help="Configurations that the model was chosen from (deflates its Sharpe).")
    ] = None,
    config: ConfigOption = None,
    json_: JsonOption = False,
) -> None:
    """Trade bars with a model and with its benchmarks, at the costs of its training, and say what that proves."""
    from mirrorfast.cli.span import chosen
    from mirrorfast.rl.evaluation import evaluate_policy
    from mirrorfast.rl.policy import Policy

    # Bars before --from warm the features up.
    cfg, table = chosen(load(config), bars, symbols, None, end)
    result = evaluate_policy(Policy.load(model), table, since=start, rule_config=cfg, trials=trials)
    if json_:
        print_json({"model": str(model), **result.to_dict()})
        return
    screen = console()
    if result.facts.get("in_sample"):
        screen.print("Some of these bars were trained on: this proves nothing.", highlight=False)
    screen.print(str(result), soft_wrap=True, highlight=False, markup=False)
