//! All entries of all files.

use std::collections::BTreeMap;

use crate::{ControllerClass, TransportId};

use super::{Entry, Rule};

/// All entries of all files, valid or not, ready for questions. Entries with an `nqn` are indexed
/// by it, so many of them cost little.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExclusionSet {
    entries: Vec<Entry>,
    /// Positions of the valid entries that name a subsystem.
    by_nqn: BTreeMap<String, Vec<usize>>,
    /// Positions of the other valid entries.
    any_nqn: Vec<usize>,
}

impl ExclusionSet {
    /// A set of these entries; of several that match, the first one is named.
    #[must_use]
    pub fn new(entries: impl IntoIterator<Item = Entry>) -> Self {
        let mut set = Self {
            entries: entries.into_iter().collect(),
            ..Self::default()
        };
        for (index, entry) in set.entries.iter().enumerate() {
            let Ok(rule) = &entry.kind else { continue };
            match rule.field("nqn") {
                Some(nqn) => set.by_nqn.entry(nqn.to_owned()).or_default().push(index),
                None => set.any_nqn.push(index),
            }
        }
        set
    }

    /// The first entry that excludes connecting `tid`, a controller of `class`; see
    /// [`Rule::matches`].
    #[must_use]
    pub fn matches(&self, tid: &TransportId, class: ControllerClass) -> Option<&Entry> {
        let named = self.by_nqn.get(tid.nqn.as_str());
        let first = |candidates: &[usize]| {
            let mut hits = candidates.iter().copied();
            hits.find(|index| self.rule(*index).is_some_and(|r| r.matches(tid, class)))
        };
        let hits = [named.and_then(|c| first(c)), first(&self.any_nqn)];
        self.entries.get(hits.into_iter().flatten().min()?)
    }

    /// The entries that exclude nothing because they cannot be understood.
    pub fn invalid(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.kind.is_err())
    }

    /// All entries, valid or not.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Whether nothing can be excluded: no valid entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_nqn.is_empty() && self.any_nqn.is_empty()
    }

    fn rule(&self, index: usize) -> Option<&Rule> {
        self.entries.get(index)?.kind.as_ref().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exclusion::Exclusions;

    #[test]
    fn names_the_first_entry_that_matches() {
        let text = "[exclusions]\nexclusion = oops\nexclusion = nqn=nqn.2014-08.org.example:a;transport=rdma\nexclusion = transport=tcp\nexclusion = nqn=nqn.2014-08.org.example:a\n";
        let set = ExclusionSet::new(Exclusions::parse("x.conf", text));
        let line = |tid: &str| {
            set.matches(&tid.parse().unwrap(), ControllerClass::Io)
                .map(|e| e.source.line)
        };
        let tcp = "transport=tcp;traddr=::1;nqn=nqn.2014-08.org.example:a";
        assert_eq!(line(tcp), Some(4));
        assert_eq!(line(&tcp.replace("tcp", "rdma")), Some(3));
        assert_eq!(
            line("transport=loop;nqn=nqn.2014-08.org.example:a"),
            Some(5)
        );
        assert_eq!(line("transport=loop;nqn=nqn.2014-08.org.example:b"), None);
        assert_eq!((set.entries().len(), set.invalid().count()), (4, 1));
        assert!(!set.is_empty());
    }

    #[test]
    fn a_set_of_typos_is_empty() {
        let set = ExclusionSet::new(Exclusions::parse("x", "[exclusions]\nexclusion = tcp\n"));
        assert!(set.is_empty() && ExclusionSet::default().is_empty());
        let tid = "transport=loop;nqn=nqn.2014-08.org.example:a"
            .parse()
            .unwrap();
        assert_eq!(set.matches(&tid, ControllerClass::Io), None);
    }
}
