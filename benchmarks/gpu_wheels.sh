#!/usr/bin/env bash
# Collect in a folder what the project needs beside PyTorch, torchvision and the usual packages of
# science: about 20 MB. benchmarks/gpu.sh installs it on a machine without a network (Linux, x86-64,
# Python 3.12).
#
#   bash benchmarks/gpu_wheels.sh FOLDER
#   WHEELS=FOLDER bash benchmarks/gpu.sh measure OUT     # on that machine
set -euo pipefail
cd "$(dirname "$0")/.."
into=${1:?a folder}
python=${PYTHON:-python3}
# mmcv is built here without PyTorch in sight, so its wheel has no compiled ops. mmresizemix stands
# in for those.
$python -m pip wheel -q --no-deps -c constraints.txt -w "$into" onedl-mmengine onedl-mmcv onedl-mmdetection onedl-mmpretrain \
  mat4py
$python -m pip download -q --no-deps --only-binary=:all: -c constraints.txt -d "$into" --python-version 3.12 \
  --implementation cp $(printf -- '--platform manylinux_2_%s_x86_64 ' 28 27 24 17) --platform manylinux2014_x86_64 \
  --platform any addict einops faster-coco-eval ImageHash imaug importlib-metadata model-index ordered-set platformdirs \
  pycocotools PyWavelets rich shapely simplejpeg submitit termcolor terminaltables yapf
du -sh "$into"
