//! One order, from the account to the certificate (RFC 8555 §7).

use std::time::Duration;

use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Error, Identifier, NewAccount, NewOrder, Order, OrderStatus,
    RetryPolicy,
};

use super::cache::{Cache, Issued};
use super::http::Client;
use super::resolver::Resolver;
use crate::config::AcmeConfig;

/// How long the ACME server may validate, and then sign.
const PATIENCE: Duration = Duration::from_secs(120);

const RETRIES: RetryPolicy = RetryPolicy::new().timeout(PATIENCE);

/// Gets a certificate. `resolver` answers the validation; what it was given for that is left to whoever calls.
pub(super) async fn run(
    config: &AcmeConfig,
    cache: &Cache,
    client: &Client,
    resolver: &Resolver,
) -> Result<Issued, Error> {
    let account = account(config, cache, client).await?;
    let domains: Vec<_> = config.domains.iter().cloned().map(Identifier::Dns).collect();
    let mut order = account.new_order(&NewOrder::new(&domains)).await.inspect_err(|error| {
        if is_about(error, "accountDoesNotExist") {
            cache.forget_account();
        }
    })?;
    prove(&mut order, resolver).await?;
    if order.poll_ready(&RETRIES).await? != OrderStatus::Ready {
        return Err(refusal(&mut order).await);
    }
    let key = order.finalize().await?;
    let chain = order.poll_certificate(&RETRIES).await?;
    Ok(Issued::new(config, chain, key))
}

/// The account that is kept, or a new one.
async fn account(config: &AcmeConfig, cache: &Cache, client: &Client) -> Result<Account, Error> {
    let builder = Account::builder_with_http(Box::new(client.clone()));
    if let Some(credentials) = cache.account(config) {
        return builder.from_credentials(credentials).await;
    }
    let contact: Vec<_> = config.contact.iter().map(String::as_str).collect();
    let new = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
    let (account, credentials) = builder.create(&new, config.directory.clone(), None).await?;
    cache.keep_account(config, credentials).map_err(|error| Error::Other(error.into()))?;
    Ok(account)
}

/// Lets every domain be validated that was not lately.
async fn prove(order: &mut Order, resolver: &Resolver) -> Result<(), Error> {
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        if authorization.status == AuthorizationStatus::Valid {
            continue;
        }
        let Some(mut challenge) = authorization.challenge(ChallengeType::TlsAlpn01) else {
            return Err(Error::Unsupported("TLS-ALPN-01"));
        };
        let Identifier::Dns(domain) = &challenge.identifier().identifier else {
            return Err(Error::Unsupported("DNS names alone"));
        };
        resolver.answer(domain, challenge.key_authorization().digest().as_ref())?;
        challenge.set_ready().await?;
    }
    Ok(())
}

/// Why an order came to nothing: what is wrong stands with the challenges.
async fn refusal(order: &mut Order) -> Error {
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        if let Ok(state) = authorization.refresh().await
            && let Some(problem) = state.challenges.iter().find_map(|challenge| challenge.error.clone())
        {
            return Error::Api(problem);
        }
    }
    Error::Str("the ACME server does not say why it refuses")
}

fn is_about(error: &Error, kind: &str) -> bool {
    matches!(error, Error::Api(problem) if problem.r#type.as_deref().is_some_and(|name| name.rsplit(':').next() == Some(kind)))
}
