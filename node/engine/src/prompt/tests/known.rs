use super::templates::{DEAF, GEMMA, LLAMA_3, MISTRAL, QWEN_3, SMOLLM2};
use super::*;
use crate::EngineError;

const TALK: &[(char, &str)] = &[('s', "Be kind."), ('u', "Anna: hello"), ('a', "hi"), ('u', "Ben: bye")];
const CROWD: &[(char, &str)] = &[('s', "Be kind."), ('a', "welcome"), ('u', "Anna: hello"), ('u', "Ben: hello")];

#[test]
fn smollm2() {
    assert_eq!(
        rendered(SMOLLM2, TALK),
        "<|im_start|>system\n[Be kind.]<|im_end|>\n<|im_start|>user\n[Anna: hello]<|im_end|>\n\
         <|im_start|>assistant\n[hi]<|im_end|>\n<|im_start|>user\n[Ben: bye]<|im_end|>\n<|im_start|>assistant\n"
    );
    let alone = rendered(SMOLLM2, &[('u', "hello")]);
    assert!(alone.starts_with("<|im_start|>system\nYou are a helpful AI assistant named SmolLM"), "{alone}");
}

#[test]
fn llama_3() {
    assert_eq!(
        rendered(LLAMA_3, TALK),
        "<s><|start_header_id|>system<|end_header_id|>\n\nToday Date: 21 Nov 2026\n\n[Be kind.]<|eot_id|>\
         <|start_header_id|>user<|end_header_id|>\n\n[Anna: hello]<|eot_id|>\
         <|start_header_id|>assistant<|end_header_id|>\n\n[hi]<|eot_id|>\
         <|start_header_id|>user<|end_header_id|>\n\n[Ben: bye]<|eot_id|>\
         <|start_header_id|>assistant<|end_header_id|>\n\n"
    );
}

#[test]
fn mistral_has_no_place_for_instructions_and_wants_turns_in_order() {
    assert_eq!(rendered(MISTRAL, TALK), "<s>[INST] [Be kind.\n\nAnna: hello] [/INST][hi]</s>[INST] [Ben: bye] [/INST]");
    assert_eq!(
        rendered(MISTRAL, CROWD),
        "<s>[INST] [Be kind.\n\n…] [/INST][welcome]</s>[INST] [Anna: hello\n\nBen: hello] [/INST]"
    );
}

#[test]
fn gemma_refuses_instructions() {
    assert_eq!(
        rendered(GEMMA, TALK),
        "<s><start_of_turn>user\n[Be kind.\n\nAnna: hello]<end_of_turn>\n<start_of_turn>model\n[hi]<end_of_turn>\n\
         <start_of_turn>user\n[Ben: bye]<end_of_turn>\n<start_of_turn>model\n"
    );
}

#[test]
fn qwen_takes_a_crowd_as_it_is() {
    assert_eq!(
        rendered(QWEN_3, CROWD),
        "<|im_start|>system\n[Be kind.]<|im_end|>\n<|im_start|>assistant\n[welcome]<|im_end|>\n\
         <|im_start|>user\n[Anna: hello]<|im_end|>\n<|im_start|>user\n[Ben: hello]<|im_end|>\n<|im_start|>assistant\n"
    );
}

#[test]
fn instructions_that_a_template_leaves_out_go_to_the_first_person() {
    assert_eq!(rendered(DEAF, TALK), "<user>[Be kind.\n\nAnna: hello]<model>[hi]<user>[Ben: bye]<model>");
}

#[test]
fn without_a_template_there_is_chatml_and_it_is_said() {
    let wanted = "<|im_start|>system\n[Be kind.]<|im_end|>\n<|im_start|>user\n[Anna: hello]<|im_end|>\n\
                  <|im_start|>assistant\n[hi]<|im_end|>\n<|im_start|>user\n[Ben: bye]<|im_end|>\n<|im_start|>assistant\n";
    let none = Template::new(None, String::new(), String::new(), clock);
    assert_eq!(none.trouble(), Some(&EngineError::NoTemplate));
    assert_eq!(shown(&none.render(&turns(TALK)).unwrap()), wanted);
    let broken = template("{% for message in messages %}");
    assert!(matches!(broken.trouble(), Some(EngineError::BadTemplate { .. })));
    assert_eq!(shown(&broken.render(&turns(TALK)).unwrap()), wanted);
}

#[test]
fn instructions_stand_first_wherever_they_were() {
    let prompt = rendered(QWEN_3, &[('u', "hello"), ('s', "Be kind."), ('u', "you"), ('s', "Be brief.")]);
    assert!(prompt.starts_with("<|im_start|>system\n[Be kind.\n\nBe brief.]<|im_end|>\n"), "{prompt}");
}

#[test]
fn a_model_can_be_the_first_to_speak() {
    assert_eq!(rendered(MISTRAL, &[('s', "Greet them.")]), "<s>[INST] [Greet them.\n\n…] [/INST]");
    assert_eq!(rendered(DEAF, &[]), "<user>[…]<model>");
}
