#!/usr/bin/env bash
# Collect into a folder what the project needs beside PyTorch, torchvision and the usual packages of science, for
# benchmarks/gpu.sh on a machine without a network (Linux, x86-64, Python 3.12): about 20 MB.
#
#   bash benchmarks/gpu_wheels.sh FOLDER     # there: WHEELS=FOLDER bash benchmarks/gpu.sh measure OUT
set -euo pipefail
cd "$(dirname "$0")/.."
into=${1:?a folder}
python=${PYTHON:-python3}
# Built where no PyTorch is in sight, mmcv is a wheel without compiled ops; mmresizemix stands in for those.
$python -m pip wheel -q --no-deps -c constraints.txt -w "$into" onedl-mmengine onedl-mmcv onedl-mmdetection onedl-mmpretrain \
  mat4py
$python -m pip download -q --no-deps --only-binary=:all: -c constraints.txt -d "$into" --python-version 3.12 \
  --implementation cp $(printf -- '--platform manylinux_2_%s_x86_64 ' 28 27 24 17) --platform manylinux2014_x86_64 \
  --platform any addict einops faster-coco-eval ImageHash imaug importlib-metadata model-index ordered-set platformdirs \
  pycocotools PyWavelets rich shapely simplejpeg submitit termcolor terminaltables yapf
du -sh "$into"
