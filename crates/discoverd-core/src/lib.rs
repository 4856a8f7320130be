//! The decisions of nvme-discoverd: events in, actions out. Pure.
