#!/usr/bin/env bash
# Train on several GPUs of this machine: bash tools/dist_train.sh CONFIG GPUS [options of train.py]
# For several machines, set NNODES, NODE_RANK and MASTER_ADDR on each. PORT is the port at which the
# processes meet. On a machine without a GPU, the processes share its CPU.
#
# examples:
#   bash tools/dist_train.sh configs/pretrain/resnet50_8xb64-resizemix-300e_in1k.py 8 --fast
#   NNODES=2 NODE_RANK=0 MASTER_ADDR=node0 bash tools/dist_train.sh CONFIG 4    # the first of two
#   PORT=29501 bash tools/dist_train.sh CONFIG 4    # a second training on one machine
set -euo pipefail
case ${1:-} in -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0"; exit ;; esac
if [ $# -lt 2 ]; then
  echo 'usage: dist_train.sh CONFIG GPUS [options of train.py]' >&2
  exit 2
fi
config=$1 gpus=$2
# `python -m mmresizemix` says in MMRESIZEMIX_PYTHON which Python called it.
exec "${MMRESIZEMIX_PYTHON:-python}" -m torch.distributed.run --nnodes="${NNODES:-1}" --node_rank="${NODE_RANK:-0}" \
  --master_addr="${MASTER_ADDR:-127.0.0.1}" --master_port="${PORT:-29500}" --nproc_per_node="$gpus" \
  "$(dirname "$0")/train.py" "$config" --launcher pytorch "${@:3}"
