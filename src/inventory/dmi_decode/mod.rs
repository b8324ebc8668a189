//! The collector `dmi-decode`: firmware, processors and memory in the words of dmidecode 3.6, as upstream's agent takes
//! them from its output.
//!
//! "SMBIOS" below is DMTF DSP0134, version 3.7.

mod firmware;
mod memory;
mod processor;
mod processor_names;
mod rows;

use crate::codec::json::{Object, Value, gather, number};
use crate::error::Result;
use crate::inventory::dmi::{FIRMWARE, MEMORY_ARRAY, MEMORY_DEVICE, PROCESSOR, Structure, Tables};
use crate::system_root::SystemRoot;
use rows::Rows;

/// `dmi`: `bios` {}, `cpu` [], `memory` {…, `Number Of Devices`, `devices` []}. Values are text or lists of text; blank text
/// is an empty list, as upstream has it. A machine without tables has all of them empty; tables that cannot be read
/// are an error.
pub fn collect(host: &SystemRoot) -> Result<Value> {
    Ok(decode(&Tables::try_read(host)?))
}

/// Of processors and of modules no more than this many: the largest machines have 1536, and what a table says of one byte
/// may take a hundred.
const MOST: usize = 2048;

/// The same of tables at hand. Pure.
pub fn decode(tables: &Tables) -> Value {
    let (mut firmware, mut array) = (Object::new(), None);
    let (mut processors, mut devices) = (Vec::new(), Vec::new());
    let mut places: u64 = 0;
    for one in tables.structures() {
        match one.kind() {
            // Of several, the last.
            FIRMWARE => firmware = rows(&one, firmware::decode),
            PROCESSOR if processors.len() < MOST => processors
                .push(Value::Object(rows(&one, |one, rows| {
                    processor::decode(one, tables.version(), rows)
                }))),
            MEMORY_ARRAY => {
                places = places.saturating_add(memory::places(&one));
                array.get_or_insert_with(|| rows(&one, memory::array));
            }
            MEMORY_DEVICE if devices.len() < MOST => {
                devices.push(Value::Object(rows(&one, memory::device)))
            }
            _ => {}
        }
    }
    let is_array = array.is_some();
    let mut memory = array.unwrap_or_default();
    if is_array {
        memory.remove(HANDLE);
        memory.insert("Number Of Devices".to_owned(), number(places));
    }
    let list = |objects: Vec<Value>| Value::Array(objects.into_iter().collect());
    if !is_array || !devices.is_empty() {
        memory.insert("devices".to_owned(), list(devices));
    }
    let parts = [
        ("bios", Value::Object(firmware)),
        ("cpu", list(processors)),
        ("memory", Value::Object(memory)),
    ];
    Value::Object(gather(parts.map(|(name, part)| (name.to_owned(), part))))
}

const HANDLE: &str = "Handle";

/// What `decode` tells of a structure, and the line that dmidecode puts above it.
fn rows(one: &Structure, decode: impl FnOnce(&Structure, &mut Rows)) -> Object {
    let mut rows = Rows::default();
    rows.text(
        HANDLE,
        format!(
            "Handle 0x{:04X}, DMI type {}, {} bytes",
            one.handle(),
            one.kind(),
            one.length()
        ),
    );
    decode(one, &mut rows);
    rows.into_object()
}
