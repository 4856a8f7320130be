use nvmf_types::Owner;
use nvmf_types::config::Persistence;

use super::*;
use crate::testing::{FakeHost, parse};

fn collect(host: &FakeHost, line: &str) -> anyhow::Result<Wishes> {
    let args: WalkArgs = parse(&line.split_whitespace().collect::<Vec<_>>());
    Wishes::collect(&host.root(), &args)
}

fn tids(wanted: &Wishes) -> Vec<String> {
    let addresses = wanted.wishes.iter().flat_map(|wish| &wish.addresses);
    addresses.map(ToString::to_string).collect()
}

const DC: &str = "nqn=nqn.2014-08.org.nvmexpress.discovery";
const HOST: &str = "hostnqn=nqn.2014-08.org.example:h;hostid=f81d4fae-7dec-11d0-a765-00a0c91e6bf6";

fn host() -> FakeHost {
    let host = FakeHost::new();
    host.file("etc/nvme/hostnqn", "nqn.2014-08.org.example:h\n");
    host.file("etc/nvme/hostid", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6\n");
    host
}

#[test]
fn the_command_line_is_all_that_is_asked_for() {
    let host = host();
    host.file("etc/nvme/nvme-fabrics.conf", "junk");
    let wanted = collect(&host, "-t tcp -a 192.0.2.1 -k 7 -p --owner me").unwrap();
    assert_eq!(
        tids(&wanted),
        [format!("transport=tcp;traddr=192.0.2.1;{DC};{HOST}")]
    );
    let wish = &wanted.wishes[0];
    assert!(wish.typed);
    assert_eq!(wish.persistent, Persistence::Force);
    assert_eq!(wish.owner.as_ref().unwrap().as_str(), "me");
    let tmo = [&wish.options, &wish.scope.io, &wish.scope.dc].map(|it| it.keep_alive_tmo);
    assert_eq!(tmo, [Some(7); 3]);
}

#[test]
fn a_named_file_gives_options_to_what_is_typed() {
    let host = host();
    let file = host.file(
        "etc/nvme/lab.conf",
        "[Host]\nhostnqn = nqn.2014-08.org.example:lab\nhostid = 11111111-1111-1111-1111-111111111111\n\
         [I/O Controller Defaults]\nctrl-loss-tmo = 60\n\
         [Discovery Controller]\nkeep-alive-tmo = 9\ncontroller = transport=tcp;traddr=192.0.2.1\n",
    );
    let line = format!("-t tcp -a 192.0.2.1 -J {}", file.display());
    let wanted = collect(&host, &line).unwrap();
    let wish = &wanted.wishes[0];
    assert_eq!(wish.options.keep_alive_tmo, Some(9));
    assert_eq!(wish.scope.io.ctrl_loss_tmo, Some(60));
    assert!(tids(&wanted)[0].contains("hostnqn=nqn.2014-08.org.example:lab"));
}

#[test]
fn configuration_and_discovery_conf() {
    let host = host();
    host.file(
        "etc/nvme/nvme-fabrics.conf",
        "[Subsystem]\nnqn = nqn.2014-08.org.example:a\ncontroller = transport=tcp;traddr=192.0.2.2\n\
         [Discovery Controller]\npersistent = force\ncontroller = transport=tcp;traddr=192.0.2.3\n",
    );
    host.file(
        "etc/nvme/discovery.conf",
        "--transport=tcp --traddr=192.0.2.4 --ctrl-loss-tmo=30 --persistent\n",
    );
    let wanted = collect(&host, "").unwrap();
    assert_eq!(
        tids(&wanted),
        [
            format!("transport=tcp;traddr=192.0.2.2;nqn=nqn.2014-08.org.example:a;{HOST}"),
            format!("transport=tcp;traddr=192.0.2.3;{DC};{HOST}"),
            format!("transport=tcp;traddr=192.0.2.4;{DC};{HOST}"),
        ]
    );
    let persistent = |wanted: &Wishes| [1, 2].map(|i| wanted.wishes[i].persistent);
    assert_eq!(persistent(&wanted), [Persistence::Force; 2]);
    assert_eq!(wanted.wishes[2].scope.io.ctrl_loss_tmo, Some(30));
    assert!(wanted.wishes.iter().all(|wish| !wish.typed));
    let wanted = collect(&host, "-p=no").unwrap();
    assert_eq!(persistent(&wanted), [Persistence::No; 2]);

    let sources: Vec<String> = wanted
        .wishes
        .iter()
        .map(|w| host.relative(&w.source))
        .collect();
    assert_eq!(
        sources,
        [
            "/etc/nvme/nvme-fabrics.conf:3",
            "/etc/nvme/nvme-fabrics.conf:6",
            "/etc/nvme/discovery.conf:1"
        ]
    );
}

#[test]
fn a_bad_discovery_conf_costs_nothing_else() {
    let host = host();
    host.file(
        "etc/nvme/nvme-fabrics.conf",
        "[Discovery Controller]\ncontroller = transport=tcp;traddr=192.0.2.3\n",
    );
    host.file("etc/nvme/discovery.conf", "--nonsense\n");
    let wanted = collect(&host, "").unwrap();
    assert_eq!(wanted.wishes.len(), 1);
    assert!(
        wanted.problems[0].contains("discovery.conf:1"),
        "{:?}",
        wanted.problems
    );
    host.file("etc/nvme/nvme-fabrics.conf", "junk");
    assert!(
        collect(&host, "").is_err(),
        "the configuration counts as a whole"
    );
}

const TABLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../nvmf-types/tests/data/nbft");

#[test]
fn boot_tables() {
    let host = host();
    host.file("etc/nvme/nvme-fabrics.conf", "junk");
    let wanted = collect(&host, &format!("--nbft --nbft-path={TABLES}")).unwrap();
    assert!(!wanted.wishes.is_empty());
    for wish in &wanted.wishes {
        assert_eq!(wish.owner, Some(Owner::nbft()));
        assert!(wish.source.contains(" entr"), "{}", wish.source);
        assert!(!wish.typed);
    }
    let dhcp = wanted
        .wishes
        .iter()
        .find(|w| w.source.starts_with("NBFT-dhcp-ipv4 "));
    let dhcp = dhcp.unwrap();
    let host_traddr: Vec<_> = dhcp
        .addresses
        .iter()
        .map(|a| a.host_traddr.is_some())
        .collect();
    assert_eq!(host_traddr, [true, false], "from any address at last");
    assert!(
        wanted.notes.iter().any(|note| note.contains("unavailable")),
        "{:?}",
        wanted.notes
    );
    let bad = wanted
        .problems
        .iter()
        .any(|it| it.contains("NBFT-bad-control"));
    assert!(bad, "{:?}", wanted.problems);

    let mine = format!("--nbft --nbft-path={TABLES} --owner me");
    let wanted = collect(&host, &mine).unwrap();
    assert_eq!(wanted.wishes[0].owner.as_ref().unwrap().as_str(), "me");
}

#[test]
fn boot_tables_beside_the_configuration() {
    let host = host();
    let with = collect(&host, &format!("--nbft-path={TABLES}")).unwrap();
    let without = collect(&host, &format!("--nbft-path={TABLES} --no-nbft")).unwrap();
    assert!(!with.wishes.is_empty() && without.wishes.is_empty());
}
