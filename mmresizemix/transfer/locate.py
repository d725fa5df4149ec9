"""Find the backbone of a detector as a local file, which can be read strictly."""
import os
from pathlib import Path
from urllib.parse import urlparse

import torch
from mmengine.dist import barrier, get_rank

from ..openmmlab.checkpoint import CheckpointError


def local_file(checkpoint: str) -> Path:
    """Return the file behind the ``checkpoint`` of an init_cfg, and download it if necessary.

    A download goes where the loader of MMEngine looks for it. MMEngine therefore loads the same
    file that was checked.

    Raises:
        CheckpointError: the file has a scheme that cannot be checked before it is loaded, its
            weights are unknown to torchvision, or the download failed.
    """
    url = _torchvision_url(checkpoint) if checkpoint.startswith('torchvision://') else checkpoint
    scheme = urlparse(url).scheme
    if scheme in ('http', 'https'):
        return _download(url, checkpoint)
    if '://' in checkpoint:
        raise CheckpointError(f'{checkpoint}: cannot be checked before MMEngine loads it; download '
                              'the file, export it with tools/export_backbone.py, and give the '
                              'path of the result')
    return Path(checkpoint).expanduser()


def _torchvision_url(checkpoint: str) -> str:
    from mmengine.runner.checkpoint import get_torchvision_models
    urls = get_torchvision_models()
    name = checkpoint[len('torchvision://'):]
    if name not in urls:
        raise CheckpointError(f'{checkpoint}: torchvision has no such weights; it has, among '
                              f'others, {", ".join(sorted(n for n in urls if "resnet50" in n))}')
    return urls[name]


def _download(url: str, checkpoint: str) -> Path:
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
