use super::*;
use crate::ConnectOptions;
use crate::config::Wish;

const NAME: &str = "d.conf";

fn good(text: &str) -> Vec<Wish> {
    let (wishes, warnings) =
        parse_discovery_conf(NAME, text).unwrap_or_else(|e| panic!("{text}\n{e}"));
    assert_eq!(warnings, [], "{text}");
    wishes
}

fn said(text: &str) -> String {
    match parse_discovery_conf(NAME, text) {
        Ok((_, warnings)) => Problems(warnings).to_string(),
        Err(problems) => problems.to_string(),
    }
}

/// The fields, the options as the kernel takes them, and what is said of persistence.
fn shown(wish: &Wish) -> String {
    let fields = crate::tid::KEYS
        .into_iter()
        .filter_map(|key| Some(format!("{key}={}", wish.field(key)?)));
    let settings = wish.tunables().chain(wish.security());
    let settings = settings.map(|(key, value)| format!("{key}={}", value.expose()));
    let persistent = wish.persistent.map(|p| format!("persistent={p}"));
    let all: Vec<String> = fields.chain(settings).chain(persistent).collect();
    all.join(" ")
}

#[test]
fn every_way_to_write_a_line() {
    let want = "transport=tcp traddr=192.0.2.1 trsvcid=8009";
    for line in [
        "--transport=tcp --traddr=192.0.2.1 --trsvcid=8009",
        "--transport tcp --traddr 192.0.2.1 --trsvcid 8009",
        "-t tcp -a 192.0.2.1 -s 8009",
        "-ttcp -a192.0.2.1 -s8009",
        "-t=tcp -a=192.0.2.1 -s=8009",
        "\t -t  tcp\t-a 192.0.2.1 -s 8009 \r",
        "--transp tcp --tradd=192.0.2.1 --trs=8009",
        "-t rdma -t tcp -a ::1 -a 192.0.2.1 -s 8009",
        "-t tcp -a 192.0.2.1 -s 8009 -w none -f none",
        "-t tcp -a 192.0.2.1 -s 8009 # the first one",
    ] {
        let wishes = good(line);
        assert_eq!(wishes.len(), 1, "{line}");
        assert_eq!(shown(&wishes[0]), want, "{line}");
    }
}

#[test]
fn every_option() {
    let line = "-t tcp -a ::1 -n nqn.2014-08.org.example:dc -w ::2 -f eth0 -q nqn.2014-08.org.example:h \
                -I f81d4fae-7dec-11d0-a765-00a0c91e6bf6 -i 4 -W 1 -P 2 -Q 128 -k 30 -c 10 -l -1 \
                --fast_io_fail_tmo=-1 -T 3 -DgG --disable-sqflow --tls --concat --keyring 7 --tls_key 0x8 \
                --tls-key-identity id -S s -C t -p";
    assert_eq!(
        shown(&good(line)[0]),
        "transport=tcp traddr=::1 nqn=nqn.2014-08.org.example:dc host-traddr=::2 host-iface=eth0 \
         hostnqn=nqn.2014-08.org.example:h hostid=f81d4fae-7dec-11d0-a765-00a0c91e6bf6 ctrl-loss-tmo=-1 \
         data-digest=yes disable-sqflow=yes duplicate-connect=yes fast-io-fail-tmo=-1 hdr-digest=yes \
         keep-alive-tmo=30 nr-io-queues=4 nr-poll-queues=2 nr-write-queues=1 queue-size=128 \
         reconnect-delay=10 tos=3 concat=yes keyring=7 kxchap-ctrl-secret=t kxchap-secret=s tls=yes \
         tls-key=0x8 tls-key-identity=id persistent=force"
    );
    let persistent = |line: &str| good(&format!("-t loop {line}"))[0].persistent;
    assert_eq!(persistent(""), None);
    assert_eq!(persistent("--persistent"), Some(Persistence::Force));
    assert_eq!(persistent("--persistent=auto"), Some(Persistence::Auto));
    assert_eq!(persistent("-pno"), Some(Persistence::No));
}

#[test]
fn many_lines_and_where_they_stand() {
    let text = "\u{feff}# comment\r\n\r\n-t tcp -a dc.example.org\r\n   # -t tcp\n-t fc -a nn-0x1:pn-0x2\n";
    let problems = parse_discovery_conf(NAME, text).unwrap_err().to_string();
    assert_eq!(
        problems,
        "d.conf:5:1: error: traddr: `nn-0x1:pn-0x2` is not a Fibre Channel address; \
         write nn-0x<16 hex digits>:pn-0x<16 hex digits>"
    );
    let wishes = good("#\n\n-t tcp -a dc.example.org -k 5\n-t loop");
    let places: Vec<String> = wishes.iter().map(|w| w.origin.to_string()).collect();
    assert_eq!(places, ["d.conf:3", "d.conf:4"]);
    assert_eq!(wishes[0].host_name(), "dc.example.org".parse().ok());
    assert!(wishes[0].tid().is_err());
    let tid = wishes[0].tid_at(Some("192.0.2.7")).unwrap();
    assert_eq!(
        tid.to_string(),
        "transport=tcp;traddr=192.0.2.7;nqn=nqn.2014-08.org.nvmexpress.discovery"
    );
    let options = wishes[0].options_over(&ConnectOptions::default());
    assert_eq!(options.keep_alive_tmo, Some(5));
    assert_eq!(good(""), []);
}

#[test]
fn what_is_wrong() {
    for (line, want) in [
        (
            "-a ::1",
            "error: field `transport` is missing; correct the line",
        ),
        (
            "-t tcp",
            "error: field `traddr` is missing; correct the line",
        ),
        (
            "-t pcie -a x",
            "error: unknown transport `pcie`; write tcp, rdma, fc or loop",
        ),
        (
            "tcp 192.0.2.1",
            "error: `tcp` is no option; remove it, or write the option in front of it; there are no quotes\n\
             d.conf:1:1: error: `192.0.2.1` is no option; remove it, or write the option in front of it; there are no quotes",
        ),
        (
            "-t \"tcp\" -a '::1'",
            "error: the value of `-t` is in quotes, which there are none of; write the value alone\n\
             d.conf:1:1: error: the value of `-a` is in quotes, which there are none of; write the value alone",
        ),
        (
            "-t tcp -a ::1 --frob=1 -x",
            "error: unknown option `--frob`; correct or remove it: `nvmf discover --help` lists what there is\n\
             d.conf:1:1: error: unknown option `-x`; correct or remove it: `nvmf discover --help` lists what there is",
        ),
        (
            "-t tcp -a ::1 --nr=1",
            "error: unknown option `--nr`; correct or remove it: `nvmf discover --help` lists what there is",
        ),
        (
            "-t tcp -a ::1 -k",
            "error: `-k` has no value; write one, or remove it",
        ),
        (
            "-t tcp -a ::1 --tls=no",
            "error: `--tls` has a value and takes none; write it alone, or remove it",
        ),
        (
            "-t tcp -a ::1 -s 70000 -Q 3",
            "error: trsvcid: `70000` is not a port; write 1 to 65535\n\
             d.conf:1:1: error: `3` is not possible for queue-size; write 16 to 1024",
        ),
        (
            "-t fc -a ::1 -w ::2",
            "error: traddr: `::1` is not a Fibre Channel address; write nn-0x<16 hex digits>:pn-0x<16 hex digits>\n\
             d.conf:1:1: error: host-traddr: `::2` is not a Fibre Channel address; write nn-0x<16 hex digits>:pn-0x<16 hex digits>",
        ),
        (
            "-t rdma -a ::1 -f eth0",
            "error: `host-iface` is not possible with transport rdma; correct the line",
        ),
        (
            "-t tcp -a ::1 --device none --quiet --raw=x -o json",
            "warning: `--device` says nothing about a connection: it does nothing; remove it\n\
             d.conf:1:1: warning: `--quiet` says nothing about a connection: it does nothing; remove it\n\
             d.conf:1:1: warning: `--raw` says nothing about a connection: it does nothing; remove it\n\
             d.conf:1:1: warning: `-o` says nothing about a connection: it does nothing; remove it",
        ),
        (
            "-t tcp -a ::1 # was -a ::2",
            "warning: there are options behind `#`, which nvme-cli reads and this does not; write the comment on a line of its own",
        ),
    ] {
        assert_eq!(said(line), format!("d.conf:1:1: {want}"), "{line}");
    }
}

#[test]
fn secrets_are_not_shown() {
    for line in [
        "-t tcp -a ::1 -S DHHC-1:00:hush==:",
        "-t tcp -a ::1 --dhchap-secret=DHHC-1:00:hush==:",
    ] {
        let wish = &good(line)[0];
        let secret = wish.security().next().unwrap();
        assert_eq!(secret.0, "kxchap-secret");
        assert_eq!(
            secret.1.expose(),
            "DHHC-1:00:hush==:",
            "`=` does not split it"
        );
        assert!(!format!("{wish:?}").contains("hush"));
    }
    for line in [
        "-t tcp -a ::1 -S \"DHHC-1:00:hush:\"",
        "-t tcp -a ::1 --dhchap-secret = DHHC-1:00:hush:",
        "-t tcp -a ::1 --tls-key=NVMeTLSkey-1:01:hush:",
        "-t tcp -a ::1 --dhchap-secretDHHC-1:00:hush:",
        "-t tcp -a ::1 --tls=DHHC-1:00:hush:",
        "-t tcp -a ::1 -x DHHC-1:00:hush:",
    ] {
        let said = said(line);
        assert!(said.contains("error"), "{line}: {said}");
        assert!(!said.contains("hush"), "{line}: {said}");
    }
}
