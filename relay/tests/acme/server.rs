//! A small ACME server (RFC 8555) that really validates over TLS (RFC 8737), for one domain at a time.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, LOCATION};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use ratatosk_relay::AcmeConfig;
use rcgen::{CertificateParams, PKCS_ECDSA_P256_SHA256, PublicKeyData, SignatureAlgorithm};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use x509_cert::der::Decode;
use x509_cert::request::CertReq;

use super::common::tls::Authority;
use super::encoding::{decode, sha256, thumbprint};
use super::validate::validate;

/// The one token; it is as good as any other here.
const TOKEN: &str = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA";

/// An ACME server on a free port. It ends with this.
pub(crate) struct AcmeServer {
    pub(crate) authority: Arc<Authority>,
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// How the next certificates are.
#[derive(Clone, Copy)]
pub(crate) struct Life {
    /// Years of which it is good, as of rcgen.
    pub(crate) from: i32,
    pub(crate) until: i32,
}

struct Shared {
    authority: Arc<Authority>,
    address: SocketAddr,
    /// Where the domain leads; without it the validation waits.
    target: watch::Sender<Option<SocketAddr>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    nonces: HashSet<String>,
    /// Thumbprints of the keys of the accounts.
    accounts: Vec<String>,
    contacts: Vec<Value>,
    orders: Vec<Order>,
    life: Option<Life>,
    validating: usize,
    serial: usize,
}

struct Order {
    domain: String,
    /// Whether the domain leads to whoever has the account.
    proven: Option<Result<(), String>>,
    chain: Option<String>,
}

impl AcmeServer {
    pub(crate) async fn start() -> Self {
        let authority = Arc::<Authority>::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (target, state) = (watch::Sender::new(None), Mutex::default());
        let shared = Arc::new(Shared { authority: Arc::clone(&authority), address, target, state });
        let acceptor = authority.server();
        let task = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    let (shared, acceptor) = (Arc::clone(&shared), acceptor.clone());
                    tokio::spawn(async move {
                        let Ok(stream) = acceptor.accept(stream).await else { return };
                        let service = service_fn(|request| serve(Arc::clone(&shared), request));
                        let connection = hyper::server::conn::http1::Builder::new();
                        let _ = connection.serve_connection(TokioIo::new(stream), service).await;
                    });
                }
            }
        });
        Self { authority, address, shared, task }
    }

    /// How to ask it.
    pub(crate) fn config(&self, domain: &str, cache: std::path::PathBuf) -> AcmeConfig {
        let directory = format!("https://{}/directory", self.address);
        let contact = vec!["mailto:ops@example.org".to_owned()];
        let root = Some(self.authority.root());
        AcmeConfig { contact, directory, root, ..AcmeConfig::new(vec![domain.to_owned()], cache) }
    }

    /// The domain leads there.
    pub(crate) fn lead_to(&self, target: SocketAddr) {
        self.shared.target.send_replace(Some(target));
    }

    /// Validations wait.
    pub(crate) fn hold(&self) {
        self.shared.target.send_replace(None);
    }

    pub(crate) fn issue(&self, life: Life) {
        self.shared.state().life = Some(life);
    }

    /// Accounts and orders so far.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let state = self.shared.state();
        (state.accounts.len(), state.orders.len())
    }

    pub(crate) fn contacts(&self) -> Vec<Value> {
        self.shared.state().contacts.clone()
    }

    /// Requests for a validation that are not answered yet.
    pub(crate) async fn until_validating(&self, number: usize) {
        let reached = async {
            while self.shared.state().validating != number {
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
        };
        super::common::within(reached).await;
    }
}

impl Drop for AcmeServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One request is being worked on.
struct Validating<'a>(&'a Shared);

impl<'a> Validating<'a> {
    fn new(shared: &'a Shared) -> Self {
        shared.state().validating += 1;
        Self(shared)
    }
}

impl Drop for Validating<'_> {
    fn drop(&mut self) {
        self.0.state().validating -= 1;
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.address)
    }

    fn nonce(&self) -> String {
        let mut state = self.state();
        state.serial += 1;
        let nonce = format!("nonce{}", state.serial);
        state.nonces.insert(nonce.clone());
        nonce
    }

    fn order(&self, number: usize) -> Value {
        let state = self.state();
        let order = &state.orders[number];
        let status = match (&order.proven, &order.chain) {
            (_, Some(_)) => "valid",
            (None, None) => "pending",
            (Some(Ok(())), None) => "ready",
            (Some(Err(_)), None) => "invalid",
        };
        let mut value = json!({
            "status": status,
            "identifiers": [{"type": "dns", "value": order.domain}],
            "authorizations": [self.url(&format!("/authorization/{number}"))],
            "finalize": self.url(&format!("/finalize/{number}")),
        });
        if order.chain.is_some() {
            value["certificate"] = self.url(&format!("/certificate/{number}")).into();
        }
        value
    }

    fn challenge(&self, number: usize) -> Value {
        let mut value =
            json!({"type": "tls-alpn-01", "url": self.url(&format!("/challenge/{number}")), "token": TOKEN});
        match &self.state().orders[number].proven {
            None => value["status"] = "pending".into(),
            Some(Ok(())) => value["status"] = "valid".into(),
            Some(Err(why)) => {
                value["status"] = "invalid".into();
                value["error"] = json!({"type": "urn:ietf:params:acme:error:unauthorized", "detail": why});
            }
        }
        value
    }

    fn authorization(&self, number: usize) -> Value {
        let challenge = self.challenge(number);
        let domain = self.state().orders[number].domain.clone();
        json!({
            "status": challenge["status"],
            "identifier": {"type": "dns", "value": domain},
            "challenges": [challenge, {"type": "http-01", "url": self.url("/no"), "token": TOKEN, "status": "pending"}],
        })
    }

    /// Looks whether the domain leads to whoever has the account.
    async fn validate(&self, number: usize, thumbprint: &str) {
        let _validating = Validating::new(self);
        let target = self.target.subscribe().wait_for(Option::is_some).await.unwrap().unwrap();
        let domain = self.state().orders[number].domain.clone();
        let proven = validate(target, &domain, &sha256(format!("{TOKEN}.{thumbprint}").as_bytes())).await;
        self.state().orders[number].proven = Some(proven);
    }

    fn finalize(&self, number: usize, csr: &[u8]) {
        let life = self.state().life.unwrap_or(Life { from: 2020, until: 2099 });
        let mut state = self.state();
        let order = &mut state.orders[number];
        assert_eq!(order.proven, Some(Ok(())), "not ready");
        let csr = CertReq::from_der(csr).unwrap();
        let key = Key(csr.info.public_key.subject_public_key.raw_bytes().to_vec());
        let mut params = CertificateParams::new(vec![order.domain.clone()]).unwrap();
        params.not_before = rcgen::date_time_ymd(life.from, 1, 1);
        params.not_after = rcgen::date_time_ymd(life.until, 1, 1);
        order.chain = Some(self.authority.sign(&params, &key));
    }
}

/// The key that a certificate was asked for.
struct Key(Vec<u8>);

impl PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

type Answer = Response<Full<Bytes>>;

async fn serve(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Answer, hyper::Error> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let body = body.collect().await?.to_bytes();
    let mut answer = match (&parts.method, path.as_str()) {
        (&Method::GET, "/directory") => {
            let names = ["newNonce", "newAccount", "newOrder"];
            let urls: HashMap<_, _> = names.into_iter().map(|name| (name, shared.url(&format!("/{name}")))).collect();
            json(200, &json!(urls))
        }
        (&Method::HEAD, "/newNonce") => Response::new(Full::default()),
        (&Method::POST, _) => {
            assert_eq!(parts.headers[CONTENT_TYPE], "application/jose+json");
            posted(&shared, &path, &body).await
        }
        _ => json(404, &json!({})),
    };
    if path != "/directory" {
        answer.headers_mut().insert("replay-nonce", shared.nonce().parse().unwrap());
    }
    Ok(answer)
}

/// A request that is signed; the signature is not looked at.
async fn posted(shared: &Shared, path: &str, body: &[u8]) -> Answer {
    let jws: Value = serde_json::from_slice(body).unwrap();
    let part = |name: &str| decode(jws[name].as_str().unwrap());
    let header: Value = serde_json::from_slice(&part("protected")).unwrap();
    assert_eq!((header["alg"].as_str(), header["url"].as_str()), (Some("ES256"), Some(shared.url(path).as_str())));
    assert_eq!(part("signature").len(), 64);
    if !shared.state().nonces.remove(header["nonce"].as_str().unwrap()) {
        return json(400, &json!({"type": "urn:ietf:params:acme:error:badNonce"}));
    }
    let payload = part("payload");
    let payload: Value = if payload.is_empty() { Value::Null } else { serde_json::from_slice(&payload).unwrap() };
    let (what, number) = path[1..].split_once('/').unwrap_or((&path[1..], "0"));
    let number: usize = number.parse().unwrap();
    if what == "newAccount" {
        let mut state = shared.state();
        state.accounts.push(thumbprint(&header["jwk"]));
        state.contacts.push(payload["contact"].clone());
        let url = shared.url(&format!("/account/{}", state.accounts.len() - 1));
        return at(&url, json(201, &json!({"status": "valid"})));
    }
    let account: usize = header["kid"].as_str().unwrap().rsplit('/').next().unwrap().parse().unwrap();
    let thumbprint = shared.state().accounts[account].clone();
    match what {
        "newOrder" => {
            let domain = payload["identifiers"][0]["value"].as_str().unwrap().to_owned();
            let number = shared.state().orders.len();
            shared.state().orders.push(Order { domain, proven: None, chain: None });
            at(&shared.url(&format!("/order/{number}")), json(201, &shared.order(number)))
        }
        "order" => json(200, &shared.order(number)),
        "authorization" => json(200, &shared.authorization(number)),
        "challenge" => {
            shared.validate(number, &thumbprint).await;
            // What came of it stands with the authorization; here that would be an error before its time.
            json(200, &json!({"type": "tls-alpn-01", "url": shared.url(path), "token": TOKEN, "status": "processing"}))
        }
        "finalize" => {
            shared.finalize(number, &decode(payload["csr"].as_str().unwrap()));
            json(200, &shared.order(number))
        }
        "certificate" => {
            let chain = shared.state().orders[number].chain.clone().unwrap();
            Response::new(Full::from(chain))
        }
        _ => json(404, &json!({})),
    }
}

fn json(status: u16, value: &Value) -> Answer {
    Response::builder().status(status).body(Full::from(value.to_string())).unwrap()
}

fn at(url: &str, mut answer: Answer) -> Answer {
    answer.headers_mut().insert(LOCATION, url.parse().unwrap());
    answer
}

/// The year, roughly: for certificates that are about to end.
pub(crate) fn this_year() -> i32 {
    let seconds = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    1970 + i32::try_from(seconds / (365 * 24 * 3600 + 6 * 3600)).unwrap()
}
