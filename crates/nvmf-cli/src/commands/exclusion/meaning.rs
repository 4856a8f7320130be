//! When two entries say the same.

use nvmf_types::exclusion::Rule;
use nvmf_types::{FcName, HostId, Traddr, Transport};

/// Whether two entries ask for the same fields with values that mean the same, however they are
/// written.
pub(super) fn same(a: &Rule, b: &Rule) -> bool {
    let mut fields = a.fields().zip(b.fields());
    let same = |((key, x), (other, y))| key == other && (x == y || same_value(key, x, y));
    a.fields().count() == b.fields().count() && fields.all(same)
}

fn same_value(key: &str, a: &str, b: &str) -> bool {
    match key {
        "traddr" | "host-traddr" => {
            let ip = |text: &str| Traddr::parse(Transport::Tcp, text).ok();
            let fc = |text: &str| text.parse::<FcName>().ok();
            (ip(a).is_some() && ip(a) == ip(b)) || (fc(a).is_some() && fc(a) == fc(b))
        }
        "hostid" => {
            let id = |text: &str| text.parse::<HostId>().ok();
            id(a).is_some() && id(a) == id(b)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_value_and_in_any_order() {
        for (a, b, expected) in [
            ("nqn=a;transport=tcp", "transport=tcp;nqn=a;", true),
            ("traddr=::1", "traddr=0:0::1", true),
            ("traddr=::ffff:192.0.2.1", "traddr=192.0.2.1", true),
            (
                "traddr=NN-0x10001100AB000001:pn-0x20001100ab000001",
                "traddr=nn-0x10001100ab000001:pn-0x20001100ab000001",
                true,
            ),
            (
                "hostid=F81D4FAE7DEC11D0A76500A0C91E6BF6",
                "hostid=f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
                true,
            ),
            ("traddr=fe80::1", "traddr=fe80::1%eth0", false),
            ("traddr=::1", "host-traddr=::1", false),
            ("traddr=Port1", "traddr=port1", false),
            ("transport=tcp", "transport=tcp;nqn=a", false),
            ("transport=tcp;nqn=a", "transport=tcp;nqn=b", false),
            ("transport=tcp", "transport=TCP", false),
            ("trsvcid=4420", "trsvcid=04420", false),
            ("nqn=a", "hostnqn=a", false),
        ] {
            let (a, b) = (a.parse().unwrap(), b.parse().unwrap());
            assert_eq!(
                (same(&a, &b), same(&b, &a)),
                (expected, expected),
                "{a} / {b}"
            );
        }
    }
}
