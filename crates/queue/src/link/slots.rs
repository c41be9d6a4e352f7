//! Which node of a cluster has which slot.

use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::Value;

/// How many slots a cluster has.
const SLOTS: usize = 16384;

/// Where no node has a slot.
const NONE: u16 = u16::MAX;

/// How long a map is not asked for again, however many answers say that it is old.
const FRESH_FOR: Duration = Duration::from_millis(300);

/// The map, as a node of the cluster has told it.
#[derive(Debug)]
pub(super) struct Slots {
    nodes: Vec<Arc<str>>,
    /// For each slot the place of its node in `nodes`; empty before the first answer.
    of: Vec<u16>,
    told: Option<Instant>,
    stale: bool,
}

impl Default for Slots {
    fn default() -> Self {
        Self {
            nodes: Vec::new(),
            of: Vec::new(),
            told: None,
            stale: true,
        }
    }
}

impl Slots {
    /// The node that has this slot, `host:port`; of no slot in particular, any.
    pub(super) fn node(&self, slot: Option<u16>) -> Option<Arc<str>> {
        let place = match slot {
            Some(slot) => *self.of.get(usize::from(slot))?,
            None => *self.of.iter().find(|place| **place != NONE)?,
        };
        self.nodes.get(usize::from(place)).cloned()
    }

    /// The nodes that have slots.
    pub(super) fn masters(&self) -> Vec<Arc<str>> {
        let mut has_any = vec![false; self.nodes.len()];
        for place in &self.of {
            if let Some(has) = has_any.get_mut(usize::from(*place)) {
                *has = true;
            }
        }
        let nodes = self.nodes.iter().zip(has_any);
        let mut masters: Vec<_> = nodes
            .filter(|(_, any)| *any)
            .map(|(node, _)| node)
            .collect();
        masters.sort();
        masters.into_iter().cloned().collect()
    }

    /// Whether it is to be asked for (again).
    pub(super) fn is_old(&self) -> bool {
        self.stale && self.told.is_none_or(|told| told.elapsed() >= FRESH_FOR)
    }

    /// Something was not as it says.
    pub(super) fn distrust(&mut self) {
        self.stale = true;
    }

    /// A node has said that another one has the slot.
    pub(super) fn moved(&mut self, slot: u16, node: &Arc<str>) {
        self.stale = true;
        let place = self.place_of(node);
        if let Some(of) = self.of.get_mut(usize::from(slot)) {
            *of = place;
        }
    }

    fn place_of(&mut self, node: &Arc<str>) -> u16 {
        let known = self.nodes.iter().position(|known| known == node);
        let place = known.unwrap_or_else(|| {
            self.nodes.push(Arc::clone(node));
            self.nodes.len() - 1
        });
        u16::try_from(place).unwrap_or(NONE)
    }

    /// Takes the answer of `CLUSTER SLOTS` by the node at `host`. False where it is not one.
    pub(super) fn read(&mut self, answer: Value, host: &str) -> bool {
        let Value::Array(ranges) = answer else {
            return false;
        };
        let mut read = Self {
            nodes: Vec::new(),
            of: vec![NONE; SLOTS],
            told: Some(Instant::now()),
            stale: false,
        };
        for range in ranges {
            let Some((first, last, node)) = range_of(range, host) else {
                return false;
            };
            let place = read.place_of(&node);
            let slots = read.of.iter_mut().take(last + 1).skip(first);
            slots.for_each(|of| *of = place);
        }
        *self = read;
        true
    }

    /// Nobody could be asked: not again at once.
    pub(super) fn not_told(&mut self) {
        self.told = Some(Instant::now());
    }
}

/// `first, last, [host, port, …], …`: a range of slots, and its primary.
fn range_of(range: Value, asked: &str) -> Option<(usize, usize, Arc<str>)> {
    let Value::Array(parts) = range else {
        return None;
    };
    let mut parts = parts.into_iter();
    let (Value::Int(first), Value::Int(last)) = (parts.next()?, parts.next()?) else {
        return None;
    };
    let Value::Array(node) = parts.next()? else {
        return None;
    };
    let mut node = node.into_iter();
    let host = match node.next()? {
        Value::BulkString(host) => String::from_utf8(host).ok()?,
        Value::SimpleString(host) => host,
        _ => String::new(),
    };
    let Value::Int(port) = node.next()? else {
        return None;
    };
    // A node that does not know its own address means the one under which it was asked.
    let host = match host.as_str() {
        "" | "?" => asked,
        host => host,
    };
    let (first, last) = (usize::try_from(first).ok()?, usize::try_from(last).ok()?);
    Some((first, last, format!("{host}:{port}").into()))
}

/// The slot of a key: by what stands in its first braces, where there is something, and else by all of it.
pub(super) fn slot_of(key: &[u8]) -> u16 {
    let braced = key.iter().position(|byte| *byte == b'{').and_then(|open| {
        let rest = &key[open + 1..];
        let close = rest.iter().position(|byte| *byte == b'}')?;
        (close > 0).then(|| &rest[..close])
    });
    crc16(braced.unwrap_or(key)) % SLOTS as u16
}

/// CRC-16/XMODEM, as Redis Cluster's specification says.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| match crc & 0x8000 {
            0 => crc << 1,
            _ => (crc << 1) ^ 0x1021,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31c3, "the value that it gives");
        assert_eq!(slot_of(b"foo"), 12182);
        assert_eq!(slot_of(b"{user1000}.following"), slot_of(b"user1000"));
        assert_eq!(slot_of(b"foo{}{bar}"), crc16(b"foo{}{bar}") % 16384);
        assert_eq!(slot_of(b"foo{{bar}}zap"), slot_of(b"{bar"));
    }

    fn range(first: i64, last: i64, host: &str, port: i64) -> Value {
        let node = vec![Value::BulkString(host.into()), Value::Int(port)];
        Value::Array(vec![
            Value::Int(first),
            Value::Int(last),
            Value::Array(node),
        ])
    }

    #[test]
    fn a_map_is_read_moved_and_read_again() {
        let mut slots = Slots::default();
        assert!(slots.is_old() && slots.node(Some(0)).is_none());
        let told = vec![range(0, 99, "a", 1), range(200, 16383, "", 2)];
        assert!(slots.read(Value::Array(told), "here"));
        assert!(!slots.is_old());
        let node = |slots: &Slots, slot| slots.node(Some(slot)).map(|node| node.to_string());
        assert_eq!(node(&slots, 99).as_deref(), Some("a:1"));
        assert_eq!(node(&slots, 100), None, "nobody has it");
        assert_eq!(node(&slots, 16383).as_deref(), Some("here:2"));
        slots.moved(99, &"b:3".into());
        assert_eq!(node(&slots, 99).as_deref(), Some("b:3"));
        let masters: Vec<_> = slots.masters().iter().map(ToString::to_string).collect();
        assert_eq!(masters, ["a:1", "b:3", "here:2"]);
        assert!(!slots.read(Value::Okay, "here"), "no map");
        assert_eq!(node(&slots, 99).as_deref(), Some("b:3"), "it is kept");
    }
}
