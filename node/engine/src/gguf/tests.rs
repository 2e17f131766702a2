use std::io::Cursor;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::super::{KvType, Use};
use super::*;
use crate::testing::{Broken, Tiny, Value, Writer, broken_model, tiny_model};

fn read(bytes: &[u8]) -> Result<Header, Error> {
    Header::read(Cursor::new(bytes), &Limits::default())
}

fn why(bytes: &[u8]) -> String {
    format!("{:?}", read(bytes).unwrap_err())
}

#[test]
fn a_model_says_what_it_is() {
    let file = tiny_model(&Tiny { context: 1024, ..Tiny::default() });
    let header = read(&file).unwrap();
    assert_eq!((header.version, header.size), (3, file.len() as u64));
    let facts = &header.facts;
    assert_eq!((facts.architecture.as_str(), facts.name.as_deref()), ("llama", Some("Tiny")));
    assert_eq!((facts.context_length, facts.layers, facts.embedding), (1024, 2, 64));
    assert_eq!((facts.heads, facts.kv_heads.as_slice(), facts.key_value_length), (4, &[2, 2][..], (16, 16)));
    assert_eq!((facts.feed_forward, facts.quantisation.as_str()), (128, "F32"));
    assert_eq!(u64::from(facts.vocabulary) * 64, header.tensors[0].elements);
    assert_eq!(facts.parameters, header.tensors.iter().map(|tensor| tensor.elements).sum::<u64>());
    assert_eq!(facts.bos.as_ref().unwrap().text, "<|endoftext|>");
    assert_eq!(facts.eos.as_ref().unwrap().text, "<|im_end|>");
    assert_eq!(facts.add_bos, Some(false));
    assert_eq!(facts.chat_template.as_deref(), Some(crate::testing::CHATML));
    facts.check_supported().unwrap();
}

#[test]
fn every_broken_file_is_told_apart() {
    for broken in Broken::ALL {
        let said = match read(&broken_model(broken)) {
            Ok(header) => match header.facts.check_supported() {
                Ok(()) => "whole".to_owned(),
                Err(error) => error.to_string(),
            },
            Err(error) => error.of(Path::new("model.gguf")).to_string(),
        };
        let wanted = match broken {
            Broken::Empty => "it is empty",
            Broken::NotAModel => "it is a web page",
            Broken::TruncatedMetadata => "it has 600 bytes of",
            Broken::TruncatedWeights => "truncated",
            Broken::Version => "version 77",
            Broken::TensorBeyondEnd => "its tensor \"blk.1.ffn_down.weight\" lies at",
            Broken::HugeCounts => "it claims 18446744073709551615 tensors",
            Broken::AbsurdContext => "its \"llama.context_length\" is 4294967295",
            Broken::Architecture => "it does not say its \"yggdrasil.block_count\"",
            Broken::NoTemplate | Broken::EndlessTemplate => "whole",
        };
        assert!(said.contains(wanted), "{broken:?}: {said}");
    }
}

#[test]
fn a_length_is_not_believed() {
    let claims = |bytes: &[u8]| {
        let mut file = Writer::default().bytes();
        file[16..24].copy_from_slice(&1u64.to_le_bytes());
        file.truncate(24);
        file.extend(bytes);
        why(&file)
    };
    let key = |kind: u32| [&1u64.to_le_bytes()[..], b"k", &kind.to_le_bytes()].concat();
    assert!(claims(&[0xff; 8]).contains("a key of the metadata would have 18446744073709551615 bytes"));
    assert!(claims(&(1u64 << 40).to_le_bytes()).contains("a key of the metadata would have"));
    assert!(claims(&[key(8), u64::MAX.to_le_bytes().to_vec()].concat()).contains("a text of the metadata would have"));
    let array =
        |kind: u32, count: u64| claims(&[key(9), kind.to_le_bytes().to_vec(), count.to_le_bytes().to_vec()].concat());
    assert!(array(8, u64::MAX).contains("claims 18446744073709551615 elements"));
    assert!(array(4, 1 << 21).contains("Truncated"));
    assert!(array(9, 1).contains("arrays inside arrays"));
    assert!(array(99, 1).contains("unknown type 99"));
}

#[test]
fn values_of_all_types_are_read() {
    let mut file = Writer::default();
    let values = [
        Value::U8(1),
        Value::I8(-1),
        Value::U16(1),
        Value::I16(-1),
        Value::U32(1),
        Value::I32(-1),
        Value::F32(0.5),
        Value::Bool(true),
        Value::from("text"),
        Value::U64(1),
        Value::I64(-1),
        Value::F64(0.5),
    ];
    for (at, value) in values.iter().enumerate() {
        file.set(&format!("one.{at}"), value.clone());
        file.set(&format!("many.{at}"), Value::Array(vec![value.clone(); 3000]));
    }
    assert!(why(&file.bytes()).contains("it has no weights"), "{}", why(&file.bytes()));
    file.version(2);
    assert!(why(&file.bytes()).contains("it has no weights"));
}

#[test]
fn a_table_that_contradicts_itself_is_refused() {
    let mut file = Writer::default();
    file.tensor("a", &[4], vec![0.0; 4]);
    file.tensor("a", &[4], vec![0.0; 4]);
    assert!(why(&file.bytes()).contains("twice"));
    for dimensions in [&[][..], &[1; 5], &[0], &[usize::MAX, 3], &[usize::MAX / 4]] {
        let mut file = Writer::default();
        file.tensor("a", dimensions, vec![0.0]);
        let why = why(&file.bytes());
        assert!(why.contains("dimensions"), "{dimensions:?}: {why}");
    }
    let mut file = Writer::default();
    file.set("general.alignment", Value::U32(24));
    assert!(why(&file.bytes()).contains("aligned to 24 bytes"));
}

#[test]
fn what_is_no_model_is_named() {
    for (key, value, wanted) in [
        ("general.type", Value::from("adapter"), "an adapter"),
        ("general.type", Value::from("mmproj"), "sees pictures"),
        ("split.count", Value::U16(3), "one of 3 parts"),
    ] {
        let mut file = Writer::default();
        file.set(key, value);
        file.tensor("a", &[4], vec![0.0; 4]);
        let why = why(&file.bytes());
        assert!(why.contains(wanted), "{why}");
    }
}

#[test]
fn memory_grows_with_the_context() {
    let header = read(&tiny_model(&Tiny::default())).unwrap();
    let usage = Use { context: 1024, slots: 1, kv: KvType::F16, batch: 64 };
    let one = header.memory(usage);
    assert_eq!(one.weights, header.tensors.iter().map(|tensor| tensor.bytes).sum::<u64>());
    // Two layers, two heads, 16 numbers each for key and value, two bytes each.
    assert_eq!(one.kv, 2 * 2 * 32 * 2 * 1024);
    let four = header.memory(Use { slots: 4, ..usage });
    assert_eq!(four.kv, 4 * one.kv);
    assert!(header.memory(Use { kv: KvType::Q8, ..usage }).kv < one.kv);
    let most = header.memory(Use { context: u32::MAX, slots: u32::MAX, kv: KvType::F32, batch: u32::MAX });
    assert!(most.total() > one.total());
}

#[test]
fn a_file_that_is_not_there_is_said_to_be_missing() {
    let error = open(Path::new("nowhere/model.gguf")).unwrap_err();
    assert_eq!(error, EngineError::FileMissing { path: "nowhere/model.gguf".to_owned() });
}

proptest! {
    #[test]
    fn any_changed_file_is_refused_or_keeps_to_its_size(
        changes in prop::collection::vec((0usize..24_000, any::<u8>()), 1..8),
        cut in prop::option::of(0usize..500_000),
    ) {
        static FILE: LazyLock<Vec<u8>> = LazyLock::new(|| tiny_model(&Tiny::saying("ok")));
        let mut file = FILE.clone();
        for (at, byte) in changes {
            file[at] = byte;
        }
        file.truncate(cut.unwrap_or(usize::MAX));
        if let Ok(header) = read(&file) {
            let bytes: u64 = header.tensors.iter().map(|tensor| tensor.bytes).sum();
            prop_assert!(bytes <= header.size);
            let facts = header.facts;
            prop_assert!(facts.bos.is_none_or(|token| token.id < facts.vocabulary));
        }
    }
}
