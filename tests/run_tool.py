"""Runs a command of tools/ as a user would."""
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def run_tool(by: str, name: str, *arguments, environment: dict[str, str] | None = None,
             cwd: Path = ROOT) -> subprocess.CompletedProcess:
    """Run ``tools/<name>.py`` by the Python ``by``."""
    command = [by, str(ROOT / f'tools/{name}.py'), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=cwd,
                          env={**os.environ, 'OMP_NUM_THREADS': '1', **(environment or {})})
