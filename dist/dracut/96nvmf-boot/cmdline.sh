#!/bin/sh
# Has the initqueue connect what the boot tables name. rd.nvmf.nonbft and rd.nonvmf prevent it, as
# with dracut's own module.

nvmf_boot_wanted() {
    getargbool 0 rd.nonvmf && return 1
    getargbool 0 rd.nvmf.nonbft && return 1
    for _table in /sys/firmware/acpi/tables/NBFT*; do
        [ -e "$_table" ] && return 0
    done
    return 1
}

if nvmf_boot_wanted; then
    # who said how the network is set up wants it to be
    if getarg ip= > /dev/null; then
        echo rd.neednet=1 > /etc/cmdline.d/96-nvmf-boot.conf
    fi
    /sbin/initqueue --settled --unique --name nvmf-boot /sbin/nvmf-boot
    # at least once, also where the root file system is somewhere else
    # shellcheck disable=SC2154 # dracut sets hookdir
    echo '[ -e /run/nvmf-boot.tried ]' > "$hookdir/initqueue/finished/96-nvmf-boot.sh"
fi
