"""Check the structure of the repository: import cycles, root modules, file lengths.

    python scripts/check_structure.py

Prints the number of import cycles in the package and fails if there is one, if the
package's root has more than 10 modules, or if a file is longer than 350 lines.

Every import counts: at the top, inside functions and under `TYPE_CHECKING`. Exceptions:

- The root `__init__` lists the public names and loads them on first use, so its own
  imports do not count. Importing a name from it counts as importing the module that
  the name comes from.
- A module does not depend on the `__init__` of its parent packages, unless it imports
  a name that only the `__init__` has.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "langchain_fal_image"
MAX_ROOT_MODULES = 10
MAX_LINES = 350
CHECKED = {".py", ".mjs", ".js", ".css", ".html", ".md", ".toml", ".yml", ".sh"}
"""The suffixes of files written by hand; data and generated files have others."""

Graph = dict[str, set[str]]


def read_modules() -> dict[str, ast.Module]:
    """Parse the package; return its modules by dotted name."""
    modules = {}
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        modules[name] = ast.parse(path.read_text(encoding="utf-8"))
    return modules


def find_imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield each import at any depth as a module and a name in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, alias.name) for alias in node.names)


def read_graph(modules: dict[str, ast.Module]) -> Graph:
    """Return the modules that each module imports."""
    sources = {name: module for module, name in find_imports(modules[PACKAGE])}
    graph: Graph = {PACKAGE: set()}
    for importer, tree in modules.items():
        if importer == PACKAGE:
            continue
        graph[importer] = set()
        for imported, name in find_imports(tree):
            module = imported
            if f"{module}.{name}" in modules:
                module = f"{module}.{name}"
            elif module == PACKAGE:
                module = sources.get(name, module)
            if module in modules and module != importer:
                graph[importer].add(module)
    return graph


def find_cycles(graph: Graph) -> list[list[str]]:
    """Return the groups of modules that import each other (Tarjan's algorithm)."""
    index: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    cycles: list[list[str]] = []

    def visit(module: str) -> None:
        index[module] = lowest[module] = len(index)
        stack.append(module)
        for imported in sorted(graph[module]):
            if imported not in index:
                visit(imported)
                lowest[module] = min(lowest[module], lowest[imported])
            elif imported in stack:
                lowest[module] = min(lowest[module], index[imported])
        if lowest[module] == index[module]:
            group = stack[stack.index(module) :]
            del stack[-len(group) :]
            if len(group) > 1:
                cycles.append(sorted(group))

    for module in graph:
        if module not in index:
            visit(module)
    return cycles


def find_long_files() -> Iterator[tuple[int, str]]:
    """Yield the length and path of each file that is too long."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],  # noqa: S607 - git is on the path
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for path in listed.stdout.splitlines():
        file = ROOT / path
        if file.suffix in CHECKED and file.exists():
            lines = len(file.read_text(encoding="utf-8").splitlines())
            if lines > MAX_LINES:
                yield lines, path


def main() -> int:
    """Check and print; return 1 if a rule is broken."""
    cycles = find_cycles(read_graph(read_modules()))
    print(f"{len(cycles)} import cycles")
    for group in cycles:
        print(f"  {len(group)} modules: {' '.join(group)}".replace(f"{PACKAGE}.", ""))
    root = sorted(path.name for path in (ROOT / PACKAGE).glob("*.py"))
    print(f"{len(root)} modules in the root, at most {MAX_ROOT_MODULES}")
    too_long = sorted(find_long_files(), reverse=True)
    print(f"{len(too_long)} files longer than {MAX_LINES} lines")
    for lines, path in too_long:
        print(f"  {lines} {path}")
    return int(bool(cycles or too_long or len(root) > MAX_ROOT_MODULES))


if __name__ == "__main__":
    sys.exit(main())
