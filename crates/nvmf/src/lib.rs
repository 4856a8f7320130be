//! Primitives of an NVMe over Fabrics host: ownership registry, exclusions, configuration files, sysfs, connect, log pages
