//! Messages, files, and that everybody ends up with the same.

use std::io::Read;

use ratatosk_node::model::FileInfo;

use super::support::{Person, converge, pair, relay, url, within};

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_every_kind_travel_both_ways() {
    let relay = relay().await;
    let (mut anna, mut bert) = (Person::new("anna", &url(&relay)).await, Person::new("bert", &url(&relay)).await);
    pair(&mut anna, &mut bert).await;
    let topic = anna.topic(bert.id());
    assert_eq!(bert.topic(anna.id()), topic);
    let long = "0123456789".repeat(20_000);
    let texts = ["hello", "Grüße 世界 👩‍🚀 e\u{301} <b>&amp;</b> <->", "two\nlines\r\n", "keepalive", &long];
    for text in texts {
        anna.say(&topic, text);
        let heard = bert.hears(text).await;
        assert_eq!((heard.author, heard.own), (anna.id(), false));
        let back = format!("{text} yourself");
        bert.say(&topic, &back);
        assert_eq!(anna.hears(&back).await.author, bert.id());
    }
    converge(&anna, &bert, &topic).await;
    assert_eq!(anna.texts(&topic), bert.texts(&topic));
    assert_eq!(anna.texts(&topic).len(), 2 * texts.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_both_say_at_once_is_the_same_for_both_in_the_end() {
    let relay = relay().await;
    let (mut anna, mut bert) = (Person::new("anna", &url(&relay)).await, Person::new("bert", &url(&relay)).await);
    pair(&mut anna, &mut bert).await;
    let topic = anna.topic(bert.id());
    bert.topic(anna.id());
    converge(&anna, &bert, &topic).await;
    let burst = |person: &Person, name: &'static str| {
        let (node, topic) = (person.node.clone(), topic.clone());
        tokio::task::spawn_blocking(move || {
            for number in 0..15 {
                node.post(&topic, &format!("{name} {number}"), Vec::new()).unwrap();
            }
        })
    };
    let bursts = (burst(&anna, "anna"), burst(&bert, "bert"));
    bursts.0.await.unwrap();
    bursts.1.await.unwrap();
    anna.service.changed();
    bert.service.changed();
    within(async {
        while anna.texts(&topic).len() < 30 || bert.texts(&topic).len() < 30 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
    converge(&anna, &bert, &topic).await;
    let texts = anna.texts(&topic);
    assert_eq!(texts, bert.texts(&topic));
    for name in ["anna", "bert"] {
        let own: Vec<_> = texts.iter().filter(|text| text.starts_with(name)).cloned().collect();
        assert_eq!(own, (0..15).map(|number| format!("{name} {number}")).collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_arrives_as_it_was() {
    let relay = relay().await;
    let (mut anna, mut bert) = (Person::new("anna", &url(&relay)).await, Person::new("bert", &url(&relay)).await);
    pair(&mut anna, &mut bert).await;
    let topic = anna.topic(bert.id());
    for length in [0, 1, 65_528, 65_529, 1_000_000] {
        let bytes: Vec<u8> = (0..=250).cycle().take(length).collect();
        let info = FileInfo {
            name: format!("{length}.bin"),
            media_type: "application/octet-stream".to_owned(),
            last_modified: 1_700_000_000_000,
        };
        let file = anna.node.attach(info, &mut bytes.as_slice()).unwrap();
        let text = format!("a file of {length} bytes");
        anna.node.post(&topic, &text, vec![file]).unwrap();
        anna.service.changed();
        let message = bert.hears(&text).await;
        let [attachment] = message.attachments.as_slice() else { panic!("{message:?}") };
        assert!(attachment.present, "{length}");
        assert_eq!((attachment.name.as_str(), attachment.size), (&*format!("{length}.bin"), length as u64));
        let mut arrived = Vec::new();
        bert.node.attachment(&attachment.data).unwrap().read_to_end(&mut arrived).unwrap();
        assert!(arrived == bytes, "{length}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_of_three_hears_each_other() {
    let relay = relay().await;
    let mut anna = Person::new("anna", &url(&relay)).await;
    let (mut bert, mut carl) = (Person::new("bert", &url(&relay)).await, Person::new("carl", &url(&relay)).await);
    pair(&mut anna, &mut bert).await;
    pair(&mut anna, &mut carl).await;
    let topic = anna.node.create_group("three", &[bert.id(), carl.id()]).unwrap().id.to_string();
    anna.service.changed();
    anna.say(&topic, "hello both");
    bert.hears("hello both").await;
    carl.hears("hello both").await;
    // They know each other through anna alone: what bert says, carl gets from her.
    bert.say(&topic, "hello carl");
    anna.hears("hello carl").await;
    converge(&bert, &carl, &topic).await;
    assert_eq!(carl.texts(&topic), ["hello both", "hello carl"]);
}
