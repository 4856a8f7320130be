//! Which packages there are, and what is in which.

/// One package.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: &'static str,
    pub(crate) section: &'static str,
    /// One line.
    pub(crate) summary: &'static str,
    /// Further lines, a dot for an empty one.
    pub(crate) description: &'static str,
    /// What is in it, as beginnings of paths: the longest of all packages decides. Where nothing
    /// is laid out there is no package. [`MULTIARCH`] stands for the architecture's folder.
    pub(crate) files: &'static [&'static str],
    /// Fields of its control file, relations besides those that the programs need among them:
    /// `@VERSION@` is this version.
    pub(crate) relations: &'static [(&'static str, &'static str)],
    /// Whether shared libraries are in it, which the dynamic linker is to know.
    pub(crate) libraries: bool,
}

/// All of them; the first one has what belongs to none in particular.
pub(crate) const PACKAGES: &[Package] = &[
    Package {
        name: "nvmf",
        section: "admin",
        summary: "command line of an NVMe over Fabrics host",
        description: "Connects and disconnects NVMe over Fabrics controllers, and shows what is\n\
            connected, whose it is, and why something is not. Keeps the registry of\n\
            who owns which controller, and the lists of what must not be connected,\n\
            on the formats of nvme-cli 3.0.",
        files: &[
            "etc/nvme/nvme-fabrics.conf",
            "usr/bin/nvmf",
            "usr/lib/dracut/",
            "usr/lib/udev/",
            "usr/share/bash-completion/",
            "usr/share/doc/nvmf/",
            "usr/share/fish/",
            "usr/share/initramfs-tools/",
            "usr/share/man/",
            "usr/share/zsh/",
        ],
        relations: &[("Suggests", "nvme-discoverd, nvme-cli")],
        libraries: false,
    },
    Package {
        name: "nvme-discoverd",
        section: "admin",
        summary: "keeps NVMe over Fabrics controllers connected",
        description: "Makes the controllers that are desired (by configuration, boot tables, Fibre\n\
            Channel, mDNS, and what discovery controllers name) and those that are\n\
            connected agree, connects again what is lost, and leaves alone what others\n\
            own. Installed, it is not enabled: systemctl enable --now nvme-discoverd.",
        files: &[
            "etc/nvme/nvme-discoverd.conf",
            "usr/lib/systemd/",
            "usr/libexec/nvmf/",
            "usr/sbin/nvme-discoverd",
            "usr/share/dbus-1/",
            "usr/share/doc/nvmf/examples/nvme-discoverd.conf",
            "usr/share/man/man5/nvme-discoverd.conf.5",
            "usr/share/man/man8/nvme-discoverd.8",
        ],
        relations: &[
            ("Depends", "nvmf (= @VERSION@)"),
            ("Depends", "default-dbus-system-bus | dbus-system-bus"),
            ("Suggests", "avahi-daemon"),
        ],
        libraries: false,
    },
    Package {
        name: "libnvmf1",
        section: "libs",
        summary: "NVMe over Fabrics host library",
        description: "Registry of who owns which controller, exclusion lists and transport ids,\n\
            for orchestrators that are written in C.",
        files: &["usr/lib/@MULTIARCH@/libnvmf.so.1"],
        relations: &[("Multi-Arch", "same")],
        libraries: true,
    },
    Package {
        name: "libnvmf-dev",
        section: "libdevel",
        summary: "NVMe over Fabrics host library, for development",
        description: "Header, pkg-config file and static library of libnvmf.",
        files: &[
            "usr/include/",
            "usr/lib/@MULTIARCH@/libnvmf.a",
            "usr/lib/@MULTIARCH@/libnvmf.so",
            "usr/lib/@MULTIARCH@/pkgconfig/",
        ],
        relations: &[
            ("Multi-Arch", "same"),
            ("Depends", "libnvmf1 (= @VERSION@)"),
        ],
        libraries: false,
    },
    Package {
        name: "python3-nvmf",
        section: "python",
        summary: "NVMe over Fabrics host library, for Python",
        description: "Registry of who owns which controller, exclusion lists and transport ids,\n\
            for orchestrators that are written in Python.",
        files: &["usr/lib/python3/"],
        relations: &[("Depends", "python3 (>= 3.9)")],
        libraries: false,
    },
];

/// The architecture's folder below `/usr/lib`, in [`Package::files`].
pub(crate) const MULTIARCH: &str = "@MULTIARCH@";

/// What is laid out and is in no package, and why.
pub(crate) const LEFT_OUT: &[&str] = &[
    // written by commands, so it is no file that dpkg asks about; the sample is an example
    "etc/nvme/exclusions.conf",
    // Debian has the licences in one place
    "usr/share/doc/nvmf/LICENSE-APACHE",
    "usr/share/doc/nvmf/LICENSE-MIT",
];

/// Places that Debian has elsewhere: beginnings of paths.
pub(crate) const ELSEWHERE: &[(&str, &str)] = &[(
    "usr/share/zsh/site-functions/",
    "usr/share/zsh/vendor-completions/",
)];

/// The package that a path is in, by the longest beginning.
pub(crate) fn of_path(path: &str) -> Option<&'static Package> {
    let matching = |package: &'static Package| {
        let files = package.files.iter();
        let longest = files
            .filter(|begin| path.starts_with(**begin))
            .map(|it| it.len());
        longest.max().map(|length| (length, package))
    };
    let found = PACKAGES.iter().filter_map(matching);
    found
        .max_by_key(|(length, _)| *length)
        .map(|(_, package)| package)
}
