#!/usr/bin/env bash
# Four hosts made of network namespaces on one bridge: a learner, two rollout nodes, a scorer. Trains over them with `distributed node` while links are cut and
# healed, and checks that the run comes to its end with balanced books and the weights of a run on one host.
#   tests/netns-cluster.sh [http|akka]      needs root, `ip`, a build (./distributed --version)
set -euo pipefail
fabric=${1:-http}
root=$(cd "$(dirname "$0")/.." && pwd -P)
program=${PROGRAM:-$root/artifacts/bin/Distributed.Node/release/Distributed.Node.dll}
prefix=dn$$
work=$(mktemp -d)
pids=()

fail() { echo "netns-cluster: $1" >&2; exit 1; }

finish() {
  local code=$?
  for pid in "${pids[@]:-}"; do [ -n "$pid" ] && kill -9 "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true; done
  for host in learner rollout1 rollout2 scorer; do ip netns del "$prefix-$host" 2>/dev/null || true; done
  ip netns del "$prefix-switch" 2>/dev/null || true
  if [ $code -ne 0 ]; then for log in "$work"/*.log; do echo "== $log"; tail -n 12 "$log"; done >&2; fi
  rm -rf "$work"
  exit $code
}

[ "$(id -u)" = 0 ] || fail "network namespaces need root; run it with sudo"
command -v ip >/dev/null || fail "the command \`ip\` is missing; install iproute2"
[ -f "$program" ] || fail "$program is missing; build first: ./distributed --version"
error=$(ip netns add "$prefix-switch" 2>&1) || fail "cannot make a network namespace here ($error); the kernel or the container forbids it"
trap finish EXIT

# The bridge stands in a namespace of its own, so that nothing of the machine's own network is touched.
ip -n "$prefix-switch" link add bridge type bridge
ip -n "$prefix-switch" link set bridge up
number=0
for host in learner rollout1 rollout2 scorer; do
  number=$((number + 1))
  ip netns add "$prefix-$host"
  ip link add "v$number-$$" netns "$prefix-$host" type veth peer name "$host" netns "$prefix-switch"
  ip -n "$prefix-switch" link set "$host" master bridge up
  ip -n "$prefix-$host" addr add "10.99.0.$number/24" dev "v$number-$$"
  ip -n "$prefix-$host" link set "v$number-$$" up
  ip -n "$prefix-$host" link set lo up
done

export DISTRIBUTED_SECRET DISTRIBUTED_HOME=$root
DISTRIBUTED_SECRET=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
cat > "$work/tiny.yaml" <<YAML
steps: 8
prompts_per_step: 4
group_size: 4
model: $root/recipes/warm-start/search-qa
algorithm: {name: a2tgpo, ig_std_floor: 0.1}
environment: {name: search-world, level: 1, reward_malformed: 0, reward_turns_exhausted: 0, reward_truncated: 0}
optimizer: {lr: 1e-3, warmup_steps: 0, max_grad_norm: 0}
evaluation: {every_steps: 0, questions: 4, untrained: false}
checkpoint: {every_steps: 1, keep: 2}
report: {groups_per_step: 1}
cluster: {learner_threads: 1, rollout_threads: 1, scorer_threads: 1, rollout_nodes: 2, scorer_nodes: 1, fabric: $fabric}
YAML

on() { # HOST ARGUMENT...: a node on a host
  local host=$1; shift
  local address; address=$(ip -n "$prefix-$host" -4 -o addr show scope global | sed 's/.*inet \([0-9.]*\).*/\1/')
  [ "$fabric" = akka ] && set -- "$@" --cluster-host "$address" --environment compose
  ip netns exec "$prefix-$host" dotnet "$program" node --fabric "$fabric" --name "$host" --listen "http://$address:7400" "$@" > "$work/$host.log" 2>&1 &
  pids+=($!)
}

cut_link() { echo "cut $1"; ip -n "$prefix-switch" link set "$1" down; }
heal_link() { echo "heal $1"; ip -n "$prefix-switch" link set "$1" up; }
steps() { if [ -f "$work/run/ledger.jsonl" ]; then wc -l < "$work/run/ledger.jsonl"; else echo 0; fi; }
until_step() { # STEP: waits at most two minutes
  for _ in $(seq 240); do [ "$(steps)" -ge "$1" ] && return; kill -0 "${pids[0]}" 2>/dev/null || fail "the learner ended at step $(steps)"; sleep 0.5; done
  fail "step $1 is not done within two minutes"
}

on learner --role learner --run "$work/run" "$work/tiny.yaml"
learner=${pids[0]}
on rollout1 --role rollout --join http://10.99.0.1:7400
on rollout2 --role rollout --join http://10.99.0.1:7400
on scorer --role scorer --join http://10.99.0.1:7400
until_step 2; cut_link rollout1
until_step 3; heal_link rollout1; cut_link scorer
sleep 3; heal_link scorer
until_step 5; cut_link rollout2
sleep 2; heal_link rollout2
for _ in $(seq 240); do kill -0 "$learner" 2>/dev/null || break; sleep 0.5; done
wait "$learner" || fail "the learner ended with code $?"
weights=$(sed -n 's/.*final weights: sha256 //p' "$work/learner.log")
dotnet "$program" inspect "$work/run" --ledger || fail "the books do not balance"
dotnet "$program" train "$work/tiny.yaml" --set cluster.fabric=local --out "$work/alone" > "$work/alone.log" 2>&1
[ -n "$weights" ] && [ "$weights" = "$(sed -n 's/.*final weights: sha256 //p' "$work/alone.log")" ] || fail "the weights differ from those of a run on one host"
echo "4 hosts, 3 cut links, fabric $fabric: the run ended with the weights of a run on one host ($weights)"
