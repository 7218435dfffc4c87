"""The same lesson with other seeds: every place where a cell hands a seed to a random generator is shifted.

The shift happens where the seed is used, ``default_rng(seed + 1009)``, and not where it is named, so that a lesson
that keeps its trainings in ``nets[0]`` and ``nets[1]`` still finds them.
"""

from __future__ import annotations

import ast

STEP = 1009  # a prime: shifted seeds do not meet the lesson's own small ones

# Functions whose first argument (or ``seed=``) seeds a generator.
MAKERS = {
    *("manual_seed", "manual_seed_all", "default_rng", "set_random_seed", "SeedGenerator"),
    *("RandomState", "SeedSequence", "PCG64", "Philox"),
}
KEYWORDS = {"seed", "random_state"}


def _name(function) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _owner(function) -> str:
    value = getattr(function, "value", None)
    return value.attr if isinstance(value, ast.Attribute) else getattr(value, "id", "")


def _added(node, shift):
    """The node plus ``shift``: a number by itself, a list in its first entry; None and what is no number stay."""
    if isinstance(node, ast.Constant):
        whole = isinstance(node.value, int) and not isinstance(node.value, bool)
        return ast.Constant(node.value + shift) if whole else node
    if isinstance(node, ast.List | ast.Tuple) and node.elts:
        return type(node)([_added(node.elts[0], shift), *node.elts[1:]], node.ctx)
    return ast.BinOp(node, ast.Add(), ast.Constant(shift))


class _Shift(ast.NodeTransformer):
    def __init__(self, shift, own, generators):
        self.shift, self.own, self.generators = shift, own, generators

    def visit_Call(self, node):
        self.generic_visit(node)
        name, owner = _name(node.func), _owner(node.func)
        if not owner and name in self.own:
            return node  # the lesson's own function: it shifts where it makes its generator
        makes = (
            name in MAKERS
            or (name == "start" and owner == "accelerator")
            or (name == "seed" and owner in ("random", "np.random"))
        )
        if makes and node.args:
            node.args[0] = _added(node.args[0], self.shift)
        for keyword in node.keywords:
            if keyword.arg in KEYWORDS and getattr(keyword.value, "id", "") not in self.generators:
                keyword.value = _added(keyword.value, self.shift)
        if name == "Batches" and "seed" not in {keyword.arg for keyword in node.keywords}:
            node.keywords.append(ast.keyword("seed", ast.Constant(self.shift)))
        return node


def own_functions(sources) -> set[str]:
    """The names of the functions and classes that cells define at any level."""
    found = set()
    for source in sources:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found.add(node.name)
    return found


def generators(sources) -> set[str]:
    """The names that hold a generator, made from a seed elsewhere: ``draws = keras.random.SeedGenerator(seed)``."""
    assigned = [node for source in sources for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Assign)]
    made = [node for node in assigned if isinstance(node.value, ast.Call) and _name(node.value.func) in MAKERS]
    return {target.id for node in made for target in node.targets if isinstance(target, ast.Name)}


def shifted(sources: list[str], times: int) -> list[str]:
    """The code cells ``sources`` with every seed moved by ``times · STEP``; with 0, the cells as they are.

    Raises
    ------
    SyntaxError
        If a cell is not Python.
    """
    if not times:
        return list(sources)
    own, made = own_functions(sources), generators(sources)
    result = []
    for source in sources:
        tree = _Shift(times * STEP, own, made).visit(ast.parse(source))
        result.append(ast.unparse(ast.fix_missing_locations(tree)))
    return result
