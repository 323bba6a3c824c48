"""Check that every public docstring has the sections that CONTRIBUTING.md asks for.

    python scripts/check_docs.py [DIRECTORY]

Public is what the ``__init__`` of a package names in ``__all__``, and what the modules of the first level name in
theirs; everything else needs a docstring, which ruff sees to. Reads the sources without importing them. Prints one line
for each fault; the exit status is 1 if there is one, or if nothing was found to check.
"""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "python" / "mirrorfast"
HEADING = re.compile(r"^([A-Z][A-Za-z ]+)\n-{3,}[ \t]*$", re.MULTILINE)
# Commands speak to people through --help, and alembic calls what it finds in its files.
EXEMPT = ("cli/", "ledger/migrations/")
# Classes whose meaning is not in a call: errors, protocols, enumerations, configuration (each field has a description).
NO_EXAMPLE = ("Error", "Exception", "Protocol", "Enum", "StrEnum", "IntEnum", "Settings", "TypedDict")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Fault:
    """One missing piece."""

    file: Path
    line: int
    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.name}: {self.text}"


def main() -> int:
    """Check the package, or the directory that the command line names."""
    package = Path(sys.argv[1]) if len(sys.argv) > 1 else PACKAGE
    count, faults = check(package)
    for fault in faults:
        print(fault)
    print(f"docs sections: {count} public items, {len(faults)} faults")
    return 1 if faults or not count else 0


def check(package: Path) -> tuple[int, list[Fault]]:
    """Check the package; returns the number of public items and the faults."""
    trees = {file: ast.parse(file.read_text("utf-8"), filename=str(file)) for file in sorted(package.rglob("*.py"))}
    faults = [
        Fault(file, 1, file.relative_to(package).as_posix(), "module without a docstring")
        for file, tree in trees.items()
        if not ast.get_docstring(tree)
    ]
    names = public_names(package, trees)
    count = 0
    for file, tree in trees.items():
        for node, inside in items(tree, names[file]):
            count += 1
            label = f"{inside.name}.{node.name}" if inside else node.name
            faults += [Fault(file, node.lineno, label, text) for text in missing(node, inside)]
    return count, faults


def public_names(package: Path, trees: dict[Path, ast.Module]) -> dict[Path, set[str]]:
    """Find which names of each file are public."""
    names: dict[Path, set[str]] = {file: set() for file in trees}
    for file, tree in trees.items():
        inner = file.relative_to(package).as_posix()
        if inner.startswith(EXEMPT):
            continue
        if file.name == "__init__.py":
            wanted = exported(tree)
            names[file] |= wanted
            for node in ast.walk(tree):
                if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(package.name):
                    base = package.parent.joinpath(*node.module.split("."))
                    source = base.with_suffix(".py") if base.with_suffix(".py") in names else base / "__init__.py"
                    if source in names:
                        names[source] |= {a.name for a in node.names if (a.asname or a.name) in wanted}
        elif file.parent == package:
            names[file] |= exported(tree)
    return names


def items(tree: ast.Module, names: set[str]) -> Iterator[tuple[ast.ClassDef | Function, ast.ClassDef | None]]:
    """Yield the functions and classes of these names, and the public methods of those classes."""
    for node in tree.body:
        if not isinstance(node, ast.ClassDef | Function) or node.name not in names:
            continue
        yield node, None
        if isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, Function) and not inner.name.startswith("_") and not is_overload(inner):
                    yield inner, node


def exported(tree: ast.Module) -> set[str]:
    """Return the names in ``__all__``."""
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and target.id == "__all__":
            return set(ast.literal_eval(node.value))  # type: ignore[union-attr, arg-type]
    return set()


def missing(node: ast.ClassDef | Function, inside: ast.ClassDef | None) -> Iterator[str]:
    """Yield what a docstring lacks."""
    text = ast.get_docstring(node)
    if not text:
        yield "no docstring"
        return
    sections = split(text)
    if isinstance(node, ast.ClassDef):
        yield from missing_of_class(node, sections)
        return
    yield from undocumented(parameters(node), sections, "Parameters")
    returns = node.returns
    silent = returns is None or (isinstance(returns, ast.Constant) and returns.value is None) or is_never(returns)
    decorators = {ast.unparse(d).split("(")[0].split(".")[-1] for d in node.decorator_list}
    if not silent and "property" not in decorators and not {"Returns", "Yields"} & sections.keys():
        yield "no Returns section"
    if raises(node) and "Raises" not in sections:
        yield "raises, but has no Raises section"
    if inside is None and "Examples" not in sections:
        yield "no Examples section"


def missing_of_class(node: ast.ClassDef, sections: dict[str, str]) -> Iterator[str]:
    """Yield what a class's docstring lacks."""
    bases = [ast.unparse(base) for base in node.bases]
    exempt = any(base.split(".")[-1].split("[")[0].endswith(NO_EXAMPLE) for base in bases) or node.name == "Settings"
    exempt = exempt or node.name.endswith("Error")
    start = next((n for n in node.body if isinstance(n, Function) and n.name == "__init__"), None)
    if start:
        yield from undocumented(parameters(start), sections, "Parameters")
    elif any("dataclass" in ast.unparse(d) for d in node.decorator_list):
        fields = [
            n.target.id
            for n in node.body
            if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name) and not n.target.id.startswith("_")
        ]
        where = "Parameters" if "Parameters" in sections else "Attributes"
        yield from undocumented(fields, sections, where)
    if not exempt and "Examples" not in sections:
        yield "no Examples section"


def split(text: str) -> dict[str, str]:
    """Cut a docstring into its sections."""
    parts = HEADING.split(text)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def parameters(node: Function) -> list[str]:
    """List a function's parameters, without self, cls and private ones."""
    spec = node.args
    names = [a.arg for a in (*spec.posonlyargs, *spec.args)]
    if names and names[0] in {"self", "cls"}:
        names = names[1:]
    names += [a.arg for a in (spec.vararg, *spec.kwonlyargs, spec.kwarg) if a is not None]
    return [name for name in names if not name.startswith("_")]


def undocumented(names: list[str], sections: dict[str, str], section: str) -> Iterator[str]:
    """Yield the names that a section does not describe."""
    body = sections.get(section, "")
    heads = [line.partition(":")[0] for line in body.splitlines() if line and not line[0].isspace()]
    known = {word.strip().strip("*`") for head in heads for word in head.split(",")}
    absent = [name for name in names if name not in known]
    if absent and not body:
        yield f"no {section} section ({', '.join(absent)})"
    elif absent:
        yield f"{', '.join(absent)} not in its {section} section"


def raises(node: Function) -> bool:
    """Tell whether a function raises something itself; a bare ``raise`` passes on what came from elsewhere."""
    own = (n for n in ast.walk(node) if isinstance(n, ast.Raise) and n.exc is not None)
    return any("NotImplementedError" not in ast.unparse(n) for n in own)


def is_overload(node: Function) -> bool:
    """Tell whether a function is only a signature."""
    return any(ast.unparse(d).endswith(("overload", ".setter")) for d in node.decorator_list)


def is_never(node: ast.expr) -> bool:
    """Tell whether a return annotation says that nothing comes back."""
    return ast.unparse(node).split(".")[-1] in {"None", "Never", "NoReturn"}


if __name__ == "__main__":
    sys.exit(main())
