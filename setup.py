"""Packaging of mmresizemix. Tested versions are in constraints.txt. The ranges here are wide."""
import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent

# OpenMMLab's own distributions and the maintained onedl forks have the same import names (mmcv,
# mmdet, ...). Requiring one would overwrite the other, so they stay an extra that is checked at
# import.
OPENMMLAB = [
    'torch>=2.4',
    'torchvision>=0.19',
    'onedl-mmengine>=0.10.8',
    'onedl-mmcv>=2.3',
    'onedl-mmdetection>=3.4',
    'onedl-mmpretrain>=1.3',
]

setup(
    name='mmresizemix',
    version=re.search(r"__version__ = '(.+)'", (ROOT / 'mmresizemix/__init__.py').read_text())[1],
    description='ResizeMix pretraining and its transfer to detectors, for OpenMMLab',
    long_description=(ROOT / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    author='the authors of mmresizemix',
    license='Apache-2.0',
    keywords='ResizeMix CutMix data augmentation object detection transfer OpenMMLab',
    classifiers=[
        'Intended Audience :: Science/Research',
        'Operating System :: POSIX',
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
        *(f'Programming Language :: Python :: 3.{minor}' for minor in (10, 11, 12, 13)),
    ],
    packages=find_packages(include=['mmresizemix', 'mmresizemix.*']),
    package_data={
        'mmresizemix': ['.mim/*.yml', '.mim/*/**', 'py.typed'],  # configs and tools: links
        'mmresizemix.policies': ['searched/*.json'],
        'mmresizemix.report': ['templates/*.j2']
    },
    python_requires='>=3.10',
    install_requires=[
        'ImageHash>=4.3', 'jinja2>=3.1', 'matplotlib>=3.7', 'numpy>=1.24', 'pillow>=9',
        'pycocotools>=2.0.7', 'rich>=13', 'scipy>=1.11', 'submitit>=1.5'
    ],
    # There is no console script beside `python -m mmresizemix`. MIM assumes that a package lies
    # where the first line of its RECORD points, which would be the script.
    extras_require=dict(
        openmmlab=[
            *OPENMMLAB, 'faster-coco-eval>=1.6', 'grad-cam>=1.5', 'PyMaxflow>=1.3',
            'simplejpeg>=1.8'
        ],
        logging=['tensorboard>=2.21', 'mlflow>=3.17'],
        # mlflow-skinny has what --log-to mlflow calls, without the server and its database
        test=[
            'build>=1.2', 'hypothesis>=6.100', 'ipykernel>=6.29', 'mlflow-skinny>=3.17',
            'mypy>=1.15', 'nbclient>=0.10', 'pre-commit>=4', 'pytest>=8', 'pytest-xdist>=3.7',
            'ruff>=0.17', 'tensorboard>=2.21'
        ],
        docs=['furo>=2024.8', 'myst-parser>=4', 'scikit-image>=0.25', 'Sphinx>=8.1'],
        # the libraries whose networks tests/transfer/test_sources.py exports, if they are installed
        # (MMPretrain cannot be imported beside transformers 5)
        sources=['timm>=1.0', 'transformers>=4.40,<5', 'lightly>=1.5'],
        bench=['timm>=1.0', 'kornia>=0.8', 'nvidia-dali-cuda120>=1.50; sys_platform == "linux"'],
    ),
)
