"""Times our code against named peers: interleaved in one process, CPU time, medians of rounds and their ratio."""

import gc
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import metadata

Job = Callable[[], object]


@dataclass
class Timing:
    """CPU seconds of every round, by contestant."""

    seconds: dict[str, list[float]] = field(default_factory=dict)

    def median(self, name: str) -> float:
        return statistics.median(self.seconds[name])

    def ratio(self, name: str, peer: str) -> float:
        """Median of the rounds' ratios ``peer / name``: above 1 where ``name`` is faster.

        A round's two figures were taken next to each other, so that what else the machine did cancels out.
        """
        return statistics.median(b / a for a, b in zip(self.seconds[name], self.seconds[peer], strict=True))


def interleaved(
    jobs: dict[str, Job], *, rounds: int = 9, warm: int = 1, repeats: dict[str, int] | None = None
) -> Timing:
    """Run every job once a round, in turning order; ``repeats`` runs a short job several times within its turn."""
    times = repeats or {}
    names = list(jobs)
    for _ in range(warm):
        for name in names:
            jobs[name]()
    timing = Timing({name: [] for name in names})
    gc.disable()
    try:
        for k in range(rounds):
            for name in names[k % len(names) :] + names[: k % len(names)]:
                job, n = jobs[name], times.get(name, 1)
                start = time.process_time()
                for _ in range(n):
                    job()
                timing.seconds[name].append((time.process_time() - start) / n)
    finally:
        gc.enable()
    return timing


def version(package: str) -> str:
    """Version of an installed package, or a dash."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "–"


def machine() -> str:
    """Processor, cores and Python, for the head of a table."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as info:
            model = next((line.split(":", 1)[1].strip() for line in info if line.startswith("model name")), model)
    except OSError:
        pass
    import os

    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])
