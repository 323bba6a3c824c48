"""Who watches a training: a progress bar for people, a line for a notebook, nothing for machines."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console

    from mirrorfast.rl.training import Look

__all__ = ["TrainingObserver", "TrainingProgress", "step_counter"]


class TrainingObserver(Protocol):
    """Somebody who is told how a training goes."""

    def on_steps(self, steps: int) -> None:
        """Hear how many steps are done, in all."""

    def on_look(self, look: Look) -> None:
        """Hear what the validation span said."""


class TrainingProgress:
    """A progress bar with steps, speed, time left and the last look at the validation span.

    Parameters
    ----------
    total : int, default 1
        Steps of the training.
    console : rich.console.Console, optional
        Where it is drawn; standard error by default.
    label : str, default "training"
        What stands before the bar.

    Examples
    --------
    >>> from rich.console import Console
    >>> with TrainingProgress(100, console=Console(quiet=True)) as progress:
    ...     progress.on_steps(50)
    """

    def __init__(self, total: int = 1, *, console: Console | None = None, label: str = "training") -> None:
        from rich.console import Console as Screen
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[look]}"),
            console=console or Screen(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task(label, total=total, speed="", look="")
        self._start: tuple[float, int] | None = None

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def begin(self, label: str, total: int) -> TrainingProgress:
        """Begin with the next training.

        Parameters
        ----------
        label : str
            What stands before the bar.
        total : int
            Its steps.

        Returns
        -------
        TrainingProgress
            Itself.
        """
        self._start = None
        self._bar.reset(self._task, total=total, description=label, speed="", look="")
        return self

    def on_steps(self, steps: int) -> None:
        """Move the bar.

        Parameters
        ----------
        steps : int
            Steps done, in all.
        """
        now = time.monotonic()
        if self._start is None:
            self._start = (now, steps)
        since, first = self._start
        speed = f"{(steps - first) / (now - since):,.0f} steps/s" if now > since else ""
        self._bar.update(self._task, completed=steps, speed=speed)

    def on_look(self, look: Look) -> None:
        """Show a look.

        Parameters
        ----------
        look : Look
            What the validation span said.
        """
        self._bar.update(self._task, look=f"validation {look.growth:+.2%}{' (best)' if look.best else ''}")


def step_counter(observer: TrainingObserver | None, every: int) -> Any:
    """Make a callback of stable-baselines3 that tells an observer of the steps.

    Parameters
    ----------
    observer : TrainingObserver or None
        Who is told.
    every : int
        Steps between two words.

    Returns
    -------
    BaseCallback or None
        For `learn`.
    """
    if observer is None:
        return None
    from stable_baselines3.common.callbacks import BaseCallback

    told = observer.on_steps

    class Counter(BaseCallback):  # type: ignore[misc, unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            self._told = 0

        def _on_step(self) -> bool:
            if self.num_timesteps - self._told >= every:
                self._told = self.num_timesteps
                told(self.num_timesteps)
            return True

    return Counter()
