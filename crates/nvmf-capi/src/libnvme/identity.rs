//! A transport id of which any field may be missing.

use std::ffi::{CStr, CString};

use nvmf_types::exclusion::Rule;
use nvmf_types::{HostId, Nqn, Traddr, Transport};

/// The keys of the text form, in canonical order.
const KEYS: [&str; 8] = [
    "transport",
    "traddr",
    "trsvcid",
    "nqn",
    "host-traddr",
    "host-iface",
    "hostnqn",
    "hostid",
];

/// The keys of the form for logs, in its order.
const LOGGED: [&str; 6] = [
    "transport",
    "traddr",
    "trsvcid",
    "nqn",
    "host-iface",
    "host-traddr",
];

/// The fields that are set, and the texts that are handed out as they are.
#[derive(Clone, Debug, Default)]
pub(super) struct Identity {
    fields: [Option<CString>; KEYS.len()],
    canonical: CString,
    log: CString,
}

impl Identity {
    /// Checks the fields, given in canonical order, and writes addresses in one way. An empty text
    /// is an unset field.
    ///
    /// # Errors
    /// An IP fabric's address that is not numeric, or a text that no text form can hold.
    pub(super) fn new(fields: [Option<&str>; KEYS.len()]) -> Result<Self, String> {
        let mut texts = fields.map(|field| field.filter(|t| !t.is_empty()).map(str::to_owned));
        let transport = texts[0].as_deref().and_then(|t| t.parse().ok());
        for (text, key) in texts.iter_mut().zip(KEYS) {
            let Some(value) = text else { continue };
            if matches!(key, "traddr" | "host-traddr") {
                *value = address(transport, value).map_err(|why| format!("{key}: {why}"))?;
            }
        }
        Self::of(texts)
    }

    /// Reads `key=value;key=value`. What is not understood goes to `odd`, one sentence each, and
    /// is left out.
    ///
    /// # Errors
    /// As [`Identity::new`].
    pub(super) fn parse(text: &str, mut odd: impl FnMut(String)) -> Result<Self, String> {
        let mut fields = [None; KEYS.len()];
        for part in text.split(';').map(str::trim).filter(|p| !p.is_empty()) {
            let Some((key, value)) = part.split_once('=') else {
                odd(format!("`{}` is not key=value", part.escape_debug()));
                continue;
            };
            let (key, value) = (key.trim(), value.trim());
            let slot = fields.iter_mut().zip(KEYS).find(|(_, name)| *name == key);
            match slot {
                None => odd(format!("unknown field `{}`", key.escape_debug())),
                Some((_, name)) if value.is_empty() => odd(format!("field `{name}` has no value")),
                Some((slot, _)) => *slot = Some(value),
            }
        }
        Self::new(fields)
    }

    /// With another subsystem and host; `None` leaves a field as it is. A host's id follows from
    /// its name, where that has one in it and no id is set.
    ///
    /// # Errors
    /// A host's id without its name; a text that no text form can hold.
    pub(super) fn with_host(
        &self,
        nqn: Option<&str>,
        hostnqn: Option<&str>,
        hostid: Option<&str>,
    ) -> Result<Self, String> {
        let [
            transport,
            traddr,
            trsvcid,
            old_nqn,
            host_traddr,
            host_iface,
            old_name,
            old_id,
        ] = self.texts();
        let hostnqn = hostnqn.map(str::to_owned).or(old_name);
        let mut hostid = hostid.map(str::to_owned).or(old_id);
        if let (Some(name), None) = (&hostnqn, &hostid) {
            let name: Option<Nqn> = name.parse().ok();
            hostid = name
                .as_ref()
                .and_then(HostId::of_name)
                .map(|id| id.to_string());
        }
        if hostid.is_some() && hostnqn.is_none() {
            return Err("a hostid needs a hostnqn: one host is both".to_owned());
        }
        Self::of([
            transport,
            traddr,
            trsvcid,
            nqn.map(str::to_owned).or(old_nqn),
            host_traddr,
            host_iface,
            hostnqn,
            hostid,
        ])
    }

    /// The value of a field.
    pub(super) fn field(&self, key: &str) -> Option<&CStr> {
        let place = KEYS.iter().position(|name| *name == key)?;
        self.fields.get(place)?.as_deref()
    }

    /// Whether no field is set.
    pub(super) fn is_empty(&self) -> bool {
        self.fields.iter().all(Option::is_none)
    }

    /// What is known of a connection; `None`: nothing.
    pub(super) fn known(&self) -> Option<Rule> {
        Rule::from_fields(|key| self.field(key)?.to_str().ok()).ok()
    }

    /// Whether it is the well-known discovery subsystem.
    pub(super) fn is_discovery(&self) -> bool {
        let discovery = Nqn::discovery();
        let nqn = self.field("nqn").and_then(|nqn| nqn.to_str().ok());
        nqn == Some(discovery.as_str())
    }

    /// The canonical text.
    pub(super) fn canonical(&self) -> &CStr {
        &self.canonical
    }

    /// The text for logs.
    pub(super) fn log(&self) -> &CStr {
        &self.log
    }

    fn of(texts: [Option<String>; KEYS.len()]) -> Result<Self, String> {
        let value = |key: &str| {
            let place = KEYS.iter().position(|name| *name == key)?;
            texts.get(place)?.as_deref()
        };
        let canonical = match texts.iter().all(Option::is_none) {
            true => String::new(),
            // what it refuses would not read back the same
            false => Rule::from_fields(value)
                .map_err(|e| e.to_string())?
                .to_string(),
        };
        let log: Vec<&str> = LOGGED.into_iter().filter_map(value).collect();
        let log = format!("({})", log.join(", "));
        let held = |text: String| CString::new(text).map_err(|e| e.to_string());
        let mut fields = [const { None }; KEYS.len()];
        for (field, text) in fields.iter_mut().zip(texts) {
            *field = text.map(held).transpose()?;
        }
        Ok(Self {
            fields,
            canonical: held(canonical)?,
            log: held(log)?,
        })
    }

    fn texts(&self) -> [Option<String>; KEYS.len()] {
        self.fields
            .each_ref()
            .map(|field| Some(field.as_ref()?.to_string_lossy().into_owned()))
    }
}

/// An address as it is kept: in canonical form, where it has one.
fn address(transport: Option<Transport>, text: &str) -> Result<String, String> {
    let Some(transport) = transport else {
        return Ok(text.to_owned());
    };
    match Traddr::parse(transport, text) {
        Ok(address) => Ok(address.to_string()),
        // Texts that no target has may be kept all the same, where they have the right shape.
        Err(_) if transport == Transport::Loop => Ok(text.to_owned()),
        Err(_) if transport == Transport::Fc && is_fc(text) => Ok(text.replace(',', ":")),
        Err(e) => Err(e.to_string()),
    }
}

/// Whether a text has the shape of a Fibre Channel address, be its numbers as long as they may.
fn is_fc(text: &str) -> bool {
    let number = |text: &str, prefix: &str| {
        let digits = text.strip_prefix(prefix).unwrap_or_default();
        (1..=16).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit())
    };
    let names = text.split_once([':', ',']);
    names.is_some_and(|(node, port)| number(node, "nn-0x") && number(port, "pn-0x"))
}
