#!/usr/bin/env bash
# Run everything that needs a GPU, in two calls of at most seven minutes each:
#
#   bash benchmarks/gpu.sh measure OUT    # speeds beside the peers, GPU tests, a killed run resumed
#   bash benchmarks/gpu.sh study OUT      # docs/study.md's plan; the same call goes on where it was
#
# The figures are written to OUT as they come, so that a call that is cut off keeps what it had.
# WHEELS=FOLDER first installs the wheels in a folder into a temporary one, without a network.
# SMALL=1 rehearses at the smallest size, on a CPU. STUDY_PICTURES and STUDY_OBJECTS name the
# study's data, as in configs/study/_base_data.py.
set -uo pipefail
cd "$(dirname "$0")/.."
what=${1:?measure or study} out=$(mkdir -p "${2:?a folder for the figures}" && cd "$2" && pwd)
python=${PYTHON:-python3}
seconds=${SECONDS_LEFT:-${SMALL:+3600}}
seconds=${seconds:-400}
export PYTHONUNBUFFERED=1 PYTHONWARNINGS=ignore

if [ -n "${WHEELS:-}" ]; then
  site=$(mktemp -d)
  $python -m pip install -q --no-index --no-deps --no-compile --target "$site" "$WHEELS"/*.whl || exit 1
  export PYTHONPATH="$site${PYTHONPATH:+:$PYTHONPATH}"
fi
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}"

# Run one part for at most so many seconds, with its output in OUT/<name>.log. If it fails, the next
# parts still run.
part() {
  local name=$1 most=$2
  shift 2
  local left=$((seconds - SECONDS))
  [ $left -lt 10 ] && echo "== $name: no time left" && return
  local began=$SECONDS
  [ -n "${SMALL:-}" ] && most=$left
  timeout -k 5 $((most < left ? most : left)) "$@" > "$out/$name.log" 2>&1
  echo "== $name: exit code $?, $((SECONDS - began)) s"
  tail -n "${SHOWN:-14}" "$out/$name.log"
  cp work_dirs/benchmarks/*.json "$out/" 2> /dev/null
}

case $what in
measure)
  small=${SMALL:+--small} rounds=${SMALL:+1} crops=220
  [ -n "${SMALL:-}" ] && crops=8
  $python -c 'import torch; print(torch.__version__, torch.cuda.is_available() and torch.cuda.get_device_name())'
  SHOWN=3 part tests 90 $python -m pytest -q -p no:cacheprovider tests/batch_augments/test_contract.py \
    tests/training/test_fast.py -k 'gpu or wait'
  part mixing 60 $python benchmarks/mixing.py --gpu-only --rounds "${rounds:-15}"
  part training 150 $python benchmarks/training.py $small --rounds "${rounds:-8}"
  part detecting 90 $python benchmarks/detecting.py $small --rounds "${rounds:-5}"
  part resuming 100 $python benchmarks/resuming.py --crops "$crops"
  ;;
study)
  plan=configs/plans/study${SMALL:+_smoke}.py
  timeout -k 60 -s INT "$seconds" $python tools/transfer.py "$plan" --root "$out/study"
  ;;
*)
  echo "expected measure or study, got $what" >&2
  exit 2
  ;;
esac
