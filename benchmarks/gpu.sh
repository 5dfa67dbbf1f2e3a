#!/usr/bin/env bash
# Runs the torch engine on a GPU machine: whether it agrees with the managed engine and how fast both are, then a model of half a billion parameters in
# bfloat16 beside plain PyTorch, packed beside naive scoring, and the train step's share of the card's matrix peak.
#   benchmarks/gpu.sh pack [cuda|cpu]                  publish into artifacts/gpu, self-contained (needs the SDK and a feed that has TorchSharp)
#   benchmarks/gpu.sh run [DEVICE] [SHAPE] [MODEL]     run it; cuda:0, L and qwen2.5-0.5b if left out. Needs nothing but the folder: copy artifacts/gpu and this script
#   benchmarks/gpu.sh [DEVICE] [SHAPE] [MODEL]         both, on one machine, and the test suite before it
# Plain PyTorch is measured if python3 (or what PYTHON names) can import torch. ROUNDS=N sets the rounds, DTYPE=float32 the model's numbers.
# TORCH= (empty) packs no libtorch; DISTRIBUTED_LIBTORCH then names the folder of one that is on the machine.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
root=$(dirname "$here")
packed=${DISTRIBUTED_GPU_FOLDER:-$root/artifacts/gpu}
rid=linux-x64

pack() {
  command -v dotnet >/dev/null || { echo "gpu.sh: the .NET 10 SDK is not on PATH; pack on a machine that has it" >&2; exit 1; }
  local torch=${1-${TORCH-cuda}}
  (cd "$root" && dotnet publish benchmarks/Distributed.Benchmarks -c Release -r $rid --self-contained -p:HasTorchSharp=true ${torch:+-p:Torch=$torch} \
    -o "$packed" --disable-build-servers -nologo -v quiet "-clp:ErrorsOnly;NoSummary" ${PUBLISH_OPTIONS:-})
  echo "packed: $packed ($(du -sh "$packed" | cut -f1))"
}

run() {
  local program=$packed/Distributed.Benchmarks
  [ -x "$program" ] || { echo "gpu.sh: there is no $program; run 'benchmarks/gpu.sh pack' first, or set DISTRIBUTED_GPU_FOLDER" >&2; exit 1; }
  command -v nvidia-smi >/dev/null && nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader
  "$program" torch "${1:-cuda:0}" "${2:-L}" "${ROUNDS:-5}"
  "$program" model "${1:-cuda:0}" "${3:-qwen2.5-0.5b}" "${DTYPE:-bfloat16}" "${ROUNDS:-5}"
}

case ${1:-} in
  pack) shift; pack "$@" ;;
  run) shift; run "$@" ;;
  *)
    pack
    (cd "$root" && DISTRIBUTED_TEST_DEVICE=${1:-cuda:0} dotnet test tests/Distributed.Engine.Torch.Tests -c Release -p:HasTorchSharp=true \
      ${TORCH-"-p:Torch=cuda"} --disable-build-servers ${PUBLISH_OPTIONS:-})
    run "$@"
    ;;
esac
