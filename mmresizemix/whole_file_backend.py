"""Checkpoints that are there whole or not at all.

MMEngine opens the final name and writes into it (mmengine/fileio/backends/local_backend.py), so
that a kill or a full disk leaves a file that looks like a checkpoint and is none. Its hook takes a
storage backend by name; this one is for local disks::

    default_hooks = dict(checkpoint=dict(backend_args=dict(backend='whole_file'), max_keep_ckpts=2))

With ``max_keep_ckpts`` of at least 2 a whole checkpoint exists at any moment after the first.
"""
from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend

from .files import require_space, whole_file


@register_backend('whole_file')
class WholeFileBackend(LocalBackend):
    """MMEngine's local backend, but for writing: a temporary name, then renamed."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write ``obj``.

        Raises:
            DiskFullError: it does not fit; says what is needed and what is free. What stood under
                this name before still does.
        """
        require_space(filepath, len(obj))
        with whole_file(filepath) as unfinished:
            unfinished.write_bytes(obj)

    def put_text(self, obj: str, filepath: str | Path, encoding: str = 'utf-8') -> None:
        """Whole or not at all."""
        self.put(obj.encode(encoding), filepath)
