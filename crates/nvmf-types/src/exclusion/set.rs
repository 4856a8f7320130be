//! All entries of all files.

use crate::{ControllerClass, TransportId};

use super::index::Index;
use super::matching::Fields;
use super::{Entry, Rule};

/// All entries of all files, valid or not, ready for questions. A question costs about the same
/// however many entries there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExclusionSet {
    entries: Vec<Entry>,
    valid: usize,
    index: Index,
}

impl ExclusionSet {
    /// A set of these entries; of several that match, the first one is named.
    #[must_use]
    pub fn new(entries: impl IntoIterator<Item = Entry>) -> Self {
        let entries: Vec<Entry> = entries.into_iter().collect();
        let rules = entries.iter().enumerate();
        let rules = rules.filter_map(|(index, entry)| Some((index, entry.kind.as_ref().ok()?)));
        Self {
            valid: rules.clone().count(),
            index: Index::new(rules),
            entries,
        }
    }

    /// The first entry that excludes connecting `tid`, a controller of `class`; see
    /// [`Rule::matches`].
    #[must_use]
    pub fn matches(&self, tid: &TransportId, class: ControllerClass) -> Option<&Entry> {
        let connection = Fields::of_connection(tid, class);
        let candidates = self.index.candidates(&connection);
        let first = |mut positions| {
            let fit = |position: &usize| self.fits(*position, tid, class);
            Iterator::find(&mut positions, |position| fit(position))
        };
        self.entries.get(candidates.filter_map(first).min()?)
    }

    /// The positions in [`ExclusionSet::entries`] of all entries that exclude connecting `tid`, a
    /// controller of `class`, in their order.
    #[must_use]
    pub fn all_matches(&self, tid: &TransportId, class: ControllerClass) -> Vec<usize> {
        let connection = Fields::of_connection(tid, class);
        let candidates = self.index.candidates(&connection).flatten();
        let mut hits: Vec<usize> = candidates
            .filter(|position| self.fits(*position, tid, class))
            .collect();
        hits.sort_unstable();
        hits
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
    pub const fn is_empty(&self) -> bool {
        self.valid == 0
    }

    fn fits(&self, position: usize, tid: &TransportId, class: ControllerClass) -> bool {
        self.rule(position).is_some_and(|r| r.matches(tid, class))
    }

    fn rule(&self, position: usize) -> Option<&Rule> {
        self.entries.get(position)?.kind.as_ref().ok()
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
