#!/usr/bin/env bash
# What the end-to-end run needs around a kind cluster, on a machine with docker that is thrown away afterwards:
#   kind.sh before    the network, a registry and a Git remote on its gateway, where nodes and this machine see them
#   kind.sh after     nodes that trust the registry, and Argo CD
set -euo pipefail
cd "$(dirname "$0")/../.."

gateway=172.30.0.1
registry="$gateway:5000"
argocd=v3.6.1

before() {
    local place=${RUNNER_TEMP:-/tmp}/e2e
    docker network create kind --subnet 172.30.0.0/16 --gateway "$gateway" >/dev/null
    mkdir -p "$place/images"
    git init -q --bare "$place/e2e.git"
    git daemon --detach --listen="$gateway" --base-path="$place" --export-all --enable=receive-pack
    nohup var/tools/bin/crane registry serve --address "$registry" --disk "$place/images" >"$place/registry.log" 2>&1 &
    git ls-remote "git://$gateway/e2e.git"
}

after() {
    local node folder=/etc/containerd/certs.d/$registry
    for node in $(kind get nodes --name "${1:-e2e}"); do
        docker exec "$node" mkdir -p "$folder"
        docker exec -i "$node" cp /dev/stdin "$folder/hosts.toml" <<<"[host.\"http://$registry\"]"
    done
    kubectl create namespace argocd
    kubectl apply -n argocd --server-side -f \
        "https://raw.githubusercontent.com/argoproj/argo-cd/$argocd/manifests/install.yaml"
    kubectl apply -n argocd --server-side --force-conflicts -f deploy/argocd/settings.yaml
    kubectl -n argocd rollout restart statefulset argocd-application-controller
    kubectl -n argocd rollout status statefulset argocd-application-controller --timeout=300s
    kubectl -n argocd wait --for=condition=Available deployment --all --timeout=300s
}

case "${1:-}" in
    before) before ;;
    after) after "${2:-}" ;;
    *) echo "kind.sh before | after [CLUSTER]" >&2; exit 2 ;;
esac
