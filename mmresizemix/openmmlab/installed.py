"""The places of the configs and tools. In a checkout and in an installed wheel they are below the
package, as MIM and MMEngine expect it of every OpenMMLab package."""
from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # results must work without MMEngine
    from mmengine.config import Config

MIM = Path(__file__).parents[1] / '.mim'
CONFIGS, TOOLS = MIM / 'configs', MIM / 'tools'
HELPERS = ('methods', 'operations', 'picture_suffixes', 'seeded_loading', 'shake_shake',
           'transfer_hooks', 'twice')


def config_path(name: str | Path) -> Path:
    """Return the file that ``name`` refers to. It is a path, or ``package::path`` of a config that
    came with an installed package, e.g. ``mmresizemix::ssd/ssd300_r50_8xb8-24e_coco.py``.

    Raises:
        FileNotFoundError: there is no such package, or it has no such config.
    """
    package, separator, inside = str(name).rpartition('::')
    if not separator:
        return Path(name)
    spec = find_spec(package) if package.isidentifier() else None
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f'{name}: no package {package!r} is installed')
    path = Path(spec.origin).parent / '.mim/configs' / inside
    if not path.is_file():
        raise FileNotFoundError(f'{name}: {package} has no such config; its configs are in '
                                f'{path.parent}'
                                if path.parent.is_dir() else f'{name}: no such config of {package}')
    return path


def read_config(name: str | Path) -> Config:
    """Read the config that ``name`` refers to, as for :func:`config_path`.

    Raises:
        FileNotFoundError: there is no such config.
        ValueError: it is not a Python config.
    """
    from mmengine.config import Config

    from .formatted_once import FormattedOnce
    path = config_path(name)
    # MMEngine's YAML loader runs code that a file contains.
    if path.suffix != '.py':
        raise ValueError(f'{name}: expected a Python config, got {path.suffix or "no suffix"}')
    config = Config.fromfile(path)
    _drop_our_scope(config._cfg_dict)
    return FormattedOnce.of(config)


def _drop_our_scope(node: Any) -> None:
    """Remove our scope, so that configs inherited by ``_base_ = 'mmresizemix::…'`` are built in
    MMEngine's usual scopes. MMEngine would build them in our scope only, as if this package were a
    library of models. Our configs name every scope that is not the config's default."""
    if isinstance(node, dict):
        if node.get('_scope_') == 'mmresizemix':
            dict.pop(node, '_scope_')
        # MMEngine's own values() would import what a lazy config names.
        node = dict.values(node)
    elif not isinstance(node, (list, tuple)):
        return
    for value in node:
        _drop_our_scope(value)


def drop_helpers(config: Config) -> None:
    """Remove the settings that only other settings of our configs have used: those that begin with
    an underscore, and the tables of ``configs/_base_``. A run would dump them with its config."""
    for name in [n for n in config if n.startswith('_') or n in HELPERS]:
        config.pop(name)


def tell_mmengine() -> None:
    """Let ``get_config('mmresizemix::…')`` and ``_base_ = 'mmresizemix::…'`` find our configs.

    MMEngine keeps a table of the packages that may have configs, and offers no way to add one
    (mmengine/config/utils.py). This adds ours to the table and changes no existing entry.
    """
    from mmengine.config.utils import MODULE2PACKAGE
    MODULE2PACKAGE.setdefault('mmresizemix', 'mmresizemix')
