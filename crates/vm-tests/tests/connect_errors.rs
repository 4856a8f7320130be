//! Connects that fail: the reason is said, and nothing stays behind.

use nvmf_testkit::World;
use nvmf_testkit::target::{AllowedHost, CTRL_KEY, HOST_KEY, Target, WRONG_KEY};

const NQN: &str = "nqn.2026-11.reason:1";
const HOST: &str = "nqn.2026-11.host:1";

/// A target of each transport, with the subsystem [`NQN`].
fn targets() -> [Target; 4] {
    let tcp = Target::tcp("127.0.0.1", 4420).subsystem(NQN);
    let over = |target: Target| target.second_path_to(&tcp);
    let rdma = over(Target::rdma("192.0.2.1", 4420));
    let looped = over(Target::looped());
    let fc = over(Target::fc());
    [tcp, rdma, looped, fc]
}

/// Connects with these options; what is said has all of `words`, and there is no controller.
fn fails(world: &World, target: &Target, nqn: &str, options: &[&str], words: &[&str]) {
    let said = world.nvmf_connect(target, nqn, options).expect_failure(1);
    for word in words {
        assert!(said.contains(word), "no `{word}`: {said}");
    }
    assert_eq!(said.lines().count(), 1, "one clear error: {said}");
    for secret in [HOST_KEY, CTRL_KEY, WRONG_KEY, "hush"] {
        assert!(!said.contains(secret), "no secret: {said}");
    }
    assert_eq!(world.controllers(), [], "after: {said}");
}

#[test]
fn an_unknown_subsystem() {
    let world = World::new("an_unknown_subsystem");
    for target in &targets() {
        let words = ["no subsystem of this name", "nvmf discover"];
        fails(&world, target, "nqn.2026-11.none:1", &[], &words);
    }
}

#[test]
fn the_status_of_the_target() {
    let world = World::new("the_status_of_the_target");
    let [tcp, rdma, _looped, fc] = targets();
    for target in [&tcp, &rdma, &fc] {
        let words = ["NVMe status 0x182, Connect Invalid Parameters"];
        fails(&world, target, "nqn.2026-11.none:1", &[], &words);
    }
}

#[test]
fn a_host_that_is_not_allowed() {
    let world = World::new("a_host_that_is_not_allowed");
    let targets = targets();
    targets[0].allow(NQN, &AllowedHost::new(HOST));
    for target in &targets {
        let other = ["--hostnqn=nqn.2026-11.host:2"];
        fails(
            &world,
            target,
            NQN,
            &other,
            &["not for this host", "`nqn.2026-11.host:2`"],
        );
        let hostnqn = format!("--hostnqn={HOST}");
        world
            .nvmf_connect(target, NQN, &[&hostnqn])
            .expect_success();
        world.nvmf(&["disconnect", "-n", NQN]).expect_success();
    }
}

#[test]
fn keys_that_do_not_fit() {
    let world = World::new("keys_that_do_not_fit");
    let targets = targets();
    targets[0].allow(NQN, &AllowedHost::new(HOST).key(HOST_KEY));
    let hostnqn = format!("--hostnqn={HOST}");
    let damaged = HOST_KEY.replace("AQgP", "AQgQ");
    for target in &targets {
        fails(&world, target, NQN, &[&hostnqn], &["it has no secret"]);
        fails(
            &world,
            target,
            NQN,
            &[&hostnqn, "-S", &damaged],
            &["its checksum is wrong"],
        );
        fails(
            &world,
            target,
            NQN,
            &[&hostnqn, "-S", "hush"],
            &["not a DH-HMAC-CHAP secret"],
        );
        // Over tcp and rdma the target sometimes ends the connection before its answer has left (nvmet:
        // "fatal error occurred"), and the host's kernel waits for that for a minute or two.
        let by_network = ["--transport=tcp", "--transport=rdma"].map(str::to_owned);
        if !target.options().iter().any(|it| by_network.contains(it)) {
            let wrong = [&*hostnqn, "-S", WRONG_KEY];
            let words = ["another secret for this host"];
            fails(&world, target, NQN, &wrong, &words);
        }
        let none_of_its_own = [&*hostnqn, "-S", HOST_KEY, "-C", CTRL_KEY];
        let words = ["none to answer --dhchap-ctrl-secret"];
        fails(&world, target, NQN, &none_of_its_own, &words);
        let right = [&*hostnqn, "-S", HOST_KEY];
        world.nvmf_connect(target, NQN, &right).expect_success();
        world.nvmf(&["disconnect", "-n", NQN]).expect_success();
    }
}

#[test]
fn keys_both_ways() {
    let world = World::new("keys_both_ways");
    let targets = targets();
    let host = AllowedHost::new(HOST).key(HOST_KEY).ctrl_key(CTRL_KEY);
    let host = host.hash("hmac(sha384)").dhgroup("ffdhe2048");
    targets[0].allow(NQN, &host);
    let hostnqn = format!("--hostnqn={HOST}");
    for target in &targets {
        let right = [&*hostnqn, "-S", HOST_KEY, "-C", CTRL_KEY];
        world.nvmf_connect(target, NQN, &right).expect_success();
        world.nvmf(&["disconnect", "-n", NQN]).expect_success();
    }
    // Over tcp and rdma the kernel takes a minute for this.
    let [_tcp, _rdma, looped, _fc] = targets;
    let wrong = [&*hostnqn, "-S", HOST_KEY, "-C", WRONG_KEY];
    fails(&world, &looped, NQN, &wrong, &["is it the right target?"]);
}

#[test]
fn options_and_addresses_that_do_not_fit() {
    let world = World::new("options_and_addresses_that_do_not_fit");
    let [tcp, rdma, _looped, fc] = &targets();
    let cases: &[(&Target, &[&str], &[&str])] = &[
        (tcp, &["--concat"], &["does not know the option concat"]),
        (tcp, &["--tls"], &["no TLS key", "--tls-key"]),
        (tcp, &["--tls", "--tls-key=12345"], &["serial number"]),
        (tcp, &["-f", "nope9"], &["host-iface"]),
        (tcp, &["-w", "203.0.113.9"], &["host-traddr"]),
        (rdma, &["-g"], &["does not take the option hdr-digest"]),
        (rdma, &["-w", "203.0.113.9"], &["host-traddr"]),
        (fc, &["-g"], &["does not take the option hdr-digest"]),
    ];
    for (target, options, words) in cases {
        fails(&world, target, NQN, options, words);
    }
    let (target, host) = (fc.traddr(), fc.host_traddr().unwrap());
    let unknown = "nn-0x10001100ab000009:pn-0x20001100ab000009";
    for (target, host) in [(unknown, host), (target, unknown)] {
        let connect = ["connect", "-t", "fc", "-n", NQN, "-a", target, "-w", host];
        let said = world.nvmf(&connect).expect_failure(1);
        assert!(said.contains("no FC port of this host"), "{said}");
    }
    let alone = world.nvmf(&["connect", "-t", "fc", "-n", NQN, "-a", target]);
    let said = alone.expect_failure(1);
    assert!(said.contains("host-traddr"), "{said}");
    let refused = [
        "connect",
        "-t",
        "rdma",
        "-n",
        NQN,
        "-a",
        "192.0.2.1",
        "-s",
        "4999",
    ];
    let said = world.nvmf(&refused).expect_failure(1);
    assert!(said.contains("nothing listens on this port"), "{said}");
}

#[test]
fn one_host_with_two_ids() {
    let world = World::new("one_host_with_two_ids");
    let target = Target::tcp("127.0.0.1", 4420).empty_subsystems("nqn.2026-11.ids:", 2);
    let id = |n: u8| format!("--hostid=11111111-1111-1111-1111-11111111110{n}");
    let (one, two, host) = (id(1), id(2), format!("--hostnqn={HOST}"));
    world
        .nvmf_connect(&target, "nqn.2026-11.ids:1", &[&host, &one])
        .expect_success();
    for (options, words) in [
        ([&*host, &*two], "another hostid"),
        (["--hostnqn=nqn.2026-11.host:2", &one], "another hostnqn"),
    ] {
        let said = world
            .nvmf_connect(&target, "nqn.2026-11.ids:2", &options)
            .expect_failure(1);
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn a_target_that_wants_tls() {
    let world = World::new("a_target_that_wants_tls");
    let target = Target::tls("127.0.0.1", 4420).subsystem(NQN);
    fails(&world, &target, NQN, &[], &["TLS"]);
}

#[test]
fn a_log_that_cannot_be_read_costs_the_reason_alone() {
    let world = World::new("a_log_that_cannot_be_read_costs_the_reason_alone");
    let target = Target::tcp("127.0.0.1", 4420).subsystem(NQN);
    let hide = "mount --bind /dev/null /dev/kmsg && exec \"$@\"";
    let mut arguments = vec!["-m", "sh", "-c", hide, "sh", "nvmf"];
    let connect = target.connect_arguments("nqn.2026-11.none:1");
    arguments.extend(connect.iter().map(String::as_str));
    let said = world.run("unshare", &arguments).expect_failure(1);
    assert!(said.contains("the target rejects it"), "{said}");
}
