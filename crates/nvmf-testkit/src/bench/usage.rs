//! Who used the processors.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::files::names;

/// Hundredths of a second that processes used so far, by their names (proc(5), `stat`).
#[derive(Debug, Default)]
pub(super) struct Usage(BTreeMap<String, u64>);

/// How many are named.
const NAMED: usize = 8;

impl Usage {
    /// Until now. Processes that have ended count for who waited for them.
    pub(super) fn now() -> Self {
        let mut all = Self::default();
        for pid in names(Path::new("/proc")) {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let Some((name, ticks)) = parse(&stat) else {
                continue;
            };
            *all.0.entry(name).or_default() += ticks;
        }
        all
    }

    /// Who used most since then.
    pub(super) fn since(&self) -> String {
        let now = Self::now();
        let used = |(name, ticks): (String, u64)| {
            let before = self.0.get(&name).copied().unwrap_or_default();
            (ticks.saturating_sub(before), name)
        };
        let mut all: Vec<(u64, String)> = now.0.into_iter().map(used).collect();
        all.sort_by(|a, b| b.cmp(a));
        let named = all.iter().take(NAMED).filter(|(ticks, _)| *ticks > 0);
        let words: Vec<String> = named
            .map(|(ticks, name)| format!("{name} {ticks}0 ms"))
            .collect();
        words.join(", ")
    }
}

/// The name, and user and system time with that of children that were waited for. Kernel threads are
/// one.
fn parse(stat: &str) -> Option<(String, u64)> {
    let (start, fields) = stat.rsplit_once(") ")?;
    let (_, name) = start.split_once('(')?;
    let fields: Vec<&str> = fields.split(' ').collect();
    // state is field 3 and the first here
    let times = fields.get(11..15)?.iter();
    let ticks = times.filter_map(|it| it.parse::<u64>().ok()).sum();
    let of_kernel = fields.get(1)? == &"2";
    let name = if of_kernel { "kernel threads" } else { name };
    Some((name.to_owned(), ticks))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let stat = "7 (a) b) S 1 7 7 0 -1 0 0 0 0 0 10 20 3 4 20 0 1 0 5 0 0";
        assert_eq!(parse(stat), Some(("a) b".to_owned(), 37)));
        let stat = "7 (kworker/0:1) S 2 7 7 0 -1 0 0 0 0 0 10 20 0 0 20 0 1 0 5 0 0";
        assert_eq!(parse(stat), Some(("kernel threads".to_owned(), 30)));
        assert_eq!(parse("7 (a"), None);
    }
}
