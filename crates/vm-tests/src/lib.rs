//! Tests that run as root inside the guest, against the real kernel
