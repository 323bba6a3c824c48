"""`mirrorfast train`: a recipe, or a few options, become a model."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mirrorfast.cli.options import JsonOption, console, print_json
from mirrorfast.errors import ParameterError

if TYPE_CHECKING:
    from mirrorfast.rl.making import Made
    from mirrorfast.rl.recipe import Recipe

__all__ = ["train"]


def train(
    recipe: Annotated[
        Path | None, typer.Option(metavar="FILE", help="TOML file that says everything; the other options win over it.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="ONNX file to write. Default: NAME.onnx beside the recipe.")
    ] = None,
    algorithm: Annotated[Literal["PPO", "SAC", "A2C"] | None, typer.Option(help="Learning algorithm.")] = None,
    preset: Annotated[
        Literal["fast", "reference"] | None, typer.Option(help="Settings to start from. Default: fast.")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps of one training.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of everything.")] = None,
    bars: Annotated[
        Path | None, typer.Option(help="Bars: a .parquet or .csv file, or a folder of them. Default: bundled market.")
    ] = None,
    symbols: Annotated[str | None, typer.Option(help="Only these symbols, separated by commas.")] = None,
    folds: Annotated[int | None, typer.Option(min=0, help="Spans of the walk-forward test; 0 for no test.")] = None,
    checkpoints: Annotated[Path | None, typer.Option(help="Folder for checkpoints.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoints.")] = False,
    tensorboard: Annotated[
        Path | None, typer.Option(help="Folder for TensorBoard's logs (needs the package tensorboard).")
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Train a policy, test it on spans that it has not seen, and write it as ONNX with its card."""
    from mirrorfast.rl.making import make_model
    from mirrorfast.rl.recipe import Recipe

    if resume and checkpoints is None:
        raise ParameterError("--resume: expected together with --checkpoints")
    plan = _changed(
        Recipe() if recipe is None else Recipe.load(recipe),
        preset,
        {"algorithm": algorithm, "total_timesteps": steps, "seed": seed},
        bars,
        symbols,
        folds,
    )
    target = output or (Path() if recipe is None else recipe.parent) / f"{plan.name}.onnx"
    if target.suffix != ".onnx":
        raise ParameterError(f"--output = {target}: expected a file that ends with .onnx")
    screen = console()
    with ExitStack() as stack:
        watch: Any = None
        if not json_ and screen.is_terminal:
            from mirrorfast.rl.callbacks import TrainingProgress

            watch = stack.enter_context(TrainingProgress()).begin
        made = make_model(plan, target, checkpoints=checkpoints, resume=resume, tensorboard=tensorboard, watch=watch)
    if json_:
        print_json(_plain(made, target))
        return
    if made.evaluation is not None:
        screen.print(str(made.evaluation), soft_wrap=True, highlight=False, markup=False)
    screen.print(f"Model  {target}", soft_wrap=True, highlight=False)
    screen.print(f"Card   {target.with_suffix('.json')}", soft_wrap=True, highlight=False)


def _changed(
    recipe: "Recipe",
    preset: str | None,
    numbers: dict[str, Any],
    bars: Path | None,
    symbols: str | None,
    folds: int | None,
) -> "Recipe":
    document = recipe.model_dump()
    document["rl"] |= {name: value for name, value in numbers.items() if value is not None}
    if preset is not None:
        document["preset"] = preset
    if bars is not None:
        document["data"]["bars"] = bars
    if symbols is not None:
        document["data"]["symbols"] = tuple(s.strip() for s in symbols.split(",") if s.strip())
    if folds is not None:
        document["walk_forward"]["folds"] = folds
    return type(recipe)(**document)


def _plain(made: "Made", target: Path) -> dict[str, Any]:
    return {
        "model": str(target),
        "card": str(target.with_suffix(".json")),
        "trials": made.trials,
        "config": made.config.model_dump(mode="json"),
        "steps": made.agent.record.steps if made.agent.record else 0,
        "parity": made.policy.card.parity,
        "walk_forward": None if made.evaluation is None else made.evaluation.to_dict(),
    }
