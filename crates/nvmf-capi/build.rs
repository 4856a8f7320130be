//! Gives the shared library its name for the linker.

fn main() {
    // The number grows when a program that was built against the old one would no longer run.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libnvmf.so.1");
    println!("cargo::rerun-if-changed=build.rs");
}
