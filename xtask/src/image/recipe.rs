//! What the guest is made of. All of it is hashed into the image's key: a change here is a new image.

/// Changed by hand when the code that builds the image changes what it builds.
pub(crate) const VERSION: &str = "1";

/// The Debian release.
pub(crate) const SUITE: &str = "trixie";

/// The packages of the guest, besides what every Debian has.
pub(crate) const PACKAGES: &[&str] = &[
    "avahi-daemon",
    "busybox-static",
    "dbus",
    "dmsetup",
    "dracut-core",
    "dracut-network",
    "e2fsprogs",
    "initramfs-tools-core",
    "iproute2",
    "kmod",
    "linux-image-amd64",
    "nftables",
    "nvme-cli",
    "nvme-stas",
    "procps",
    "systemd",
    "systemd-sysv",
    "udev",
];

/// What dpkg need not unpack.
pub(crate) const DPKG_OPTIONS: &[&str] = &[
    "path-exclude=/usr/share/doc/*",
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/locale/*",
];

/// Size of the root file system; the file is sparse.
pub(crate) const DISK_SIZE: &str = "3G";

/// Kernel modules that the initramfs loads, with all they depend on, in this order.
pub(crate) const EARLY_MODULES: &[&str] =
    &["crc32c_generic", "virtio_blk", "ext4", "9pnet_virtio", "9p"];

/// Folders below `/lib/modules/VERSION/kernel` that no test machine needs. What is not there is
/// not loaded by udev either, and that is a good part of a short boot.
pub(crate) const DROPPED_MODULES: &[&str] = &[
    "arch/x86/kvm",
    "net/mac80211",
    "net/rfkill",
    "net/wireless",
    "sound",
    "drivers/accel",
    "drivers/ata",
    "drivers/bluetooth",
    "drivers/comedi",
    "drivers/cpufreq",
    "drivers/edac",
    "drivers/firewire",
    "drivers/gpu",
    "drivers/hid",
    "drivers/hwmon",
    "drivers/i2c",
    "drivers/iio",
    "drivers/input",
    "drivers/isdn",
    "drivers/leds",
    "drivers/media",
    "drivers/memstick",
    "drivers/mfd",
    "drivers/mmc",
    "drivers/mtd",
    "drivers/net/arcnet",
    "drivers/net/can",
    "drivers/net/ethernet",
    "drivers/net/fddi",
    "drivers/net/hamradio",
    "drivers/net/usb",
    "drivers/net/wan",
    "drivers/net/wireless",
    "drivers/net/wwan",
    "drivers/parport",
    "drivers/platform",
    "drivers/power",
    "drivers/powercap",
    "drivers/staging",
    "drivers/thunderbolt",
    "drivers/usb",
    "drivers/video",
    "drivers/watchdog",
];

/// Units that only cost time in a machine that lives for minutes, and Debian's own automatic
/// NVMe-oF connections, which would get in the way of the tests.
pub(crate) const MASKED_UNITS: &[&str] = &[
    "apt-daily-upgrade.timer",
    "apt-daily.timer",
    "dev-hugepages.mount",
    "dev-mqueue.mount",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "getty-static.service",
    "getty@tty1.service",
    "ldconfig.service",
    "logrotate.timer",
    "man-db.timer",
    "modprobe@drm.service",
    "modprobe@efi_pstore.service",
    "modprobe@fuse.service",
    "nvmefc-boot-connections.service",
    "nvmf-autoconnect.service",
    "nvmf-connect-nbft.service",
    "proc-sys-fs-binfmt_misc.automount",
    "serial-getty@hvc0.service",
    "serial-getty@ttyS0.service",
    "sys-fs-fuse-connections.mount",
    "systemd-ask-password-console.path",
    "systemd-ask-password-wall.path",
    "systemd-binfmt.service",
    "systemd-creds.socket",
    "systemd-firstboot.service",
    "systemd-hibernate-clear.service",
    "systemd-hostnamed.socket",
    "systemd-hwdb-update.service",
    "systemd-initctl.socket",
    "systemd-journal-catalog-update.service",
    "systemd-machine-id-commit.service",
    "systemd-network-generator.service",
    "systemd-networkd-persistent-storage.service",
    "systemd-networkd-wait-online.service",
    "systemd-pcrextend.socket",
    "systemd-pcrlock.socket",
    "systemd-pcrmachine.service",
    "systemd-pcrphase-sysinit.service",
    "systemd-pcrphase.service",
    "systemd-pstore.service",
    "systemd-sysext.socket",
    "systemd-sysusers.service",
    "systemd-timesyncd.service",
    "systemd-tmpfiles-clean.timer",
    "systemd-tpm2-setup-early.service",
    "systemd-tpm2-setup.service",
    "systemd-update-done.service",
    "uuidd.socket",
];

/// Generators that have nothing to generate here; each is a process at boot and at daemon-reload.
pub(crate) const MASKED_GENERATORS: &[&str] = &[
    "systemd-getty-generator",
    "systemd-gpt-auto-generator",
    "systemd-hibernate-resume-generator",
    "systemd-rc-local-generator",
    "systemd-ssh-generator",
    "systemd-system-update-generator",
    "systemd-sysv-generator",
    "systemd-tpm2-generator",
];

/// udev rules of neighbours that would connect by themselves.
pub(crate) const MASKED_RULES: &[&str] = &["70-nvmf-autoconnect.rules"];

/// Files of the tree that go.
pub(crate) const REMOVED: &[&str] = &[
    "etc/nvme/discovery.conf",
    "etc/systemd/system/multi-user.target.wants/stacd.service",
    "etc/systemd/system/multi-user.target.wants/stafd.service",
    "usr/lib/systemd/system/multi-user.target.wants/systemd-logind.service",
];

/// Symbolic links of the tree: path and target.
pub(crate) const LINKS: &[(&str, &str)] = &[
    (
        "etc/systemd/system/default.target",
        "/usr/lib/systemd/system/multi-user.target",
    ),
    (
        "etc/systemd/system/multi-user.target.wants/nvmf-agent.service",
        "/etc/systemd/system/nvmf-agent.service",
    ),
    (
        "etc/systemd/system/multi-user.target.wants/systemd-networkd.service",
        "/usr/lib/systemd/system/systemd-networkd.service",
    ),
];

/// Files of the tree: path and content.
pub(crate) const FILES: &[(&str, &str)] = &[
    ("etc/hostname", "nvmf-vm\n"),
    ("etc/hosts", "127.0.0.1 localhost nvmf-vm\n::1 localhost\n"),
    ("etc/fstab", "/dev/vda / ext4 rw,noatime 0 0\n"),
    ("etc/machine-id", "6e766d66766d746573746d616368696e\n"),
    (
        "etc/systemd/system/nvmf-agent.service",
        "[Unit]\n\
         Description=Agent of the nvmf test machine\n\
         RequiresMountsFor=/host\n\
         \n\
         [Service]\n\
         Type=exec\n\
         ExecStart=/host/bin/guest-agent\n\
         Environment=HOME=/root LANG=C.UTF-8\n\
         TimeoutStopSec=5\n\
         TasksMax=infinity\n",
    ),
    (
        "etc/systemd/journald.conf.d/nvmf.conf",
        "[Journal]\nStorage=volatile\nRateLimitBurst=0\n",
    ),
    // A real network service with a link of its own, so that the order at shutdown can be seen.
    (
        "etc/systemd/network/10-nvmf0.netdev",
        "[NetDev]\nName=nvmf0\nKind=dummy\n",
    ),
    (
        "etc/systemd/network/10-nvmf0.network",
        "[Match]\nName=nvmf0\n\n[Network]\nAddress=192.0.2.1/24\nAddress=2001:db8::1/64\n\
         ConfigureWithoutCarrier=yes\n",
    ),
];

/// What the initramfs runs: loads `/modules.list`, mounts root and share, starts systemd.
///
/// `/host/install` is laid over the root file system once in the life of a disk, before systemd
/// reads its units. `/host/initramfs`, a script that a test left there, runs once before systemd,
/// still in the initramfs; what it says goes to `/host/initramfs.log`.
pub(crate) const INIT: &str = r#"#!/bin/busybox sh
b=/bin/busybox
if [ "$nvmf_probe" = 1 ]; then
    echo nvmf-probe-ok
    $b poweroff -f
fi
$b mount -t devtmpfs none /dev
while read -r module; do
    $b insmod "/modules/$module" || echo "initramfs: cannot load $module"
done </modules.list
if ! $b mount -t ext4 -o rw,noatime /dev/vda /root; then
    echo "initramfs: cannot mount /dev/vda"
    $b poweroff -f
fi
if $b mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=mmap host /root/host; then
    if [ -d /root/host/install ] && [ ! -e /root/var/lib/nvmf-vm-installed ]; then
        $b cp -dRf /root/host/install/. /root/ && : >/root/var/lib/nvmf-vm-installed
    fi
else
    echo "initramfs: cannot mount the share"
fi
if [ -e /root/host/initramfs ]; then
    $b mv /root/host/initramfs /script
    $b sh /script >/root/host/initramfs.log 2>&1
fi
$b mount --move /dev /root/dev
exec $b switch_root /root /sbin/init
"#;
