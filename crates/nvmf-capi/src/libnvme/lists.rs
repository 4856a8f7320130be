//! Exclusion lists, as libnvme's functions see them.

use std::hash::{DefaultHasher, Hash, Hasher};

use nvmf::Root;
use nvmf::exclusions::{self, List, ListError, ListErrorKind, ListName, Version};
use nvmf_types::exclusion::{Document, Entry, InvalidEntry, Rule};

use crate::failure::Failure;
use crate::text::Text;

/// The list that is meant; NULL or the empty text: the default one.
pub(super) fn named(root: &Root, name: Text<'_>) -> Result<List, Failure> {
    let name = match name.optional("name")? {
        None | Some("") => None,
        Some(_) => Some(name.parsed::<ListName>("name")?),
    };
    Ok(exclusions::find(root, name.as_ref()))
}

/// The entries of a list as written, those that exclude nothing included.
pub(super) fn entries(list: &List) -> Result<Vec<String>, Failure> {
    let (document, _) = exclusions::read(list)?;
    let entries = document.entries().iter().filter(|entry| is_entry(entry));
    Ok(entries.map(|entry| entry.text.clone()).collect())
}

/// Adds an entry.
pub(super) fn add(root: &Root, list: &List, rule: &Rule) -> Result<(), Failure> {
    let change = |document: &mut Document| document.add(rule, None).map_err(Failure::invalid);
    exclusions::edit(root, list, change)?;
    Ok(())
}

/// Removes the entry that is written so, else one that says the same.
pub(super) fn remove(root: &Root, list: &List, text: &str) -> Result<(), Failure> {
    let change = |document: &mut Document| {
        let written = document.entries().iter();
        let written = written.filter(|entry| is_entry(entry));
        let written = written.clone().find(|entry| entry.text == text);
        let same = || document.find(text.parse::<Rule>().as_ref().ok()?).next();
        let line = written.or_else(same).map(|entry| entry.source.line);
        let line = line.ok_or_else(|| no_such(list, text))?;
        document.remove(line).map_err(Failure::invalid)
    };
    exclusions::edit(root, list, change)?;
    Ok(())
}

/// A list's text and a number for it; a list that is not there is empty and has the number 0.
pub(super) fn read(list: &List) -> Result<(String, u64), Failure> {
    let (document, found) = exclusions::read_or_new(list)?;
    let text = match found.is_new() {
        true => String::new(),
        false => document.text().to_owned(),
    };
    Ok((text, number(&document, &found)))
}

/// Gives a list a new text, if the old one still has the number `based_on`.
pub(super) fn write(root: &Root, list: &List, text: &str, based_on: u64) -> Result<(), Failure> {
    let (document, found) = exclusions::read_or_new(list)?;
    if number(&document, &found) != based_on {
        let (operation, path) = ("change", list.path.clone());
        let kind = ListErrorKind::Changed;
        return Err(ListError {
            operation,
            path,
            kind,
        }
        .into());
    }
    let next = Document::parse(&list.path.display().to_string(), text);
    exclusions::replace(root, list, &found, next)?;
    Ok(())
}

fn is_entry(entry: &Entry) -> bool {
    entry.kind != Err(InvalidEntry::NotAnEntry)
}

/// A number that stands for what was found: 0 is nothing.
fn number(document: &Document, found: &Version) -> u64 {
    if found.is_new() {
        return 0;
    }
    let mut hasher = DefaultHasher::new();
    document.text().hash(&mut hasher);
    hasher.finish().max(1)
}

fn no_such(list: &List, text: &str) -> Failure {
    let (path, text) = (list.path.display(), text.escape_debug());
    Failure::new(libc::ENOENT, format!("`{path}` has no entry `{text}`"))
}
