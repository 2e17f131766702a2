use super::*;
use crate::EngineError;
use crate::testing::{Broken, broken_model};

/// Why `source` is not used.
fn refused(source: &str) -> String {
    match template(source).trouble() {
        Some(EngineError::BadTemplate { reason }) => reason.clone(),
        other => panic!("{source:?}: {other:?}"),
    }
}

const CONTENT: &str = "{{ messages[0].content }}";

#[test]
fn a_template_that_does_not_end_is_stopped() {
    let loops = "{% for a in range(99999) %}{% for b in range(99999) %}{% set c = a * b %}{% endfor %}{% endfor %}";
    assert!(refused(loops).contains("fuel"), "{}", refused(loops));
    let itself = "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}";
    assert!(refused(itself).contains("recursion"), "{}", refused(itself));
    let bytes = broken_model(Broken::EndlessTemplate);
    let header = crate::gguf::Header::read(std::io::Cursor::new(bytes), &crate::gguf::Limits::default()).unwrap();
    assert!(matches!(Template::of(&header.facts).trouble(), Some(EngineError::BadTemplate { .. })));
}

#[test]
fn a_template_that_writes_too_much_is_stopped() {
    let long = "{% for a in range(5000) %}0123456789012345678901234567890123456789{% endfor %}";
    assert_eq!(refused(long), "it writes too much");
    assert_eq!(refused("{{ 'x' * 99000000 }}"), "it writes too much");
    refused(&format!("{{# {} #}}", "x".repeat(200_000)));
}

#[test]
fn a_template_reaches_nothing_else() {
    for source in
        ["{% include 'chat' %}", "{% extends 'chat' %}", "{% import '/etc/passwd' as x %}", "{{ env('HOME') }}"]
    {
        refused(source);
    }
    refused("{{ strftime_now('%Y' * 100) }}");
    refused("{{ strftime_now('%!') }}");
    assert!(refused("{{ raise_exception('not today') }}").contains("not today"));
}

#[test]
fn a_template_that_spoils_contents_is_not_used() {
    for (source, why) in [
        ("nothing", "leaves out"),
        ("{% for m in messages %}{{ m.content[:2] }}{% endfor %}", "cuts"),
        ("{% for m in messages %}{{ m.content[1:] }}{% endfor %}", "cuts"),
        ("{% for m in messages %}{{ m.content | replace('0', '9') }}{% endfor %}", "changes"),
        ("{% for m in messages %}{% for a in range(9) %}{{ m.content }}{% endfor %}{% endfor %}", "repeats"),
        ("{% for m in messages[1:] %}{{ m.content }}{% endfor %}", "leaves out"),
    ] {
        assert!(refused(source).contains(why), "{source}: {}", refused(source));
    }
    refused(CONTENT);
}

#[test]
fn a_template_that_fails_only_later_fails_with_a_reason() {
    let template =
        template("{% for m in messages %}{{ m.content }}{% if loop.index > 20 %}{{ 1 / 0 }}{% endif %}{% endfor %}");
    assert_eq!(template.trouble(), None);
    let many: Vec<_> = (0..30).map(|_| ('u', "x")).collect();
    assert!(matches!(template.render(&turns(&many)), Err(EngineError::BadTemplate { .. })));
}

#[test]
fn many_turns_are_no_endless_template() {
    let many: Vec<_> = (0..4096).map(|at| (if at % 2 == 0 { 'u' } else { 'a' }, "x")).collect();
    for source in [templates::QWEN_3, templates::LLAMA_3, templates::MISTRAL] {
        let pieces = template(source).render(&turns(&many)).unwrap();
        assert_eq!(pieces.iter().filter(|piece| matches!(piece, Piece::Content(_))).count(), 4096);
    }
}
