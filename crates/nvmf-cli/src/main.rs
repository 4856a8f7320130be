//! nvmf: the command line of an NVMe over Fabrics host
fn main() {}
