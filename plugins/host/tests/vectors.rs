//! Every vector of the stack, with the plugins in both of their forms and in a mixture of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use common::plugin;
use ratatosk_conformance::vectors::{Codec, Known, Ratatosk, VectorFile, replay};
use ratatosk_protocol::plugin::Form;

/// The files whose cases run through a stack.
const FILES: [(&str, usize); 5] =
    [("encryption", 70), ("escape", 87), ("fragmentation", 52), ("stack", 28), ("timers", 8)];

fn all_answers_are_the_expected_ones(codec: &mut dyn Codec) {
    let known = Known::ratatosk().unwrap();
    let mut reports = Vec::new();
    for file in VectorFile::all().unwrap() {
        let Some((_, count)) = FILES.iter().find(|(name, _)| *name == file.name) else { continue };
        let report = replay(&file, codec).unwrap();
        assert_eq!(report.cases.len(), *count, "{}", file.name);
        reports.push(report);
    }
    assert_eq!(reports.len(), FILES.len());
    let surprises: Vec<_> = known.surprises(&reports).iter().map(ToString::to_string).collect();
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
}

fn with(mut form: impl FnMut() -> Form + 'static) -> Ratatosk {
    Ratatosk::with_plugins(Box::new(move |spec, now, entropy| plugin(form(), spec, now, entropy)))
}

#[test]
fn linked() {
    all_answers_are_the_expected_ones(&mut with(|| Form::Native));
}

#[test]
fn as_modules() {
    all_answers_are_the_expected_ones(&mut with(|| Form::Wasm));
}

#[test]
fn mixed() {
    let forms = [Form::Wasm, Form::Native, Form::Native, Form::Wasm, Form::Wasm];
    let mut next = forms.into_iter().cycle();
    all_answers_are_the_expected_ones(&mut with(move || next.next().unwrap()));
}
