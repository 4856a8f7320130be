//! libnvmf: what an orchestrator in C needs to live beside others on a host.
//!
//! Two faces of one library. `nvmf.h` is our own: ownership registry with claims and a watch,
//! exclusions, transport ids. `libnvme.h` and `nvme/*.h` have the names and signatures of libnvme
//! 3's registry, exclusion and transport id functions, for programs that were written for those.
//!
//! What holds for every function:
//!
//! - No panic leaves it: it would come out as `-ENOTRECOVERABLE`, or as what stands for failure.
//! - A null pointer or bytes that are not UTF-8 are `-EINVAL`, or whatever the function says of
//!   them, never a crash.
//! - Errors are negative errno values.
//! - Every function may be called from any thread. Only an object that is being freed, or changed
//!   through a pointer that is not const, must not be used by another thread at the same time.
//! - Strings that are handed out are the caller's, who gives them back with `free()`; only the
//!   getters that return `const char *` keep theirs.
//! - Callbacks are called when all has been read and no lock is held: they may call the library.
//!
//! The arguments' types say what each is: a reference is an object of the library or null, and
//! [`Text`](text::Text) a C string or null. So the functions themselves need nothing unsafe;
//! what they ask of C is what C always promises.

pub mod disconnect;
pub mod exclusion;
pub mod failure;
pub mod host;
pub mod libnvme;
pub mod registry;
pub mod text;
pub mod tid;
pub mod watch;

#[cfg(panic = "abort")]
compile_error!("libnvmf turns panics into errors: build it with panics that unwind");
