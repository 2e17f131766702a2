//! Any bytes as a model file. What is read without an error agrees with the size of the file, and an estimate can be made of it.

use std::io::Cursor;

use ratatosk_engine::gguf::{Header, KvType, Limits, Use};

pub fn run(data: &[u8]) {
    let Ok(header) = Header::read(Cursor::new(data), &Limits::default()) else { return };
    let bytes: u64 = header.tensors.iter().map(|tensor| tensor.bytes).sum();
    assert!(header.size == data.len() as u64 && bytes <= header.size, "the weights are there");
    let facts = &header.facts;
    assert!(facts.vocabulary > 0 && u64::from(facts.vocabulary) * 8 <= header.size, "so are the tokens");
    for token in [&facts.bos, &facts.eos].into_iter().flatten() {
        assert!(token.id < facts.vocabulary && token.text.len() <= data.len() * 3);
    }
    assert!(facts.kv_heads.is_empty() || facts.kv_heads.len() == facts.layers as usize);
    for usage in [
        Use { context: 4096, slots: 1, kv: KvType::F16, batch: 64 },
        Use { context: u32::MAX, slots: u32::MAX, kv: KvType::F32, batch: u32::MAX },
    ] {
        assert!(header.memory(usage).total() >= bytes);
    }
}
