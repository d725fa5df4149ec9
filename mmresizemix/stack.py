"""What the plugin stands on: which packages are installed, and whether they are new enough."""
from importlib import import_module
from importlib.util import find_spec

MINIMUM = dict(torch='2.4', mmengine='0.10.7', mmcv='2.1.0', mmdet='3.3.0', mmpretrain='1.2.0')

# What each room of the package cannot do without.
NEEDED_BY = dict(
    batch_augments=('torch', ),
    loading=('torch', 'mmengine', 'mmpretrain', 'simplejpeg'),
    policies=('torch', 'torchvision', 'mmengine', 'mmcv', 'mmpretrain'),
    attaching=('torch', 'mmengine'),
    backbones=('torch', 'mmengine'),
    samplers=('torch', 'mmengine'),
    seeding=('torch', 'mmengine'),
    mix_log=('torch', 'mmengine'),
    finite=('torch', 'mmengine'),
    transfer=('torch', 'mmengine'),
    detection=('torch', 'mmengine', 'mmcv', 'mmdet'),
)

REMEDY = "Install it with: pip install 'mmresizemix[openmmlab]'"


def missing(*packages: str) -> list[str]:
    """Those of ``packages`` that are not installed (looked up, not imported)."""
    return [name for name in packages if find_spec(name) is None]


def require_for(room: str) -> None:
    """Raise an ImportError that says what to install where ``mmresizemix.<room>`` cannot work."""
    absent = missing(*NEEDED_BY[room])
    if absent:
        raise ImportError(f'mmresizemix.{room} needs {", ".join(absent)}, '
                          f'which is not installed. {REMEDY}')


def check_versions() -> None:
    """Raise an ImportError that names every installed package older than the minimum."""
    too_old = []
    for name, minimum in MINIMUM.items():
        if missing(name):
            continue
        found = import_module(name).__version__
        if _release(found) < _release(minimum):
            too_old.append(f'{name} >= {minimum} (found {found})')
    if too_old:
        raise ImportError(f'mmresizemix needs {", ".join(too_old)}. {REMEDY}')


def _release(version: str) -> tuple[int, ...]:
    """'2.15.0+cu130' -> (2, 15, 0); a pre-release counts as its release."""
    numbers = []
    for part in version.split('+')[0].split('.'):
        digits = ''.join(c for c in part if c.isdigit()) if part[:1].isdigit() else ''
        if not digits:
            break
        numbers.append(int(digits))
        if not part.isdigit():
            break
    return tuple(numbers)
