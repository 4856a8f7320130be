//! Connections with the places of their values.

use std::collections::BTreeMap;

use nvmf::Root;
use nvmf::config::identity_file;
use nvmf_types::config::{Config, Connection};
use nvmf_types::{ConnectOptions, ControllerClass, HostName, OptionValue, Origin};
use serde::Serialize;
use serde_json::{Value, json};

use crate::table;

/// What `-o json` shows.
#[derive(Debug, Serialize)]
pub(super) struct View {
    connections: Vec<Shown>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Shown {
    source: String,
    #[serde(rename = "is_dc")]
    is_dc: bool,
    transport: String,
    /// As it is configured: a host name is not looked up.
    traddr: Option<String>,
    trsvcid: Option<String>,
    nqn: String,
    host_traddr: Option<String>,
    host_iface: Option<String>,
    hostnqn: Option<String>,
    hostid: Option<String>,
    hostsymname: Option<String>,
    /// Options; `null`: reset to the kernel's default.
    params: BTreeMap<String, Value>,
    origins: BTreeMap<String, String>,
}

impl View {
    pub(super) fn of(root: &Root, config: &Config, show_secrets: bool) -> Self {
        let shown = config.in_order().into_iter().map(|(connection, name)| {
            let reader = Reader {
                root,
                config,
                connection,
                name,
                show_secrets,
            };
            reader.shown()
        });
        Self {
            connections: shown.collect(),
        }
    }

    pub(super) fn text(&self) -> String {
        let texts: Vec<String> = self.connections.iter().map(Shown::text).collect();
        texts.join("\n\n")
    }
}

/// One connection of a configuration.
struct Reader<'a> {
    root: &'a Root,
    config: &'a Config,
    connection: &'a Connection,
    name: Option<&'a HostName>,
    show_secrets: bool,
}

impl Reader<'_> {
    fn shown(&self) -> Shown {
        let connection = self.connection;
        let tid = &connection.tid;
        let mut shown = Shown {
            source: connection.origin.to_string(),
            is_dc: connection.class == ControllerClass::Discovery,
            transport: tid.transport.to_string(),
            traddr: match self.name {
                Some(name) => Some(name.to_string()),
                None => tid.field("traddr"),
            },
            trsvcid: tid.field("trsvcid"),
            nqn: tid.nqn.to_string(),
            host_traddr: tid.field("host-traddr"),
            host_iface: tid.field("host-iface"),
            hostnqn: self.identity("hostnqn"),
            hostid: self.identity("hostid"),
            hostsymname: connection.inherits.hostsymname.clone(),
            params: self.params(),
            origins: BTreeMap::new(),
        };
        let keys = shown.fields().into_iter();
        let keys = keys.filter_map(|(key, value)| value.map(|_| key.to_owned()));
        let keys: Vec<String> = keys.chain(shown.params.keys().cloned()).collect();
        for key in keys {
            let origin = self.origin(&key).to_string();
            shown.origins.insert(key, origin);
        }
        shown
    }

    /// The connection's identity, or else the host's default one.
    fn identity(&self, key: &str) -> Option<String> {
        let tid = &self.connection.tid;
        if tid.hostnqn.is_some() || tid.hostid.is_some() {
            return tid.field(key);
        }
        match key {
            "hostnqn" => self.config.host.hostnqn.as_ref().map(ToString::to_string),
            _ => self.config.host.hostid.map(|id| id.to_string()),
        }
    }

    /// The options that are set, and those that were reset.
    fn params(&self) -> BTreeMap<String, Value> {
        let Connection {
            options, origins, ..
        } = self.connection;
        let mut params = BTreeMap::new();
        if origins.contains_key("persistent") {
            let persistent = self.connection.persistent.as_str();
            params.insert("persistent".to_owned(), persistent.into());
        }
        let settings = options.settings();
        for key in ConnectOptions::KEYS {
            let set = settings.iter().find(|(name, _)| *name == key);
            let value = match set {
                Some((_, secret @ OptionValue::Secret(_))) if self.show_secrets => {
                    Value::String(secret.expose())
                }
                Some((_, value)) => json!(value),
                None if origins.contains_key(key) => Value::Null,
                None => continue,
            };
            params.insert(key.to_owned(), value);
        }
        params
    }

    fn origin(&self, key: &str) -> Origin {
        match (self.connection.origins.get(key), key) {
            (Some(origin), _) => origin.clone(),
            (None, "hostnqn" | "hostid") => {
                let file = identity_file(self.root, key);
                Origin::new(file.display().to_string(), 1)
            }
            (None, _) => self.connection.origin.clone(),
        }
    }
}

impl Shown {
    /// Everything but the options, in the order in which people read it.
    fn fields(&self) -> [(&'static str, Option<&str>); 9] {
        [
            ("transport", Some(&self.transport)),
            ("traddr", self.traddr.as_deref()),
            ("trsvcid", self.trsvcid.as_deref()),
            ("nqn", Some(&self.nqn)),
            ("host-traddr", self.host_traddr.as_deref()),
            ("host-iface", self.host_iface.as_deref()),
            ("hostnqn", self.hostnqn.as_deref()),
            ("hostid", self.hostid.as_deref()),
            ("hostsymname", self.hostsymname.as_deref()),
        ]
    }

    fn text(&self) -> String {
        let fields = self.fields().into_iter();
        let fields = fields.filter_map(|(key, value)| Some((key, value?.to_owned())));
        let params = self.params.iter();
        let params = params.map(|(key, value)| (key.as_str(), param(value)));
        let rows = fields.chain(params).map(|(key, value)| {
            let origin = self.origins.get(key).cloned();
            [key.to_owned(), value, origin.unwrap_or_default()]
        });
        let kind = if self.is_dc { "discovery" } else { "I/O" };
        let title = format!("{kind} controller  {}", self.source);
        // the columns need no names
        let lines = table::lines([""; 3], rows.collect()).into_iter().skip(1);
        let lines = lines.map(|line| format!("  {line}"));
        [title]
            .into_iter()
            .chain(lines)
            .collect::<Vec<_>>()
            .join("\n")
    }
}

fn param(value: &Value) -> String {
    match value {
        Value::Null => "(kernel's default)".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
