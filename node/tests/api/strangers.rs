//! Who may not ask, and what does not exist.

use std::net::{IpAddr, Ipv4Addr};

use crate::support::Person;

#[tokio::test]
async fn nobody_asks_without_the_token_or_from_a_web_page() {
    let ada = Person::alone("ada").await;
    let (host, token) = (ada.host(), ada.token());
    let (status, body) = ada.ask("GET /v1/status", &[&host, &token]).await;
    assert_eq!((status, body["me"]["email"].as_str()), (200, Some("ada@peer.test")));
    for (lines, expected) in [
        (vec![host.as_str()], 401),
        (vec![&host, "Authorization: Bearer 0000"], 401),
        (vec!["Host: evil.test", &token], 403),
        (vec![&host, &token, "Origin: https://evil.test"], 403),
        (vec![&host, &token, "Origin: null"], 403),
    ] {
        for place in ["GET /v1/status", "GET /openapi.json", "GET /v1/events", "POST /v1/stop", "GET /nowhere"] {
            let (status, body) = ada.ask(place, &lines).await;
            assert_eq!(status, expected, "{place} {lines:?}");
            assert!(body["error"]["message"].is_string() && body["error"]["help"].is_string(), "{body}");
        }
    }
    assert!(!*ada.daemon.stopping().borrow());
}

#[tokio::test]
async fn it_listens_on_loopback_and_writes_down_where_for_its_owner_alone() {
    let ada = Person::alone("ada").await;
    assert_eq!(ada.daemon.address().unwrap().ip(), IpAddr::V4(Ipv4Addr::LOCALHOST));
    let record = ada.folder.path().join("daemon.json");
    let text = std::fs::read_to_string(&record).unwrap();
    assert!(text.contains(ada.daemon.token().unwrap()));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&record).unwrap().permissions().mode() & 0o777, 0o600);
    }
    ada.daemon.stop().await;
    assert!(!record.exists());
}

#[tokio::test]
async fn what_does_not_exist_is_an_error_like_all_others() {
    let ada = Person::alone("ada").await;
    let (host, token) = (ada.host(), ada.token());
    let nobody = "0".repeat(64);
    for (request, expected) in [
        ("GET /nowhere".to_owned(), 404),
        ("DELETE /v1/status".to_owned(), 405),
        (format!("GET /v1/topics/{nobody}"), 404),
        (format!("GET /v1/topics/{nobody}/messages?limit=0"), 400),
        (format!("GET /v1/topics/{nobody}/messages?limit=many"), 400),
        (format!("GET /v1/topics/{nobody}/messages?before=there"), 400),
        (format!("GET /v1/topics/{nobody}/messages?unknown=1"), 400),
        (format!("GET /v1/files/{nobody}"), 404),
        ("GET /v1/files/..%2F..%2Fidentity.json".to_owned(), 400),
        (format!("POST /v1/contacts/{nobody}/forget-keys"), 404),
        ("POST /v1/contacts/%FF/forget-keys".to_owned(), 400),
        ("GET /v1/models/none".to_owned(), 404),
        ("DELETE /v1/models/..".to_owned(), 404),
        ("GET /v1/agents/none".to_owned(), 404),
        ("DELETE /v1/agents/none".to_owned(), 404),
        ("POST /v1/invitations".to_owned(), 503),
    ] {
        let (status, body) = ada.ask(&request, &[&host, &token, "Content-Length: 0"]).await;
        assert_eq!(status, expected, "{request}: {body}");
        let error = &body["error"];
        assert!(error["code"].is_string() && error["message"].is_string(), "{request}: {body}");
    }
}

#[tokio::test]
async fn the_document_is_there() {
    let ada = Person::alone("ada").await;
    let (status, body) = ada.ask("GET /openapi.json", &[&ada.host(), &ada.token()]).await;
    assert_eq!(status, 200);
    assert!(body["paths"]["/v1/topics/{topic}/messages"]["post"].is_object());
    assert!(body["components"]["schemas"]["Event"].is_object());
}
