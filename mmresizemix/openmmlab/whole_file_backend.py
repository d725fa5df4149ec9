"""A storage backend that writes checkpoints completely or not at all.

MMEngine opens the final name and writes into it (mmengine/fileio/backends/local_backend.py). If it
is killed or the disk is full, it leaves a file that looks like a checkpoint but is not one. Its
hook takes a storage backend by name, and this one is for local disks::

    default_hooks = dict(checkpoint=dict(backend_args=dict(backend='whole_file'), max_keep_ckpts=2))

With ``max_keep_ckpts`` of at least 2, a complete checkpoint exists at any time after the first.
"""
from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend

from ..files import require_space, whole_file


@register_backend('whole_file')
class WholeFileBackend(LocalBackend):
    """MMEngine's local backend, except that it writes to a temporary name and then renames it."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write ``obj`` to the file, completely or not at all.

        Raises:
            DiskFullError: it does not fit. The error says how much is needed and free. A file that
                already had this name is unchanged.
        """
        require_space(filepath, len(obj))
        with whole_file(filepath) as unfinished:
            unfinished.write_bytes(obj)

    def put_text(self, obj: str, filepath: str | Path, encoding: str = 'utf-8') -> None:
        """Write the text ``obj`` to the file, completely or not at all."""
        self.put(obj.encode(encoding), filepath)
