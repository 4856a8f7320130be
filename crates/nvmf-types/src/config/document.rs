//! A configuration file's text that can be added to without losing a byte.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::line::{Line, Says, line_end, lines};
use crate::{ConnectOptions, ControllerClass, HostIdentity, Nqn, Secret};

use super::edits::is_literal;
use super::read::{DC, HOST, SUBSYSTEM};
use super::{Persona, Wish};

/// The text of one configuration file. What stands there stays byte for byte: comments, order, line
/// ends, a byte order mark. It may hold secrets.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Document {
    text: String,
}

/// An endpoint's section.
struct Section<'a> {
    class: ControllerClass,
    /// `nqn`, and whatever else it says of itself but its paths.
    settings: Vec<(&'a str, &'a str)>,
    /// Where another path belongs: behind the last one.
    place: Place,
    has_path: bool,
}

/// The end of a line.
#[derive(Clone, Copy)]
struct Place {
    /// The byte behind it.
    at: usize,
    /// Its number, counted from 1; 0: there is none.
    line: usize,
}

impl Document {
    pub(super) const fn new(text: String) -> Self {
        Self { text }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Who the host is by this file's `[Host]`; `None`: it has none.
    pub(super) fn host(&self) -> Option<HostIdentity> {
        let mut host = None;
        for line in lines(&self.text).filter(|line| line.section == Some(HOST)) {
            let host = host.get_or_insert_with(HostIdentity::default);
            match line.says {
                Says::Setting("hostnqn", value) => host.hostnqn = value.parse().ok(),
                Says::Setting("hostid", value) => host.hostid = value.parse().ok(),
                _ => {}
            }
        }
        host
    }

    /// The line of its `[Host]`.
    pub(super) fn host_line(&self) -> Option<usize> {
        let mut lines = lines(&self.text);
        let host = lines.find(|line| line.section == Some(HOST));
        host.map(|line| line.number)
    }

    /// Adds a path to the section of its subsystem, where the section's own settings hold for it,
    /// or in a section of its own. Returns the number of its line.
    pub(super) fn add(&mut self, wish: &Wish) -> usize {
        let place = self.section_of(wish).map(|section| section.place);
        match place {
            Some(place) => self.insert(place, &[controller(wish)]),
            None => self.append(&[wish]).into_iter().next().unwrap_or_default(),
        }
    }

    /// Adds sections at the end: one for the paths to a subsystem that have the same TLS and
    /// authentication. Returns the number of each path's line.
    pub(super) fn append(&mut self, wishes: &[&Wish]) -> Vec<usize> {
        let mut new = Vec::new();
        let mut places = BTreeMap::new();
        for section in together(wishes) {
            if !new.is_empty() {
                new.push(String::new());
            }
            new.extend(
                section
                    .first()
                    .map(|(_, wish)| head(wish))
                    .unwrap_or_default(),
            );
            for (index, wish) in section {
                new.push(controller(wish));
                places.insert(index, new.len());
            }
        }
        let above = self.insert_apart(&new) - new.len();
        places.into_values().map(|line| above + line).collect()
    }

    /// Adds a `[Host]` section at the end.
    pub(super) fn add_host(&mut self, host: &Persona) {
        let hostnqn = host.identity.hostnqn.as_ref().map(Nqn::to_string);
        let hostid = host.identity.hostid.map(|id| id.to_string());
        let settings = [
            ("hostnqn", hostnqn.as_deref()),
            ("hostid", hostid.as_deref()),
            ("hostsymname", host.hostsymname.as_deref()),
            ("kxchap-secret", host.secret.as_ref().map(Secret::expose)),
        ];
        let settings = settings
            .into_iter()
            .filter_map(|(k, v)| Some(setting(k, v?)));
        let lines: Vec<String> = [format!("[{HOST}]")].into_iter().chain(settings).collect();
        self.insert_apart(&lines);
    }

    /// The first section that a path may be added to.
    fn section_of(&self, wish: &Wish) -> Option<Section<'_>> {
        let mut sections = self.sections().into_iter();
        sections.find(|section| section.takes(wish))
    }

    fn sections(&self) -> Vec<Section<'_>> {
        let mut found: Vec<Section<'_>> = Vec::new();
        let mut inside = false;
        for line in lines(&self.text) {
            if let Says::Section(name) = line.says {
                let section = Section::new(name, &line);
                inside = section.is_some();
                found.extend(section);
            } else if let (true, Some(section)) = (inside, found.last_mut()) {
                section.read(&line);
            }
        }
        found
    }

    /// Inserts lines at the end, with a blank line above them.
    fn insert_apart(&mut self, new: &[String]) -> usize {
        let last = lines(&self.text).last();
        let blank = last.as_ref().is_none_or(|line| {
            let text = self.text.get(line.bytes.clone());
            text.is_some_and(|text| text.trim().is_empty())
        });
        let place = Place {
            at: self.text.len(),
            line: last.map_or(0, |line| line.number),
        };
        if blank {
            return self.insert(place, new);
        }
        let apart: Vec<String> = [String::new()].into_iter().chain(new.to_vec()).collect();
        self.insert(place, &apart)
    }

    /// Inserts lines and returns the number of the last one.
    fn insert(&mut self, place: Place, new: &[String]) -> usize {
        let before = self.text.get(..place.at).unwrap_or_default();
        let end = line_end(before);
        let unfinished = place.line > 0 && !before.ends_with('\n');
        let mut text = String::new();
        if unfinished {
            text.push_str(end);
        }
        for line in new {
            text.push_str(line);
            text.push_str(end);
        }
        self.text.insert_str(place.at, &text);
        place.line + new.len()
    }
}

/// A text with asterisks for secrets, but not for where they are to be read.
pub(super) fn masked(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for line in lines(text) {
        match line.says {
            Says::Setting(key, value) if is_secret(key, value) => {
                shown.push_str(&setting(key, "***"));
                shown.push('\n');
            }
            _ => shown.push_str(text.get(line.bytes).unwrap_or_default()),
        }
    }
    shown
}

fn is_secret(key: &str, value: &str) -> bool {
    let name = ConnectOptions::canonical_key(key).unwrap_or_default();
    name.ends_with("-secret") && is_literal(&Secret::new(value.to_owned()))
}

impl<'a> Section<'a> {
    /// The section that a line starts, if it is an endpoint's.
    fn new(name: &str, line: &Line<'a>) -> Option<Self> {
        let classes = [ControllerClass::Io, ControllerClass::Discovery];
        let class = classes
            .into_iter()
            .find(|class| section_name(*class) == name)?;
        Some(Self {
            class,
            settings: Vec::new(),
            place: Place::behind(line),
            has_path: false,
        })
    }

    fn read(&mut self, line: &Line<'a>) {
        match line.says {
            Says::Setting("controller", _) => {
                self.has_path = true;
                self.place = Place::behind(line);
            }
            Says::Setting(key, value) => {
                self.settings.push((key, value));
                if !self.has_path {
                    self.place = Place::behind(line);
                }
            }
            Says::Nothing | Says::Junk(_) | Says::Section(_) => {}
        }
    }

    /// Whether it is of the same subsystem, and has the TLS and authentication that the path asks
    /// for, if it does.
    fn takes(&self, path: &Wish) -> bool {
        let nqn = self.value("nqn").filter(|nqn| !nqn.is_empty());
        let same = match nqn {
            Some(nqn) => path.nqn().as_str() == nqn,
            None => path.nqn().is_discovery(),
        };
        let has = |(key, value): (&str, &Secret)| self.value(key) == Some(value.expose());
        same && self.class == path.class && path.security().all(has)
    }

    /// The last value of a setting, by the name that it has in a wish.
    fn value(&self, key: &str) -> Option<&'a str> {
        let mut settings = self.settings.iter().rev();
        let found =
            settings.find(|(k, _)| *k == key || ConnectOptions::canonical_key(k) == Some(key));
        found.map(|(_, value)| *value)
    }
}

impl Place {
    const fn behind(line: &Line<'_>) -> Self {
        Self {
            at: line.bytes.end,
            line: line.number,
        }
    }
}

/// Wishes with their positions, those together that fit into one section.
fn together<'w>(wishes: &[&'w Wish]) -> Vec<Vec<(usize, &'w Wish)>> {
    let mut sections: Vec<Vec<(usize, &Wish)>> = Vec::new();
    let mut known = BTreeMap::new();
    for (index, wish) in wishes.iter().enumerate() {
        let security: Vec<_> = wish.security().map(|(k, v)| (k, v.expose())).collect();
        let section = *known
            .entry((wish.class, wish.nqn(), security))
            .or_insert(sections.len());
        match sections.get_mut(section) {
            Some(section) => section.push((index, wish)),
            None => sections.push(vec![(index, wish)]),
        }
    }
    sections
}

/// The lines of a section above its paths.
fn head(wish: &Wish) -> Vec<String> {
    let nqn = Some(wish.nqn()).filter(|nqn| !nqn.is_discovery());
    let nqn = nqn.map(|nqn| setting("nqn", nqn.as_str()));
    let security = wish.security();
    let security = security.map(|(key, value)| setting(key, value.expose()));
    let name = format!("[{}]", section_name(wish.class));
    [name].into_iter().chain(nqn).chain(security).collect()
}

const fn section_name(class: ControllerClass) -> &'static str {
    match class {
        ControllerClass::Io => SUBSYSTEM,
        ControllerClass::Discovery => DC,
    }
}

/// `controller = transport=…;traddr=…`
fn controller(wish: &Wish) -> String {
    let fields = [
        "transport",
        "traddr",
        "trsvcid",
        "host-traddr",
        "host-iface",
    ];
    let fields = fields
        .into_iter()
        .filter_map(|key| Some((key, wish.field(key)?)));
    let tunables = wish.tunables().map(|(key, value)| (key, value.expose()));
    let persistent = wish.persistent.map(|p| ("persistent", p.as_str()));
    let all = fields.chain(tunables).chain(persistent);
    let all: Vec<String> = all.map(|(key, value)| format!("{key}={value}")).collect();
    setting("controller", &all.join(";"))
}

fn setting(key: &str, value: &str) -> String {
    format!("{key} = {value}")
}
