"""Three operations that change a document of plain data: server and page apply the same ones, so both show the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Op", "apply"]

Op = tuple[Any, ...]
"""``("set", path, value)``, ``("del", path)`` or ``("add", path, rows, limit)``; a path is a list of keys."""


def apply(document: dict[str, Any], ops: Iterable[Op]) -> None:
    """Change a document in place.

    Parameters
    ----------
    document
        Plain data: dictionaries, lists, numbers, text.
    ops
        ``set`` puts a value at a path, making dictionaries on the way; ``del`` takes one out, where it is there;
        ``add`` appends rows to a list and keeps its last `limit`.

    Raises
    ------
    ValueError
        For another operation: a bug.
    """
    for name, path, *rest in ops:
        *way, key = path
        inside = document
        for step in way:
            inside = inside.setdefault(step, {})
        if name == "set":
            inside[key] = rest[0]
        elif name == "del":
            inside.pop(key, None)
        elif name == "add":
            rows, limit = rest
            kept = inside.setdefault(key, [])
            kept.extend(rows)
            if len(kept) > limit:
                del kept[:-limit]
        else:
            raise ValueError(f"operation {name!r}: expected set, del or add")
