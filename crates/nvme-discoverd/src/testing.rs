//! What several tests need.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use zbus::Connection;
use zbus::connection::Builder;

/// A dbus-daemon of our own.
#[derive(Debug)]
pub(crate) struct PrivateBus {
    daemon: Child,
    pub(crate) address: String,
    _folder: tempfile::TempDir,
}

const CONFIGURATION: &str = r#"<busconfig>
  <type>system</type>
  <listen>unix:tmpdir=FOLDER</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
"#;

impl PrivateBus {
    /// Starts it.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bus.conf");
        let text = CONFIGURATION.replace("FOLDER", &folder.path().display().to_string());
        std::fs::write(&file, text).unwrap();
        let mut daemon = Command::new("dbus-daemon")
            .args(["--nofork", "--nopidfile", "--print-address"])
            .arg(format!("--config-file={}", file.display()))
            .stdout(Stdio::piped())
            .spawn()
            .expect("these tests need dbus-daemon");
        let mut address = String::new();
        let stdout = daemon.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut address).unwrap();
        Self {
            daemon,
            address: address.trim().to_owned(),
            _folder: folder,
        }
    }

    /// A connection to it.
    pub(crate) async fn connect(&self) -> Connection {
        self.builder().build().await.unwrap()
    }

    /// What a connection to it begins with.
    pub(crate) fn builder(&self) -> Builder<'static> {
        Builder::address(self.address.as_str())
    }

    /// Ends it.
    pub(crate) fn kill(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

impl Drop for PrivateBus {
    fn drop(&mut self) {
        self.kill();
    }
}
