"""What a lesson's numbers depend on, as two checksums: its own code, and what it uses of ``course_lib``.

Both are taken from the syntax trees, without comments and docstrings, so that a better word costs no measurement.
Of ``course_lib`` only the functions and classes count that the lesson reaches, and what they reach in turn.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from functools import cache
from pathlib import Path

from tools.lesson import ROOT, Lesson

PACKAGE = "course_lib"


def _bare(tree) -> str:
    """A syntax tree as text, without docstrings and without places in the file."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module) or not body:
            continue
        first = body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            node.body = body[1:] or [ast.Pass()]
    return ast.dump(tree)


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def python() -> str:
    """The Python that takes a checksum: another one writes syntax trees otherwise, and its checksums do not compare."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def of_lesson(lesson: Lesson) -> dict[str, str]:
    """The two checksums, ``{"lesson": …, "library": …}``, 16 hexadecimal digits each.

    Raises
    ------
    SyntaxError
        If a cell is not Python.
    """
    trees = [ast.parse(cell.source) for cell in lesson.code]
    used = _used(trees)
    return {
        "lesson": _digest(*(_bare(tree) for tree in trees)),
        "library": _digest(*(f"{'.'.join(key)}:{text}" for key, text in sorted(_reached(used).items()))),
    }


def of_file(path: Path) -> str:
    """The checksum of a Python file, 16 hexadecimal digits."""
    return _digest(_bare(ast.parse(path.read_text(encoding="utf-8"))))


def of_code(sources: list[str]) -> str:
    """The checksum of pieces of Python and of what they use of ``course_lib``, 16 hexadecimal digits."""
    trees = [ast.parse(source) for source in sources]
    library = (f"{'.'.join(key)}:{text}" for key, text in sorted(_reached(_used(trees)).items()))
    return _digest(*(_bare(tree) for tree in trees), *library)


@cache
def _module(name: str):
    """A module of course_lib: its definitions, its imports from the package, its remaining code; None if there is none."""
    path = ROOT.joinpath(*name.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    if not file.exists():
        return None
    return _Module(name, file)


class _Module:
    def __init__(self, name: str, file: Path):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        package = name if file.name == "__init__.py" else name.rpartition(".")[0]
        self.defined: dict[str, ast.AST] = {}
        self.imported: dict[str, tuple[str, str | None]] = {}  # a name here -> (module, name there or None)
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                self.defined[node.name] = node
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets:
                    for part in ast.walk(target):
                        if isinstance(part, ast.Name):
                            self.defined[part.id] = node
        for node in ast.walk(tree):  # imports within functions too: frameworks and rooms are loaded late
            if isinstance(node, ast.ImportFrom):
                base = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1]) if node.level else ""
                source = ".".join(filter(None, [base, node.module or ""]))
                if source.split(".")[0] != PACKAGE:
                    continue
                for alias in node.names:
                    inner = f"{source}.{alias.name}"
                    is_module = _exists(inner)
                    self.imported[alias.asname or alias.name] = (inner, None) if is_module else (source, alias.name)


def _exists(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").exists()


def _used(trees) -> set[tuple[str, str | None]]:
    """What the cells take from course_lib: pairs (module, name), the name None for a module used as a whole."""
    names: dict[str, tuple[str, str | None]] = {}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == PACKAGE:
                for alias in node.names:
                    inner = f"{node.module}.{alias.name}"
                    names[alias.asname or alias.name] = (inner, None) if _exists(inner) else (node.module, alias.name)
    found = {target for target in names.values() if target[1]}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in names:
                module, name = names[node.value.id]
                if name is None:
                    found.add((module, node.attr))
    return found


@cache
def _definition(module_name: str, name: str) -> tuple[str, frozenset]:
    """The bare text of one definition, and what it refers to in course_lib."""
    module = _module(module_name)
    node = module.defined[name]
    targets = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            if part.id in module.imported and module.imported[part.id][1]:
                targets.add(module.imported[part.id])
            elif part.id in module.defined and part.id != name:
                targets.add((module_name, part.id))
        elif isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name):
            target = module.imported.get(part.value.id)
            if target and target[1] is None:
                targets.add((target[0], part.attr))
    return _bare(node), frozenset(targets)


def _reached(used) -> dict[tuple[str, str], str]:
    """The bare text of every definition that is reached from ``used``, by (module, name)."""
    waiting, found = list(used), {}
    while waiting:
        module_name, name = waiting.pop()
        module = _module(module_name)
        if module is None or (module_name, name) in found:
            continue
        if name in module.defined:
            found[module_name, name], targets = _definition(module_name, name)
            waiting += targets
        elif name in module.imported and module.imported[name][1]:
            waiting.append(module.imported[name])
    return found
