//! Texts that stand for an object but are not the one text for it: all are refused.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

#[path = "support/recipes.rs"]
#[allow(unreachable_pub, reason = "shared with other tests")]
mod recipes;

use ratatosk_objects::typed::{ChatMessage, CreationTime, Keys, Person};
use ratatosk_objects::{Limits, Microdata, Object, ReadError, Typed, Value};

const HASH: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn object(type_name: &str, properties: &str) -> String {
    format!("<div itemscope itemtype=\"//refin.io/{type_name}\">{properties}</div>")
}

fn check(text: &str) -> Result<Microdata, ReadError> {
    Microdata::check(text, &Limits::DEFAULT)
}

/// Refused whatever the type.
#[test]
fn no_object_at_all() {
    let good = object("X", "<span itemprop=\"a\">b</span>");
    check(&good).unwrap();
    let list = |tag: &str, items: &str| object("X", &format!("<{tag} itemprop=\"a\">{items}</{tag}>"));
    check(&list("ul", "<li>a</li><li>a</li><li>b</li>")).unwrap();
    check(&list("dl", "<dt>b</dt><dd>1</dd><dt>a</dt><dd></dd>")).unwrap();
    let link =
        |data_type: &str, hash: &str| object("X", &format!("<a itemprop=\"a\" data-type=\"{data_type}\">{hash}</a>"));
    check(&link("clob", HASH)).unwrap();
    let bad = [
        String::new(),
        good.replace("<div ", "<div  "),
        good.replace("<div ", "<DIV "),
        format!("{good}\n"),
        format!(" {good}"),
        format!("{good}{good}"),
        good.replace("</div>", ""),
        good.replace("</span>", "</span>\n"),
        good.replace("//refin.io/X", "//refin.io/"),
        good.replace("//refin.io/X", "//refin.io/a b"),
        good.replace("//refin.io/X", "//refin.org/X"),
        good.replace("itemprop=\"a\"", "itemprop=\"\""),
        good.replace("itemprop=\"a\"", "itemprop='a'"),
        good.replace("itemprop=\"a\"", "class=\"\" itemprop=\"a\""),
        good.replace("<div ", "<div data-id-object=\"false\" "),
        // Text that would be written otherwise.
        good.replace('b', "&"),
        good.replace('b', ">"),
        good.replace('b', "<b>"),
        good.replace('b', "&quot;"),
        good.replace('b', "&#98;"),
        good.replace('b', "<!-- -->"),
        // The same property twice.
        object("X", "<span itemprop=\"a\">b</span><span itemprop=\"a\">b</span>"),
        // References to nothing known, and hashes in another form.
        link("object", HASH),
        link("obj", &HASH.to_uppercase()),
        link("obj", &HASH[1..]),
        link("obj", &format!("{HASH}a")),
        link("obj", &format!("{}é", &HASH[2..])),
        // Lists out of order or with something between the items.
        list("ul", "<li>b</li><li>a</li>"),
        list("ul", "<li>a</li><li>a!</li>"),
        list("ul", "<li>～</li><li>😀</li>"),
        list("ol", "<li>a</li> <li>b</li>"),
        list("ol", "a"),
        list("dl", "<dt>a</dt>"),
        list("dl", "<dt>a</dt><dd>1</dd><dt>a</dt><dd>2</dd>"),
        list("dl", "<dd>1</dd><dt>a</dt>"),
        list("li", ""),
    ];
    for text in bad {
        assert!(matches!(check(&text), Err(ReadError::Syntax { .. })), "{text}");
    }
}

/// Good microdata that is not what its recipe asks for.
#[test]
fn not_what_the_recipe_says() {
    let recipes = recipes::all();
    let key = "<span itemprop=\"key\">k</span>";
    let read = |properties: &str| recipes.read(&check(&object("TestEdge", &format!("{key}{properties}"))).unwrap());
    let span = |name: &str, text: &str| format!("<span itemprop=\"{name}\">{text}</span>");
    for good in [span("num", "1e+21"), span("num", "null"), span("int", "-7"), span("flag", "true"), span("any", "[1]")]
    {
        read(&good).unwrap();
    }
    let list = |tag: &str, name: &str, items: &str| format!("<{tag} itemprop=\"{name}\">{items}</{tag}>");
    read(&list("ul", "bag", "<li>a</li><li>a</li>")).unwrap();
    let bad = [
        // Kinds that are written otherwise.
        span("num", ""),
        span("num", "1.0"),
        span("num", "-0"),
        span("num", "1e21"),
        span("num", "0x10"),
        span("num", "NaN"),
        span("num", "Infinity"),
        span("num", "１"),
        span("int", "1.5"),
        span("int", "null"),
        span("flag", "TRUE"),
        span("flag", ""),
        span("any", ""),
        span("any", "[1, 2]"),
        span("any", "{\"b\":1,\"a\":2}"),
        span("any", "\"\\u0061\""),
        // Other tags or references than those of the kind.
        span("list", ""),
        list("ol", "bag", ""),
        list("ul", "list", ""),
        list("ul", "set", "<li>a</li><li>a</li>"),
        list("ul", "set", &format!("<li><a data-type=\"obj\">{HASH}</a></li>")),
        list("ol", "lists", "<li>1</li>"),
        format!("<a itemprop=\"refObj\" data-type=\"id\">{HASH}</a>"),
        list("div", "obj", "<span itemprop=\"a\">1</span><span itemprop=\"b\">x</span>"),
        list("div", "obj", "<span itemprop=\"b\">x</span>"),
        // Unknown, or not in the recipe's order.
        span("foo", "1"),
        format!("{}{}", span("int", "1"), span("num", "1")),
    ];
    for properties in bad {
        assert!(matches!(read(&properties), Err(ReadError::Syntax { .. })), "{properties}");
    }
    let missing = check(&object("TestEdge", &span("num", "1"))).unwrap();
    assert!(matches!(recipes.read(&missing), Err(ReadError::Syntax { .. })));
    let appid = object("Leute", &span("appId", "two.leute"));
    assert!(matches!(recipes.read(&check(&appid).unwrap()), Err(ReadError::Syntax { .. })));
}

#[test]
fn id_objects_have_their_identity_only() {
    let recipes = recipes::all();
    let id = |type_name: &str, properties: &str| {
        check(&object(type_name, properties).replace("<div ", "<div data-id-object=\"true\" ")).unwrap()
    };
    let email = "<span itemprop=\"email\">a</span>";
    recipes.read(&id("Person", email)).unwrap();
    let named = id("Person", &format!("{email}<span itemprop=\"name\">b</span>"));
    assert!(matches!(recipes.read(&named), Err(ReadError::Syntax { .. })));
    assert_eq!(recipes.read(&id("PersonName", "")), Err(ReadError::IdObject));
    assert_eq!(Person::read(&id("Person", email)), Err(ReadError::IdObject));
}

#[test]
fn unknown_types_are_kept() {
    let text = object("Unheard.Of", &format!("<a itemprop=\"x\" data-type=\"blob\">{HASH}</a>"));
    let opaque = check(&text).unwrap();
    assert_eq!((opaque.type_name(), opaque.as_str(), opaque.references().len()), ("Unheard.Of", text.as_str(), 1));
    assert_eq!(recipes::all().read(&opaque), Err(ReadError::UnknownType("Unheard.Of".to_owned())));
}

#[test]
fn what_no_struct_holds_is_still_an_object() {
    let time = |timestamp: &str| {
        let data =
            format!("<span itemprop=\"timestamp\">{timestamp}</span><a itemprop=\"data\" data-type=\"obj\">{HASH}</a>");
        let object = check(&object("CreationTime", &data)).unwrap();
        recipes::all().read(&object).unwrap();
        CreationTime::read(&object)
    };
    assert_eq!(time("9007199254740991").unwrap().timestamp, 9_007_199_254_740_991);
    for wrong in ["-1", "1.5", "null", "9007199254740992", "1e+300"] {
        assert_eq!(time(wrong), Err(ReadError::Field("timestamp")), "{wrong}");
    }
    let keys = |key: &str| {
        let span = |name: &str| format!("<span itemprop=\"{name}\">{key}</span>");
        let owner = format!("<a itemprop=\"owner\" data-type=\"id\">{HASH}</a>");
        let text = object("Keys", &format!("{owner}{}{}", span("publicKey"), span("publicSignKey")));
        Keys::read(&check(&text).unwrap())
    };
    assert_eq!(keys(HASH).unwrap().public_key.0, [0xaa; 32]);
    assert_eq!(keys(&HASH.to_uppercase()), Err(ReadError::Field("publicKey")));
    assert!(matches!(keys("aa"), Err(ReadError::Syntax { .. })));
    let person = check(&object("Person", "<span itemprop=\"email\">a</span>")).unwrap();
    assert!(matches!(Keys::read(&person), Err(ReadError::OtherType { expected: "Keys", .. })));
}

#[test]
fn limits() {
    let nested = |depth: usize| object("X", &format!("<ol itemprop=\"a\">{}</ol>", nest(depth - 1)));
    fn nest(depth: usize) -> String {
        if depth == 0 { String::new() } else { format!("<li><ol>{}</ol></li>", nest(depth - 1)) }
    }
    check(&nested(32)).unwrap();
    assert_eq!(check(&nested(33)), Err(ReadError::Limit("depth")));
    // As deep as a text of a megabyte can be: refused, not a stack that overflows.
    let depth = 100_000;
    let text = object("X", &format!("<ol itemprop=\"a\">{}{}", "<li><ol>".repeat(depth), "</ol></li>".repeat(depth)));
    assert_eq!(check(&text), Err(ReadError::Limit("depth")));

    let limits = Limits { bytes: 200, depth: 2, values: 3 };
    let list = object("X", "<ol itemprop=\"a\"><li>1</li><li>2</li></ol>");
    Microdata::check(&list, &limits).unwrap();
    assert_eq!(Microdata::check(&list, &Limits { values: 2, ..limits }), Err(ReadError::Limit("number of values")));
    assert_eq!(Microdata::check(&list, &Limits { bytes: list.len() - 1, ..limits }), Err(ReadError::Limit("size")));
}

/// Levels are counted, not containers.
#[test]
fn many_containers_beside_each_other() {
    let recipes = recipes::all();
    let lists = vec![Value::Array(vec![Value::Number(1.0)]); 1000];
    let object = Object::new("TestEdge").with("key", Value::String("k".into())).with("lists", Value::Array(lists));
    let written = recipes.write(&object).unwrap();
    assert_eq!(recipes.read(&check(written.as_str()).unwrap()).unwrap(), object);
}

/// Messages that are much larger than what people type.
#[test]
fn a_long_message() {
    let sender = HASH.parse().unwrap();
    let message = ChatMessage { text: "ä<😀>\n".repeat(200_000), attachments: None, sender, thumbnails: None };
    let written = message.microdata().unwrap();
    assert!(written.as_str().len() > 2_000_000);
    assert_eq!(ChatMessage::read(&check(written.as_str()).unwrap()).unwrap(), message);
}
