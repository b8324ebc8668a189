//! What neighbours said, in the words of Ironic's LLDP hooks: TLVs as numbers and hexadecimal digits, by interface. Pure.

use crate::codec::hex;
use crate::codec::json::{Number, Object, Value, gather, number, text};
use crate::net::lldp::{Neighbours, Tlv};

/// `{"eth0": [[1, "04…"], …], "eth1": []}`: the inspection's `lldp_raw`.
pub fn lldp_raw(neighbours: &Neighbours) -> Value {
    let named = |(name, tlvs): &(String, Vec<Tlv>)| (name.clone(), of_interface(tlvs));
    Value::Object(gather(neighbours.iter().map(named)))
}

/// `[[1, "04…"], …]`: an interface's `lldp`.
pub fn of_interface(tlvs: &[Tlv]) -> Value {
    let pair = |tlv: &Tlv| {
        let pair = [number(tlv.kind.into()), text(hex::encode(&tlv.value))];
        Value::Array(pair.into_iter().collect())
    };
    Value::Array(tlvs.iter().map(pair).collect())
}

/// Back from [`lldp_raw`]; none when it is anything else.
pub fn parse(interfaces: &Object) -> Option<Neighbours> {
    let mut heard = Neighbours::new();
    for (name, pairs) in interfaces.iter() {
        let Value::Array(pairs) = pairs else {
            return None;
        };
        let tlvs: Option<Vec<Tlv>> = pairs.iter().map(tlv).collect();
        heard.push((name.clone(), tlvs?));
    }
    Some(heard)
}

fn tlv(pair: &Value) -> Option<Tlv> {
    let Value::Array(pair) = pair else {
        return None;
    };
    let (Value::Number(Number::U64(kind)), Value::String(digits)) = (pair.first()?, pair.get(1)?)
    else {
        return None;
    };
    Some(Tlv {
        kind: u8::try_from(*kind).ok()?,
        value: hex::decode(digits)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;

    #[test]
    fn what_is_written_is_read_again() {
        let tlv = |kind, value: &[u8]| Tlv {
            kind,
            value: value.to_vec(),
        };
        let heard = vec![
            ("eth0".to_owned(), vec![tlv(1, b"\x04\x02"), tlv(0, b"")]),
            ("eth1".to_owned(), Vec::new()),
        ];
        let raw = lldp_raw(&heard);
        let text = r#"{"eth0":[[1,"0402"],[0,""]],"eth1":[]}"#;
        assert_eq!(json::print(&raw), text);
        let read = |text: &str| match json::parse(text) {
            Ok(Value::Object(object)) => parse(&object),
            other => panic!("{other:?}"),
        };
        assert_eq!(read(text), Some(heard));
        for broken in [
            r#"{"a":7}"#,
            r#"{"a":[[1,"0"]]}"#,
            r#"{"a":[[256,""]]}"#,
            r#"{"a":[[1]]}"#,
        ] {
            assert_eq!(read(broken), None, "{broken}");
        }
    }
}
