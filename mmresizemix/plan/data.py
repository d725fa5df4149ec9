"""A check that all data of a config are there and unchanged, made before any GPU is used.

``tools/prepare_voc.py`` and ``prepare_coco.py`` check two layouts. This module looks for every file
of any data set that OpenMMLab can read, by building the data set itself.
"""
from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmengine.config import Config

from ..console.progress_bar import Progress
from ..datasets.pictures import SUFFIXES, pictures_below
from ..files import file_sha256, write_text
from ..openmmlab.config_parts import merge_options
from ..openmmlab.data_sets import DataError, build_sets, require_objects
from ..openmmlab.installed import read_config
from ..training.sharing import LOADERS

if TYPE_CHECKING:  # it imports PyTorch, which reading a plan does without
    from mmengine.dataset import BaseDataset

FILES = ('img_path', 'xml_path')  # the keys of a sample that name files


@dataclass(frozen=True)
class DataCheck:
    """The result of :func:`check_data`, kept in the file ``path``."""
    path: Path

    def digest(self) -> str | None:
        """Return the digest of the data, or None if they have not been checked yet."""
        if not self.path.is_file():
            return None
        return json.loads(self.path.read_text(encoding='utf-8'))['digest']

    def missing(self) -> str | None:
        """Return why the data must be checked again: they never were, or a folder or file has
        changed. Return None if they need not be."""
        try:
            watched = json.loads(self.path.read_text(encoding='utf-8'))['watched']
        except (FileNotFoundError, ValueError):
            return 'the data were not checked'
        return next((f'{name} has changed' for name, state in watched.items()
                     if _state(name) != state), None)


def check_data(cfg: Config, out: Path, progress: Progress | None = None) -> dict[str, Any]:
    """Look for every file of ``cfg``'s data sets and write what was found to ``out``.

    Returns:
        A dict with ``digest``, over the names and sizes of all files and the content of the
        annotation files, ``samples``, the number of samples per loader, and ``watched``, the size
        and time of each folder and annotation file. If one of these changes, the data must be
        checked again.

    Raises:
        DataError: a file is missing, or nothing is left of a data set, or no object.
    """
    sha, samples, watched = hashlib.sha256(), {}, {}
    for loader in (name for name in LOADERS if cfg.get(name)):
        sets = build_sets(cfg, loader)
        require_objects(sets, loader)
        samples[loader] = sum(map(len, sets))
        for dataset in sets:
            # The boxes and labels of many sets are all in one file, so its content counts.
            annotations = Path(dataset.ann_file) if getattr(dataset, 'ann_file', '') else None
            if annotations and annotations.is_file():
                sha.update(f'{annotations.name} {file_sha256(annotations)}\n'.encode())
                watched[str(annotations)] = _state(annotations)
            for line in _files(dataset, loader, watched, progress):
                sha.update(line.encode())
    found = dict(digest=sha.hexdigest(), samples=samples, watched=watched)
    write_text(out, json.dumps(found, indent=1))
    return found


def _files(dataset: BaseDataset, loader: str, watched: dict[str, Any],
           progress: Progress | None) -> Iterator[str]:
    """Yield '<name> <size>' for every file, its name relative to the parent of its folder. Enter
    the folders into ``watched``."""
    for i in range(len(dataset)):
        info = dataset.get_data_info(i)
        for path in (info[name] for name in FILES if info.get(name)):
            folder = os.path.dirname(path)
            # Watching the folders is much quicker than asking for each file again.
            if folder not in watched:
                watched[folder] = _state(folder)
            try:
                yield f'{os.path.relpath(path, os.path.dirname(folder))} {os.stat(path).st_size}\n'
            except OSError as error:
                raise DataError(f'{loader}: sample {i + 1} of {len(dataset)} cannot be read '
                                f'({error.strerror}): {path}') from None
        if progress and i % 100 == 0:
            progress(i, len(dataset))


def pictures_of(where: str | Path, loader: str, options: dict[str, Any] | None = None,
                progress: Progress | None = None) -> list[Path]:
    """Return every picture file of a folder, at any depth, or of the ``loader`` of a config.

    Args:
        where: a folder, or a config.
        options: settings that override those of the config.

    Raises:
        DataError: there is no picture.
    """
    if Path(where).is_dir():
        found = pictures_below(Path(where))
    else:
        cfg = read_config(where)
        merge_options(cfg, options)
        found = []
        for dataset in build_sets(cfg, loader):
            for i in range(len(dataset)):
                found.append(Path(dataset.get_data_info(i)['img_path']))
                if progress and i % 100 == 0:
                    progress(i, len(dataset))
    if not found:
        raise DataError(f'{where}: no pictures ({", ".join(SUFFIXES)})')
    return found


def _state(path: str | Path) -> list[int] | None:
    """Return size and modification time, or None if there is no such path. The time of a folder
    changes when a file is added to it or removed from it."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]
