#!/bin/sh
# Connects what the boot tables name. The initqueue runs it again and again while the root file
# system is not there, until everything is connected; what it says is shown when it is new.

if said=$(@PREFIX@/bin/nvmf connect-all --nbft --quiet 2>&1); then
    said="what the boot tables name is connected"
    # shellcheck disable=SC2154 # dracut sets hookdir
    rm -f "$hookdir/initqueue/settled/nvmf-boot.sh"
fi
if [ ! -e /run/nvmf-boot.tried ] || [ "$said" != "$(cat /run/nvmf-boot.tried)" ]; then
    echo "$said" > /run/nvmf-boot.tried
    echo "$said" | while read -r line; do
        echo "nvmf-boot: $line" > /dev/kmsg
    done
fi
