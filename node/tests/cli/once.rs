//! Something said by a script, and the answer waited for.

use crate::support::{Person, line, pair, relay, text, within};

#[tokio::test]
async fn a_script_says_something_and_gets_the_signed_answer() {
    let relay = relay().await;
    let (anna, bert) = (Person::new("once", "anna", &relay).await, Person::new("once", "bert", &relay).await);
    pair(&anna, &bert).await;

    // Nobody is there who could answer.
    let unanswered = anna.run(&["chat", "bert", "--say", "nobody hears this", "--wait", "--deadline", "1"]).await;
    assert!(!unanswered.status.success() && unanswered.stdout.is_empty(), "{unanswered:?}");
    assert!(text(&unanswered.stderr).contains("no signed answer came within 1 seconds"), "{unanswered:?}");

    let mut listening = bert.start(&["chat", "anna"]);
    let asking = anna.start(&["chat", "bert", "--say", "How are you?", "--wait", "--deadline", "50"]);
    line(&mut listening, "How are you?").await;
    let mut stdin = listening.stdin.take().unwrap();
    within(tokio::io::AsyncWriteExt::write_all(&mut stdin, "Fine\u{1b}[2J\n".as_bytes())).await.unwrap();
    let answered = within(asking.wait_with_output()).await.unwrap();
    assert!(answered.status.success(), "{answered:?}");
    assert_eq!(text(&answered.stdout), "Fine\\e[2J\n");
    drop(stdin);
    assert!(within(listening.wait()).await.unwrap().success());

    let twice = anna.run(&["chat", "--say", "to whom?"]).await;
    assert!(!twice.status.success());
}
