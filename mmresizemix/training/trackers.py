"""Other places that a run can be logged to, in addition to its own files."""
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ..openmmlab.stack import missing

# MMEngine's backend, and the package that it needs.
TRACKERS = dict(tensorboard=('TensorboardVisBackend', 'tensorboard'),
                mlflow=('MLflowVisBackend', 'mlflow'), wandb=('WandbVisBackend', 'wandb'))


def log_to(cfg: Config, trackers: Iterable[str]) -> None:
    """Log to ``trackers``, keys of :data:`TRACKERS`, in addition to what ``cfg`` logs to. By
    default it logs to ``scalars.json``, which comparisons read.

    Raises:
        ImportError: a package that a tracker needs is not installed.
    """
    for name in trackers:
        backend, package = TRACKERS[name]
        if missing(package):
            raise ImportError(f'--log-to {name} needs {package}, which is not installed. '
                              f'Install it with: pip install {package}')
        visualizer = cfg.get('visualizer') or dict(type='Visualizer')
        known = visualizer.get('vis_backends') or [dict(type='LocalVisBackend')]
        if backend not in [one['type'] for one in known]:
            known = [*known, dict(type=backend, **_settings_of(name, Path(cfg.work_dir).name))]
        cfg.visualizer = dict(visualizer, vis_backends=known)


def _settings_of(tracker: str, run: str) -> dict[str, Any]:
    if tracker != 'mlflow':
        return {}
    # MMEngine's default is a store of files, which MLflow has given up. MLflow's own default is
    # MLFLOW_TRACKING_URI, or else ./mlflow.db, where `mlflow ui` looks.
    import mlflow
    return dict(tracking_uri=mlflow.get_tracking_uri(), run_name=run)
