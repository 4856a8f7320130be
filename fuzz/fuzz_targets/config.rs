//! Any configuration files: they are read somehow, every problem lies within its file, and no
//! secret gets into what is said.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use nvmf_types::config::{Config, ConfigFile, DaemonConfig, Place, Problem, parse};
use nvmf_types::{HostIdentity, Traddr, ini};

/// What must not be shown; nothing else in the input can say it.
const SECRET: &str = "\u{1f92b}hush\u{1f92b}";

#[derive(Debug, Arbitrary)]
struct Input {
    files: Vec<(String, Option<u32>)>,
    default: bool,
    secrets: Vec<Secret>,
}

/// A line with a secret, put at the end of a file.
#[derive(Debug, Arbitrary)]
struct Secret {
    file: u8,
    key: Key,
    shape: Shape,
    before: String,
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Key {
    Secret,
    CtrlSecret,
    OldSecret,
    Misspelt,
    TlsKey,
    None,
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Shape {
    Setting,
    Blank,
    OnControllerLine,
    WithPrefix,
}

impl Secret {
    fn line(&self) -> String {
        let key = match self.key {
            Key::Secret => "kxchap-secret",
            Key::CtrlSecret => "kxchap-ctrl-secret",
            Key::OldSecret => "dhchap-secret",
            Key::Misspelt => "KXCHAP_secert",
            Key::TlsKey => "tls-key",
            Key::None => "nqn",
        };
        // without a key that tells, only the form does
        let told = !matches!(self.key, Key::None);
        match self.shape {
            Shape::Setting if told => format!("{key} = {SECRET}"),
            Shape::Blank if told => format!("{key} {SECRET}"),
            Shape::OnControllerLine if told => format!("controller = transport=loop;{key}={SECRET}"),
            _ => format!("{key} = DHHC-1:00:{SECRET}:"),
        }
    }
}

fn check(files: &[ConfigFile], problem: &Problem) {
    let Place {
        origin,
        column,
        length,
        excerpt,
    } = &problem.place;
    let file = files.iter().find(|f| f.path == origin.file).unwrap();
    let line = ini::lines(&file.text).nth(origin.line - 1).unwrap();
    let end = column - 1 + length;
    assert!(*column >= 1 && end <= line.chars().count(), "{problem}");
    assert!(excerpt.chars().count() <= line.chars().count());
    assert!(!problem.message.is_empty() && !problem.remedy.is_empty());
    let said = format!("{problem}{excerpt}");
    assert!(!said.contains("hush"), "{said}");
    assert!(!said.contains('\n') && !said.contains('\u{1b}'), "{said:?}");
}

fn look_through(mut config: Config) {
    let total = config.connections.len() + config.unresolved.len();
    assert!(!format!("{config:?}").contains("hush"));
    let address: Traddr = Traddr::from_ip([192, 0, 2, 1].into());
    config.resolve(|_| vec![address.clone()]);
    assert_eq!(config.connections.len() + config.unresolved.len(), total);
    for connection in &config.connections {
        assert!(connection.tid.clone().checked().is_ok());
        for (key, value) in connection.options.settings() {
            assert!(connection.origins.contains_key(key), "{key}");
            assert!(!value.to_string().contains("hush"));
        }
    }
}

fuzz_target!(|input: Input| {
    if format!("{input:?}").contains("hush") {
        return;
    }
    let mut files: Vec<ConfigFile> = Vec::new();
    for (index, (text, mode)) in input.files.into_iter().enumerate() {
        files.push(ConfigFile {
            mode,
            ..ConfigFile::new(format!("f{index}"), text)
        });
    }
    let count = files.len().max(1);
    for secret in &input.secrets {
        let Some(file) = files.get_mut(usize::from(secret.file) % count) else {
            continue;
        };
        // whatever stands before it must not be able to end in the middle of the line
        let before = secret.before.replace(['\n', '\r'], " ");
        file.text = format!("{}\n#{before}\n{}\n", file.text, secret.line());
    }
    let mut default = HostIdentity::default();
    if input.default {
        default.hostnqn = "nqn.2014-08.org.example:h".parse().ok();
    }
    match parse(&files, &default) {
        Ok(config) => {
            config.warnings.iter().for_each(|p| check(&files, p));
            look_through(config);
        }
        Err(problems) => problems.0.iter().for_each(|p| check(&files, p)),
    }
    match DaemonConfig::parse(&files) {
        Ok((_, warnings)) => warnings.iter().for_each(|p| check(&files, p)),
        Err(problems) => problems.0.iter().for_each(|p| check(&files, p)),
    }
});
