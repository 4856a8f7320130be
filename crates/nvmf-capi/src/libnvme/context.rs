//! The context that libnvme's functions take.

#![expect(
    unsafe_code,
    reason = "the functions have names that C can link against"
)]

use std::ffi::c_int;
use std::fs;
use std::os::fd::RawFd;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use nvmf::Root;
use nvmf_types::{DeviceName, Owner};

use crate::failure::{Failure, errno, or_else};
use crate::text::{self, Stream, Text, given};

/// What libnvme's functions work on: this host, or a test folder.
#[derive(Debug)]
pub struct GlobalContext(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    base: Option<PathBuf>,
    sysfs: Option<PathBuf>,
    owner: Option<Owner>,
    log: Log,
    /// Where complaints about input go; `None`: to standard error.
    stream: Option<RawFd>,
}

/// Which complaints about input are made.
#[derive(Clone, Copy, Debug)]
struct Log {
    level: c_int,
    pid: bool,
    timestamp: bool,
}

/// LIBNVME_LOG_WARN: errors and warnings.
const WARN: c_int = 1;

impl Default for Log {
    fn default() -> Self {
        Self {
            level: WARN,
            pid: false,
            timestamp: false,
        }
    }
}

/// A new context: this host, warnings to standard error. NULL: out of memory.
#[unsafe(no_mangle)]
pub extern "C" fn libnvme_create_global_ctx() -> Option<Box<GlobalContext>> {
    or_else(None, || Ok(Some(Box::new(GlobalContext(Mutex::default())))))
}

/// Frees a context. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn libnvme_free_global_ctx(ctx: Option<Box<GlobalContext>>) {
    drop(ctx);
}

/// Notes who connects. It is checked, and has no effect here: nothing in this library connects.
///
/// 0; -EINVAL: `ctx` or `owner` is NULL, or it is no owner.
#[unsafe(no_mangle)]
pub extern "C" fn libnvme_set_owner(ctx: Option<&GlobalContext>, owner: Text<'_>) -> c_int {
    errno(|| {
        given(ctx, "ctx")?.inner().owner = Some(owner.parsed("owner")?);
        Ok(0)
    })
}

/// Puts the exclusion lists and the registry into the folder `path` below /tmp, for tests; NULL:
/// where they belong. There is no kernel in that folder: whatever controller an entry is made for
/// with `libnvmf_registry_update` is taken to exist, unless `libnvme_set_test_sysfs_dir` names a
/// sysfs.
///
/// 0; -EINVAL: `ctx` is NULL, or `path` is not below /tmp or has a component "..".
#[unsafe(no_mangle)]
pub extern "C" fn libnvme_set_test_base_dir(ctx: Option<&GlobalContext>, path: Text<'_>) -> c_int {
    errno(|| {
        let ctx = given(ctx, "ctx")?;
        let base = path.optional("path")?;
        if let Some(base) = base {
            let below = base.strip_prefix("/tmp/").unwrap_or_default();
            if below.is_empty() || below.split('/').any(|part| part == "..") {
                let shown = base.escape_debug();
                return Err(Failure::invalid(format!(
                    "`{shown}` is no test folder: expected one below /tmp, without `..`"
                )));
            }
        }
        ctx.inner().base = base.map(PathBuf::from);
        Ok(0)
    })
}

/// Reads controllers from the folder `path` instead of /sys, for tests; NULL: from where they are.
///
/// 0; -EINVAL: `ctx` is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn libnvme_set_test_sysfs_dir(ctx: Option<&GlobalContext>, path: Text<'_>) -> c_int {
    errno(|| {
        let ctx = given(ctx, "ctx")?;
        ctx.inner().sysfs = path.optional("path")?.map(PathBuf::from);
        Ok(0)
    })
}

/// Sets what is logged: 0 errors, 1 warnings too (the default), 2 and more the same.
#[unsafe(no_mangle)]
pub extern "C" fn libnvme_set_logging_level(
    ctx: Option<&GlobalContext>,
    log_level: c_int,
    log_pid: bool,
    log_tstamp: bool,
) {
    or_else((), || {
        given(ctx, "ctx")?.inner().log = Log {
            level: log_level,
            pid: log_pid,
            timestamp: log_tstamp,
        };
        Ok(())
    });
}

/// What is logged, and the two settings beside it where the pointers are not NULL.
#[unsafe(no_mangle)]
pub extern "C" fn libnvme_get_logging_level(
    ctx: Option<&GlobalContext>,
    log_pid: Option<&mut std::mem::MaybeUninit<bool>>,
    log_tstamp: Option<&mut std::mem::MaybeUninit<bool>>,
) -> c_int {
    let log = or_else(Log::default(), || Ok(given(ctx, "ctx")?.inner().log));
    if let Some(pid) = log_pid {
        pid.write(log.pid);
    }
    if let Some(timestamp) = log_tstamp {
        timestamp.write(log.timestamp);
    }
    log.level
}

/// Where it is logged; NULL: standard error. The stream stays the caller's, and open as long as it
/// is used here.
#[unsafe(no_mangle)]
pub extern "C" fn libnvme_set_logging_file(ctx: Option<&GlobalContext>, fp: Stream) {
    or_else((), || {
        given(ctx, "ctx")?.inner().stream = fp.descriptor();
        Ok(())
    });
}

impl GlobalContext {
    /// Where the files are.
    pub(super) fn root(&self) -> Root {
        let inner = self.inner();
        let root = match &inner.base {
            Some(base) => Root::flat(base),
            None => Root::system(),
        };
        root.with_sysfs(inner.sysfs.clone())
    }

    /// Complains about input, if it is to be heard.
    pub(super) fn warn(&self, message: &str) {
        let inner = self.inner();
        if inner.log.level >= WARN {
            text::log(inner.stream.unwrap_or(libc::STDERR_FILENO), message);
        }
    }

    /// Makes a controller up, in a test folder that has no kernel.
    pub(super) fn pretend(&self, device: &DeviceName) {
        if let Some(folder) = self.pretended(device)
            && fs::create_dir_all(&folder).is_ok()
            && !folder.join("transport").exists()
        {
            // What fails here fails once more, and is reported, when the entry is made.
            let _ = fs::write(folder.join("transport"), "tcp\n");
        }
    }

    /// Takes back what was made up.
    pub(super) fn forget(&self, device: &DeviceName) {
        if let Some(folder) = self.pretended(device) {
            let _ = fs::remove_file(folder.join("transport"));
            // up to `sys`, as long as nothing else is there
            for folder in folder.ancestors().take(4) {
                if fs::remove_dir(folder).is_err() {
                    break;
                }
            }
        }
    }

    fn pretended(&self, device: &DeviceName) -> Option<PathBuf> {
        let inner = self.inner();
        let base = inner.base.as_ref().filter(|_| inner.sysfs.is_none())?;
        Some(base.join("sys/class/nvme").join(device.as_str()))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
