//! The life of one connection.
