#!/bin/sh
# Starts the node that the environment describes:
#   ROLE      learner, rollout or scorer
#   FABRIC    http (the default) or akka
#   RECIPE    recipe of a new run (learner)
#   RUN       run folder below /runs; gone on with if it is there (learner)
#   LEARNER   address of the learner's node, for example http://learner:7400 (rollout, scorer)
#   SEEDS     with akka: HOST:PORT of members to join, parted by blanks
#   ENGINE    managed, torch or auto; the recipe's if left out. DEVICE: cpu, cuda or cuda:N, for torch
#   DISTRIBUTED_SECRET or SECRET_FILE: the cluster's secret
set -eu
fail() { echo "start-node: $1" >&2; exit 1; }
[ -n "${ROLE:-}" ] || fail "ROLE is missing; set it to learner, rollout or scorer"
fabric=${FABRIC:-http}
set -- node --role "$ROLE" --fabric "$fabric" --listen http://0.0.0.0:7400 --name "${NODE_NAME:-$ROLE-$(hostname)}"
[ -z "${ENGINE:-}" ] || set -- "$@" --engine "$ENGINE"
[ -z "${DEVICE:-}" ] || set -- "$@" --device "$DEVICE"
[ -z "${SECRET_FILE:-}" ] || set -- "$@" --secret-file "$SECRET_FILE"
case $ROLE in
  learner) set -- "$@" --run "/runs/${RUN:-run}" "${RECIPE:-recipes/search-qa.yaml}" ;;
  rollout|scorer) set -- "$@" --join "${LEARNER:?LEARNER is missing; set it to the address of the learner, for example http://learner:7400}" --grace "${GRACE:-20}" ;;
  *) fail "ROLE is '$ROLE'; set it to learner, rollout or scorer" ;;
esac
if [ "$fabric" = akka ]; then
  set -- "$@" --environment "${CLUSTER_ENVIRONMENT:-compose}" --cluster-host "${CLUSTER_HOST:-$(hostname)}"
  for seed in ${SEEDS:-}; do set -- "$@" --seed "$seed"; done
fi
cd "$DISTRIBUTED_HOME"
exec dotnet /program/Distributed.Node.dll "$@"
