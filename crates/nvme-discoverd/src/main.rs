//! Keeps the desired and the connected NVMe over Fabrics controllers of a host in agreement
fn main() {}
