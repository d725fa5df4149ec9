"""One way in for every checkpoint that MMEngine loads in a command of ours: the strict reader.

MMEngine unpickles a whole file if ``weights_only=True`` does not suffice, and there are many doors:
``load_from``, ``resume``, ``last_checkpoint``, and the ``init_cfg`` of each part of a model. All of
them lead through MMEngine's ``CheckpointLoader``, which takes a loader for each scheme.
"""
import os
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from .checkpoint import CheckpointError, load_checkpoint


def load_strictly() -> None:
    """Let MMEngine load every checkpoint of this process by :func:`.checkpoint.load_checkpoint`.

    Files and downloads are read strictly. Other schemes, e.g. ``s3://``, raise a CheckpointError. A
    second call changes nothing.
    """
    from mmengine.runner import CheckpointLoader
    for scheme in list(CheckpointLoader._schemes):
        CheckpointLoader.register_scheme(scheme, _load, force=True)


def _load(filename: str, map_location: Any = None, **_: Any) -> dict:
    from mmengine.logging import HistoryBuffer
    from mmengine.runner.checkpoint import _process_mmcls_checkpoint
    content = load_checkpoint(local_file(filename), HistoryBuffer, map_location)
    return _process_mmcls_checkpoint(content) if filename.startswith('mmcls://') else content


def local_file(checkpoint: str) -> Path:
    """Return the file behind the ``checkpoint`` of a config, and download it if necessary.

    A download goes where MMEngine itself keeps it.

    Raises:
        CheckpointError: the file has a scheme that cannot be read strictly, its name is unknown to
            its collection, or the download failed.
    """
    url = _url(checkpoint)
    if urlparse(url).scheme in ('http', 'https'):
        return _download(url, checkpoint)
    if '://' in url:
        raise CheckpointError(f'{checkpoint}: cannot be read strictly; download the file, and give '
                              'its path')
    return Path(url).expanduser()


def _url(checkpoint: str) -> str:
    """Return the address of a file that is named in a collection of models, else ``checkpoint``
    itself."""
    from mmengine.runner import checkpoint as loading
    collections: dict[str, Callable[[], dict[str, str]]] = {
        'torchvision': loading.get_torchvision_models, 'modelzoo': loading.get_torchvision_models,
        'open-mmlab': loading.get_external_models, 'openmmlab': loading.get_external_models,
        'mmcls': loading.get_mmcls_models}
    scheme, found, name = checkpoint.partition('://')
    if not found or scheme not in collections:
        return checkpoint
    names = collections[scheme]()
    name = loading.get_deprecated_model_names().get(name, name) if 'mmlab' in scheme else name
    if name not in names:
        raise CheckpointError(f'{checkpoint}: {scheme} has no such weights; it has, among others, '
                              f'{", ".join(get_close_matches(name, names, 6, 0))}')
    return (_url(names[name]) if '://' in names[name]
            else os.path.join(loading._get_mmengine_home(), names[name]))


def _download(url: str, checkpoint: str) -> Path:
    import torch
    from mmengine.dist import barrier, get_rank
    path = Path(torch.hub.get_dir()) / 'checkpoints' / os.path.basename(urlparse(url).path)
    failure = None
    # One rank downloads, and the others wait at the barrier. It must be reached after a failure
    # too, so the error is raised behind it.
    if get_rank() == 0 and not path.exists():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(url, str(path))  # to a temporary name, then renamed
        except OSError as error:
            failure = error
    barrier()
    if failure or not path.exists():
        raise CheckpointError(f'{checkpoint}: could not be downloaded from {url} ({failure}); '
                              'give a local file, e.g. --backbone FILE')
    return path
