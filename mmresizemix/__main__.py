"""The command ``python -m mmresizemix TOOL …``, which runs the tools from any folder."""
import ast
import os
import sys
import textwrap
from pathlib import Path

from . import __version__
from .console.command import run_command
from .openmmlab.installed import TOOLS

WIDTH = 80  # columns of a terminal
USAGE = """usage: python -m mmresizemix TOOL [options of the tool]

{tools}

Each tool has --help with examples. Where the examples say
    python tools/train.py configs/ssd/…
write
    python -m mmresizemix train mmresizemix::ssd/…
"""


def main() -> int:
    """Replace this process by the tool that ``sys.argv`` names."""
    tools = {path.stem: path for path in sorted(TOOLS.iterdir()) if path.suffix in ('.py', '.sh')}
    name = sys.argv[1] if len(sys.argv) > 1 else '--help'
    # What this command answers itself.
    if name in ('-h', '--help'):
        width = max(map(len, tools))
        lines = (textwrap.fill(_first_sentence(path), WIDTH, initial_indent=f'  {tool:{width}}  ',
                               subsequent_indent=' ' * (width + 4)) for tool, path in tools.items())
        print(USAGE.format(tools='\n'.join(lines)), end='')
        return 0
    if name == '--version':
        print(f'mmresizemix {__version__}')
        return 0
    if name not in tools:
        print(f'error: {name}: no such tool; expected one of {", ".join(tools)}', file=sys.stderr)
        return 2
    # Start the tool.
    runner = sys.executable if tools[name].suffix == '.py' else 'bash'
    os.environ['MMRESIZEMIX_PYTHON'] = sys.executable  # for what a shell script starts
    os.execvp(runner, [runner, str(tools[name]), *sys.argv[2:]])


def _first_sentence(tool: Path) -> str:
    if tool.suffix == '.py':
        text = ast.get_docstring(ast.parse(tool.read_text(encoding='utf-8'))) or ''
    else:
        text = tool.read_text(encoding='utf-8').splitlines()[1].removeprefix('# ')
    return ' '.join(text.split()).replace(': ', '. ').split('. ')[0].rstrip('.')


if __name__ == '__main__':
    run_command(main)
