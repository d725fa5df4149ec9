"""A reader of MMEngine's config texts, as runs and checkpoints hold them. It executes nothing."""
import ast
from typing import Any


def read_config_text(text: str) -> dict[str, Any]:
    """Return the assignments of an MMEngine config text whose values are literals, including
    ``dict(...)``. Others are left out. Nothing is executed."""
    try:
        statements = ast.parse(text).body
    # The last two are raised for a text that is too deeply nested for the parser.
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    values = {}
    for statement in statements:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            try:
                values[statement.targets[0].id] = _literal(statement.value)
            except (ValueError, TypeError, RecursionError):
                continue
    return values


def _literal(node: ast.expr) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == 'dict':
        # MMEngine writes dict({'a.b': 1}) if a key is not a name.
        if any(not isinstance(arg, ast.Dict) for arg in node.args) or len(node.args) > 1 or any(
                keyword.arg is None for keyword in node.keywords):
            raise ValueError('dict() of something other than keywords or one dict')
        found = _literal(node.args[0]) if node.args else {}
        return {**found, **{keyword.arg: _literal(keyword.value) for keyword in node.keywords}}
    if isinstance(node, (ast.List, ast.Tuple)):
        kind = list if isinstance(node, ast.List) else tuple
        return kind(map(_literal, node.elts))
    if isinstance(node, ast.Dict) and None not in node.keys:
        return {_literal(k): _literal(v) for k, v in zip(node.keys, node.values) if k}
    return ast.literal_eval(node)
