"""Tests that the rooms of the package import each other as the table in docs/design.md says, without circles."""
import ast
import re
from collections import defaultdict
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / 'mmresizemix'
FACES = ('__init__', '__main__')  # the faces of the whole package, which import what they show


def room_of(path: Path) -> str:
    """Return the subpackage of a file, or the module itself if it is in no subpackage."""
    return path.relative_to(PACKAGE).with_suffix('').parts[0]


def imported_rooms(path: Path) -> set[str]:
    """Return the rooms that a file imports, also inside functions, but not for type checkers only."""
    tree = ast.parse(path.read_text(encoding='utf-8'))
    for_checkers = {id(node) for block in ast.walk(tree) if isinstance(block, ast.If)
                    and getattr(block.test, 'id', '') == 'TYPE_CHECKING' for node in ast.walk(block)}
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and id(node) not in for_checkers:
            base = path.parents[node.level - 1] if node.level else ROOT
            if node.level or (node.module or '').startswith('mmresizemix'):
                base = base.joinpath(*(node.module or '').split('.'))
                found |= {room_of(base)} if base != PACKAGE else {alias.name for alias in node.names}
    return found - {room_of(path), '__version__'}


def arrows() -> dict[str, set[str]]:
    found = defaultdict(set)
    for path in PACKAGE.rglob('*.py'):
        found[room_of(path)] |= imported_rooms(path)
    return {room: targets for room, targets in found.items() if room not in FACES}


def table() -> dict[str, set[str]]:
    page = (ROOT / 'docs/design.md').read_text(encoding='utf-8')
    rows = re.findall(r'^\| \[`(\w+)`\]\(\S+\) \| .* \| ?(.*?) ?\|$', page, re.MULTILINE)
    return {room: set(filter(None, targets.split(', '))) for room, targets in rows}


def test_the_table_is_the_code():
    assert arrows() == table()


def test_no_arrow_goes_in_a_circle_and_the_table_goes_upwards():
    order = list(table())
    list(TopologicalSorter(table()).static_order())  # raises CycleError
    for room, targets in table().items():
        assert all(order.index(target) < order.index(room) for target in targets), room


def test_no_module_is_loose_but_what_belongs_to_all():
    assert sorted(p.stem for p in PACKAGE.glob('*.py')) == ['__init__', '__main__', 'contents', 'files', 'registry']
