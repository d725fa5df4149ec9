"""Checks of the packages that the plugin needs: are they installed, and are they new enough?"""
import warnings
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import NoReturn

from ..contents import NEEDS
from .when_imported import when_imported

MINIMUM = dict(torch='2.4', mmengine='0.10.7', mmcv='2.1.0', mmdet='3.3.0', mmpretrain='1.2.0')

# OpenMMLab's own distributions and the maintained forks have the same import names.
FAMILIES = dict(mmengine='onedl-mmengine', mmcv='onedl-mmcv', mmdet='onedl-mmdetection',
                mmpretrain='onedl-mmpretrain')
# Further distributions of a package.
ALSO = {'mmengine': ('mmengine-lite', ), 'mmcv': ('mmcv-lite', )}

REMEDY = "Install it with: pip install 'mmresizemix[openmmlab]'"
# mmcv requires opencv-python, which can open windows. A server does not need that.
WITHOUT_WINDOWS = ('pip uninstall -y opencv-python opencv-python-headless, then '
                   'pip install opencv-python-headless')


def missing(*packages: str) -> list[str]:
    """Return those of ``packages`` that are not installed. They are looked up, not imported."""
    return [name for name in packages if find_spec(name) is None]


def require_for(room: str) -> None:
    """Raise an ImportError that says what to install if ``mmresizemix.<room>`` lacks a package."""
    absent = missing(*NEEDS.get(room, ()))
    if absent:
        raise ImportError(f'mmresizemix.{room} needs {", ".join(absent)}, '
                          f'which is not installed. {REMEDY}')


def check_versions() -> None:
    """Raise an ImportError that names every installed package that is older than the minimum."""
    too_old = []
    for name, minimum in MINIMUM.items():
        if missing(name):
            continue
        if is_older(name, minimum):
            too_old.append(f'{name} >= {minimum} (found {_version_of(name)})')
    if too_old:
        raise ImportError(f'mmresizemix needs {", ".join(too_old)}. {REMEDY}')


def is_older(package: str, than: str) -> bool:
    """Whether an installed ``package`` is older than the version ``than``."""
    return _release(_version_of(package)) < _release(than)


def _version_of(package: str) -> str:
    # The metadata of a distribution are read in a millisecond. An import of the package, which is
    # left for one without metadata, takes seconds.
    names = (package, FAMILIES.get(package), *ALSO.get(package, ()))
    found = next((version for name in names if name and (version := _installed(name))), None)
    return found or import_module(package).__version__


def explain_missing_libgl() -> None:
    """Let a failing import of OpenCV say which OpenCV to install, if it misses a library for
    windows."""

    def explain(error: ImportError) -> NoReturn:
        if 'libGL.so.1' not in str(error):
            raise error
        raise ImportError(f'{error}. OpenCV needs it to open windows. Install the version that '
                          f'does not: {WITHOUT_WINDOWS}') from error

    when_imported('cv2', failed=explain)


def warn_of_mixed_families() -> None:
    """Warn if both an OpenMMLab package and its fork are installed. The files of one have then
    overwritten those of the other."""
    both = [f'{own} and {fork}' for own, fork in FAMILIES.items()
            if _installed(own) and _installed(fork)]
    if both:
        warnings.warn(f'{", ".join(both)} are both installed, and have overwritten each other\'s '
                      'files. Uninstall both of each pair, then install one.', stacklevel=2)


def _installed(distribution: str) -> str | None:
    """Return the version of ``distribution``, or None if it is not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _release(text: str) -> tuple[int, ...]:
    """Parse a version, e.g. '2.15.0+cu130' into (2, 15, 0). A pre-release counts as its release."""
    numbers = []
    for part in text.split('+')[0].split('.'):
        digits = ''.join(c for c in part if c.isdigit()) if part[:1].isdigit() else ''
        if not digits:
            break
        numbers.append(int(digits))
        if not part.isdigit():
            break
    return tuple(numbers)
