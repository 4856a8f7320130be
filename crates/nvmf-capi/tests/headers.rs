//! The headers are what the code says. `BLESS=1 cargo test -p nvmf-capi --test headers` writes
//! them.

#![expect(clippy::unwrap_used, reason = "a test: it may panic")]

use std::fs;
use std::path::{Path, PathBuf};

use cbindgen::{Builder, Config, DocumentationStyle, Language, Style};

/// A header, the sources of its functions, and what types are called in C.
struct Header {
    file: &'static str,
    about: &'static str,
    sources: &'static [&'static str],
    names: &'static [(&'static str, &'static str)],
    /// What no source has.
    more: &'static str,
}

/// How libnvme names what is logged.
const LEVELS: &str = "enum libnvme_log_level {
  LIBNVME_LOG_ERR = 0,
  LIBNVME_LOG_WARN = 1,
  LIBNVME_LOG_INFO = 2,
  LIBNVME_LOG_DEBUG = 3,
  LIBNVME_LOG_DEBUG_VERBOSE = 4,
};

#define LIBNVME_DEFAULT_LOGLEVEL LIBNVME_LOG_WARN";

const HEADERS: [Header; 2] = [
    Header {
        file: "nvmf.h",
        about: "libnvmf: what an orchestrator needs to live beside others on a host.",
        sources: &[
            "failure.rs",
            "host.rs",
            "registry.rs",
            "disconnect.rs",
            "watch.rs",
            "tid.rs",
            "exclusion.rs",
        ],
        names: &[
            ("Host", "nvmf_host"),
            ("Watch", "nvmf_registry_watch"),
            ("RegistryChange", "nvmf_registry_change"),
            ("Tid", "nvmf_tid"),
            ("EachOwner", "nvmf_owner_callback"),
            ("EachChange", "nvmf_change_callback"),
        ],
        more: "",
    },
    Header {
        file: "nvmf/libnvme.h",
        about: "The registry, exclusion and transport id functions of libnvme 3, from libnvmf.",
        sources: &[
            "libnvme/context.rs",
            "libnvme/registry.rs",
            "libnvme/tid.rs",
            "libnvme/exclusion.rs",
        ],
        names: &[
            ("GlobalContext", "libnvme_global_ctx"),
            ("AnyTid", "libnvmf_tid"),
            ("EachDevice", "libnvmf_device_callback"),
            ("EachAttribute", "libnvmf_attr_callback"),
            ("EachText", "libnvmf_text_callback"),
        ],
        more: LEVELS,
    },
];

/// What holds for all functions of a header.
const RULES: &str = " * Errors are negative errno values. A NULL or text that is not UTF-8 is an error, never a crash.
 * Any function may be called from any thread; only what is being freed, or changed through a
 * pointer that is not const, must not be used by another thread at the same time. Strings that are
 * handed out as `char *` are freed with free(); a `const char *` stays the library's. Callbacks may
 * call the library.";

#[test]
fn headers_are_what_the_code_says() {
    for header in &HEADERS {
        let file = package().join("include").join(header.file);
        let text = generate(header);
        if std::env::var_os("BLESS").is_some() {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, &text).unwrap();
        }
        let written = fs::read_to_string(&file).unwrap_or_default();
        assert!(written == text, "{}: BLESS=1 writes it", file.display());
    }
}

fn generate(header: &Header) -> String {
    let mut config = Config {
        language: Language::C,
        style: Style::Tag,
        cpp_compat: true,
        documentation_style: DocumentationStyle::Doxy,
        no_includes: true,
        sys_includes: ["stdbool.h", "stdint.h", "stdio.h"]
            .map(str::to_owned)
            .to_vec(),
        pragma_once: true,
        header: Some(format!(
            "/* SPDX-License-Identifier: MIT OR Apache-2.0 */\n/*\n * {}\n *\n{RULES}\n */",
            header.about
        )),
        trailer: Some(header.more.to_owned()),
        line_length: 100,
        ..Config::default()
    };
    config.export.include = header
        .names
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    config.export.rename = header
        .names
        .iter()
        .map(|(rust, c)| ((*rust).to_owned(), (*c).to_owned()))
        .collect();
    let src = package().join("src");
    let mut builder = Builder::new()
        .with_config(config)
        .with_src(src.join("text.rs"));
    for source in header.sources {
        builder = builder.with_src(src.join(source));
    }
    let mut text = Vec::new();
    builder.generate().unwrap().write(&mut text);
    as_c_has_it(&String::from_utf8(text).unwrap())
}

/// Types that are only there for Rust, by what they are in C.
const PLAIN: [(&str, &str); 4] = [
    ("Text ", "const char *"),
    ("Out ", "char **"),
    ("Stream ", "FILE *"),
    // libnvme's signatures take it so
    (
        "const struct libnvme_global_ctx *",
        "struct libnvme_global_ctx *",
    ),
];

fn as_c_has_it(text: &str) -> String {
    let blocks = text.split("\n\n").filter(|block| {
        let typedef = |name: &str| block.ends_with(&format!(" *{}", name.trim_end()));
        !PLAIN
            .iter()
            .any(|(rust, _)| typedef(&format!("{};", rust.trim_end())))
            && !block.ends_with("typedef char **Out;")
    });
    let mut text = blocks.collect::<Vec<_>>().join("\n\n");
    for (rust, c) in PLAIN {
        text = text.replace(rust, c);
    }
    text
}

fn package() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
