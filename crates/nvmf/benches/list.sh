#!/bin/bash
# Times `nvmf registry list` against `ls -lR` on one tree, in turns.
#
#     sudo crates/nvmf/benches/list.sh target/release/nvmf [ENTRIES] [ROUNDS]
#
# In a mount namespace of its own, with /run and /sys/class in memory: nothing of the host is
# read or changed.
set -eu
if [ -z "${NVMF_BENCH_INSIDE:-}" ]; then
    NVMF_BENCH_INSIDE=1 exec unshare -m "$0" "$@"
fi
nvmf=$(realpath "$1") entries=${2:-1000} rounds=${3:-201}
mount -t tmpfs bench /run
mount -t tmpfs bench /sys/class
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
mkdir -p /run/nvme/registry /sys/class/nvme
for ((n = 0; n < entries; n++)); do
    mkdir "/sys/class/nvme/nvme$n" "/run/nvme/registry/nvme$n"
    cd "/run/nvme/registry/nvme$n"
    echo discoverd >owner
    echo 4711 >seqnum
    stat -c %i "/sys/class/nvme/nvme$n" >sysfs-ino
done
cd /
[ "$("$nvmf" registry list | grep -c '^nvme')" = "$entries" ]

# Microseconds that a command takes.
took() {
    local begin=$EPOCHREALTIME
    "$@" >/dev/null
    local end=$EPOCHREALTIME
    echo $((${end/./} - ${begin/./}))
}
for ((n = 0; n < rounds; n++)); do
    took ls -lR /run/nvme/registry >>"$out/ls"
    took "$nvmf" registry list >>"$out/nvmf"
    took "$nvmf" registry list -o json >>"$out/json"
done
median() { sort -n "$out/$1" | sed -n "$((rounds / 2 + 1))p"; }
ls=$(median ls) list=$(median nvmf) json=$(median json)
echo "$entries entries, median of $rounds runs in turns:"
echo "  ls -lR                      $ls us"
echo "  nvmf registry list          $list us ($((list * 100 / ls)) % of ls)"
echo "  nvmf registry list -o json  $json us ($((json * 100 / ls)) % of ls)"
