//! The command line.

use std::fmt;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use nvmf::Root;
use nvmf_connector::protocol::{Disconnect, Outcome};
use nvmf_connector::{Listener, Server, disconnect};

const USAGE: &str = "\
usage: nvmf-connector                                      serve the socket that systemd hands over
       nvmf-connector --socket PATH                        serve a socket of its own
       nvmf-connector disconnect DEVICE SYSFS_INO OWNER    disconnect exactly that controller

Part of nvme-discoverd; it needs root.
";

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
enum Command {
    Serve(Option<PathBuf>),
    Disconnect(Disconnect),
    Help,
    Version,
}

/// Runs the program; the exit status is 0, 1 for a failure and 2 for a wrong command line.
pub(crate) fn run(arguments: Vec<String>) -> ExitCode {
    let command = match parse(&arguments) {
        Ok(command) => command,
        Err(message) => {
            say(format_args!("nvmf-connector: {message}\n{USAGE}"));
            return ExitCode::from(2);
        }
    };
    let done = match command {
        Command::Serve(path) => serve(path),
        Command::Disconnect(call) => run_disconnect(&call),
        Command::Help => print(USAGE),
        Command::Version => print(concat!("nvmf-connector ", env!("CARGO_PKG_VERSION"), "\n")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("nvmf-connector: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn parse(arguments: &[String]) -> Result<Command, String> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => Ok(Command::Serve(None)),
        ["--socket", path] => Ok(Command::Serve(Some(PathBuf::from(path)))),
        ["-h" | "--help"] => Ok(Command::Help),
        ["-V" | "--version"] => Ok(Command::Version),
        ["disconnect", device, ino, owner] => Ok(Command::Disconnect(Disconnect {
            device: device.parse().map_err(text)?,
            sysfs_ino: ino
                .parse()
                .map_err(|_| format!("`{}` is not an inode number", ino.escape_debug()))?,
            owner: owner.parse().map_err(text)?,
        })),
        _ => Err("unknown arguments".to_owned()),
    }
}

fn serve(path: Option<PathBuf>) -> anyhow::Result<()> {
    anyhow::ensure!(rustix::process::geteuid().is_root(), "must run as root");
    let listener = match path {
        None => Listener::activated()?,
        Some(path) => Listener::bind(&path)?,
    };
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY");
    let root = Root::system().with_credentials(credentials.map(Into::into));
    Server::new(root, say)
        .serve(&listener)
        .context("cannot accept connections")
}

fn run_disconnect(call: &Disconnect) -> anyhow::Result<()> {
    anyhow::ensure!(rustix::process::geteuid().is_root(), "must run as root");
    let outcome = disconnect(&Root::system(), call);
    if let Outcome::Failed { message, .. } = outcome {
        anyhow::bail!("cannot disconnect {}: {message}", call.device);
    }
    say(format_args!("{} {outcome}", call.device));
    Ok(())
}

fn text(error: impl fmt::Display) -> String {
    error.to_string()
}

/// A line for the log. A log that cannot be written is no reason to stop.
fn say(line: fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn print(text: &str) -> anyhow::Result<()> {
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Result<Command, String> {
        parse(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn the_command_line() {
        assert_eq!(parse(&[]), Ok(Command::Serve(None)));
        assert_eq!(of("--socket /s"), Ok(Command::Serve(Some("/s".into()))));
        let Ok(Command::Disconnect(call)) = of("disconnect nvme3 4711 discoverd") else {
            panic!("not understood");
        };
        assert_eq!((call.device.as_str(), call.sysfs_ino), ("nvme3", 4711));
    }

    #[test]
    fn bad_words_are_named() {
        for (line, word) in [
            ("disconnect ../nvme3 1 discoverd", "`../nvme3`"),
            ("disconnect nvme3 x discoverd", "`x`"),
            ("disconnect nvme3 1 a/b", "`a/b`"),
            ("disconnect nvme3 1", "unknown arguments"),
        ] {
            let message = of(line).unwrap_err();
            assert!(message.contains(word), "{line}: {message}");
        }
    }
}
