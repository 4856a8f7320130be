//! The machine itself: does it hold what the other tests take for granted?

use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn guest_is_ready() {
    assert!(is_root(), "tests run as root");
    assert!(Path::new("/sys/kernel/config").is_dir());
    let modules = [
        "nvme-tcp",
        "nvmet-tcp",
        "nvme-loop",
        "nvme-fcloop",
        "nvmet-rdma",
        "nvme-rdma",
    ];
    for module in modules
        .into_iter()
        .chain(["rdma_rxe", "null_blk", "nvme-fc"])
    {
        let found = Command::new("modinfo")
            .args(["-n", module])
            .output()
            .unwrap();
        assert!(found.status.success(), "no kernel module {module}");
    }
    for program in ["nvme", "nft", "mkfs.ext4", "udevadm", "busctl", "rdma"] {
        let found = Command::new("sh")
            .args(["-c", &format!("command -v {program}")])
            .output();
        assert!(found.unwrap().status.success(), "no program {program}");
    }
    let share = std::env::var("NVMF_VM_SHARE").expect("NVMF_VM_SHARE");
    assert!(Path::new(&share).join("stage").is_dir());
    assert_eq!(std::env::var("NVMF_VM_STAGE").as_deref(), Ok("0"));
}

/// Whether this process is root, without a system call of our own.
fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").expect("procfs is mounted");
    status.lines().any(|line| line.starts_with("Uid:\t0\t0"))
}
