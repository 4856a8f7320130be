#!/bin/bash
# dracut module: connects what the firmware's boot tables (NBFT) name, as owner nbft.
#
# It needs nothing of dracut's own module nvmf and gets along with it. That one, where nvme and jq
# are there, sets up the network as the tables say; otherwise ip= on the kernel's command line does.
# The ownership registry is in /run, which outlives the switch to the system.

check() {
    require_binaries @PREFIX@/bin/nvmf || return 1
    [[ $hostonly ]] || return 0
    local table
    for table in /sys/firmware/acpi/tables/NBFT*; do
        [[ -e $table ]] && return 0
    done
    # only where it is asked for
    return 255
}

depends() {
    echo network
}

installkernel() {
    # whatever this host runs on now: the tables decide at boot
    hostonly='' instmods nvme_fabrics nvme_tcp 8021q
}

install() {
    # The exclusion lists stay behind: they are not to keep a host from its root file system.
    inst_multiple @PREFIX@/bin/nvmf
    inst_rules 70-nvmf-reap.rules
    # shellcheck disable=SC2154 # dracut sets moddir
    inst_script "$moddir/connect.sh" /sbin/nvmf-boot
    inst_hook cmdline 96 "$moddir/cmdline.sh"
}
