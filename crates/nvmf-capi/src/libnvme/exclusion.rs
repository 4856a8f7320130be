//! `nvme/exclusion.h`

#![expect(
    unsafe_code,
    reason = "the functions have names that C can link against"
)]

use std::ffi::{c_char, c_int, c_void};
use std::mem::MaybeUninit;

use nvmf::Root;
use nvmf::exclusions::{self, Created};
use nvmf_types::ControllerClass;
use nvmf_types::exclusion::Rule;

use super::context::GlobalContext;
use super::lists;
use super::tid::AnyTid;
use crate::failure::{Failure, errno, or_else};
use crate::registry::line;
use crate::text::{Text, given, put};

/// Called with the name of a list, or with an entry.
pub type EachText = Option<extern "C" fn(text: *const c_char, user_data: *mut c_void)>;

/// Whether a connection must not be made: some entry has no field that `tid` lacks or that is
/// another there. The lists are read anew; one that cannot be read excludes nothing.
#[unsafe(no_mangle)]
pub extern "C" fn libnvmf_exclusion_match(
    ctx: Option<&GlobalContext>,
    tid: Option<&AnyTid>,
) -> bool {
    or_else(false, || {
        let (root, tid) = (root(ctx)?, &given(tid, "tid")?.0);
        let class = match tid.is_discovery() {
            true => ControllerClass::Discovery,
            false => ControllerClass::Io,
        };
        let Some(known) = tid.known() else {
            return Ok(false);
        };
        let loaded = exclusions::load(&root);
        let mut rules = loaded.set.entries().iter();
        Ok(rules.any(|entry| {
            let rule = entry.kind.as_ref();
            rule.is_ok_and(|rule| rule.matches_known(&known, class))
        }))
    })
}

/// Whether a text is an entry that excludes something: key=value, all keys known, none empty.
#[unsafe(no_mangle)]
pub extern "C" fn libnvmf_exclusion_entry_valid(
    ctx: Option<&GlobalContext>,
    entry: Text<'_>,
) -> bool {
    or_else(false, || {
        given(ctx, "ctx")?;
        rule(entry).map(|_| true)
    })
}

/// Calls `callback` with the name of every list; that of the default list is empty, and stands for
/// it in all other functions, as NULL does.
///
/// 0, also if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn libnvmf_exclusion_list_for_each(
    ctx: Option<&GlobalContext>,
    callback: EachText,
    user_data: *mut c_void,
) -> c_int {
    errno(|| {
        let (root, callback) = (root(ctx)?, given(callback, "callback")?);
        let (all, _) = exclusions::lists(&root);
        for list in all {
            let name = line(list.label());
            callback(name.as_ptr(), user_data);
        }
        Ok(0)
    })
}

/// Calls `callback` with every entry of a list, as written, those that exclude nothing included.
///
/// 0; -ENOENT: there is no such list.
#[unsafe(no_mangle)]
pub extern "C" fn libnvmf_exclusion_entry_for_each(
    ctx: Option<&GlobalContext>,
    name: Text<'_>,
    callback: EachText,
    user_data: *mut c_void,
) -> c_int {
    errno(|| {
        let (root, callback) = (root(ctx)?, given(callback, "callback")?);
        for entry in lists::entries(&lists::named(&root, name)?)? {
            let entry = line(&entry);
            callback(entry.as_ptr(), user_data);
        }
        Ok(0)
    })
}

/// Makes an empty list.
///
/// 0; -EEXIST: there is one of that name; -EINVAL: it is no name of a list.
#[unsafe(no_mangle)]
pub extern "C" fn libnvmf_exclusion_create(ctx: Option<&GlobalContext>, name: Text<'_>) -> c_int {
    errno(|| {
        let root = root(ctx)?;
        match exclusions::create_list(&root, lists::named(&root, name)?)? {
            Created::Created(_) => Ok(0),
            there @ Created::AlreadyThere(_) => Err(Failure::new(libc::EEXIST, there)),
        }
    })
}

/// Deletes a list with all its entries.
///
/// 0; -ENOENT: there is none of that name; -EINVAL: it is no name of a list.
#[unsafe(no_mangle)]
pub extern "C" fn libnvmf_exclusion_delete(ctx: Option<&GlobalContext>, name: Text<'_>) -> c_int {
    errno(|| {
        let root = root(ctx)?;
        exclusions::delete_list(&root, &lists::named(&root, name)?)?;
        Ok(0)
    })
}

/// Adds an entry, and makes the list where there is none. One that stands there is not added again.
///
/// 0; -EINVAL: the entry would exclude nothing.
#[unsafe(no_mangle)]
pub extern "C" fn libnvmf_exclusion_add(
    ctx: Option<&GlobalContext>,
    name: Text<'_>,
    entry: Text<'_>,
) -> c_int {
    errno(|| {
        let root = root(ctx)?;
        lists::add(&root, &lists::named(&root, name)?, &rule(entry)?)?;
        Ok(0)
    })
}

/// Adds an entry for all controllers of a subsystem.
///
/// 0; -EINVAL: `subsysnqn` is NULL, empty, or cannot be written to a list.
#[unsafe(no_mangle)]
pub extern "C" fn libnvmf_exclusion_add_subsysnqn(
    ctx: Option<&GlobalContext>,
    name: Text<'_>,
    subsysnqn: Text<'_>,
) -> c_int {
    errno(|| {
        let (root, nqn) = (root(ctx)?, subsysnqn.required("subsysnqn")?);
        let rule = Rule::from_fields(|key| (key == "nqn").then_some(nqn));
        let rule = rule.map_err(Failure::invalid)?;
        lists::add(&root, &lists::named(&root, name)?, &rule)?;
        Ok(0)
    })
}

/// Removes an entry: the one that is written so, else one that says the same.
///
/// 0; -ENOENT: there is none.
#[unsafe(no_mangle)]
pub extern "C" fn libnvmf_exclusion_remove(
    ctx: Option<&GlobalContext>,
    name: Text<'_>,
    entry: Text<'_>,
) -> c_int {
    errno(|| {
        let (root, entry) = (root(ctx)?, entry.required("entry")?);
        lists::remove(&root, &lists::named(&root, name)?, entry)?;
        Ok(0)
    })
}

/// The text of a list, for an editor, and a number for `libnvmf_exclusion_write`. A list that is
/// not there is empty and has the number 0.
///
/// 0, and the caller frees `*text`.
#[unsafe(no_mangle)]
pub extern "C" fn libnvmf_exclusion_read(
    ctx: Option<&GlobalContext>,
    name: Text<'_>,
    text: Option<&mut MaybeUninit<*mut c_char>>,
    version: Option<&mut MaybeUninit<u64>>,
) -> c_int {
    errno(|| {
        let root = root(ctx)?;
        let (out, version) = (given(text, "text")?, given(version, "version")?);
        let (text, number) = lists::read(&lists::named(&root, name)?)?;
        put(Some(out), Some(&text))?;
        version.write(number);
        Ok(0)
    })
}

/// Gives a list a new text, whole or not at all.
///
/// 0; -ESTALE: it was changed since `version` was read; -EINVAL: it would have entries that
/// exclude nothing.
#[unsafe(no_mangle)]
pub extern "C" fn libnvmf_exclusion_write(
    ctx: Option<&GlobalContext>,
    name: Text<'_>,
    text: Text<'_>,
    version: u64,
) -> c_int {
    errno(|| {
        let (root, text) = (root(ctx)?, text.required("text")?);
        lists::write(&root, &lists::named(&root, name)?, text, version)?;
        Ok(0)
    })
}

fn root(ctx: Option<&GlobalContext>) -> Result<Root, Failure> {
    Ok(given(ctx, "ctx")?.root())
}

fn rule(entry: Text<'_>) -> Result<Rule, Failure> {
    entry.parsed("entry")
}
