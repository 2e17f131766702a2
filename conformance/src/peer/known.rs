//! What is known of peers: `expected/peers.json`.
//!
//! `hostile` has a list for each implementation: what it does to a partner that breaks the protocol. `pairs` has one for
//! each pair `CONNECTS>LISTENS` in which something is not as it should be; a pair without one conforms.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Direction;
use crate::report::{Implementation, KnownError};

type Lists = BTreeMap<String, Map<String, Value>>;

/// All lists.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    hostile: Lists,
    pairs: Lists,
}

impl Known {
    /// The lists that come with this program.
    ///
    /// # Errors
    ///
    /// [`KnownError`] if they are malformed.
    pub fn load() -> Result<Self, KnownError> {
        Ok(serde_json::from_str(include_str!("../../expected/peers.json"))?)
    }

    /// What is known of one implementation before a hostile partner; `None` if nothing is.
    ///
    /// # Errors
    ///
    /// [`KnownError`] if a list is malformed.
    pub fn alone(&self, name: &str) -> Result<Option<Implementation>, KnownError> {
        self.hostile.get(name).map(|list| implementation(list.clone())).transpose()
    }

    /// What is known of two implementations: as a pair in both roles, and each before a hostile partner (ids end in `/a` and
    /// `/b`); `None` if one of them is not known.
    ///
    /// # Errors
    ///
    /// [`KnownError`] if a list is malformed.
    pub fn pair(&self, a: &str, b: &str) -> Result<Option<Implementation>, KnownError> {
        let (Some(of_a), Some(of_b)) = (self.hostile.get(a), self.hostile.get(b)) else { return Ok(None) };
        let mut all = Map::new();
        let mut add = |list: &Map<String, Value>, suffix: &str| {
            all.extend(list.iter().map(|(id, known)| (format!("{id}/{suffix}"), known.clone())));
        };
        add(of_a, "a");
        add(of_b, "b");
        for (connects, listens, direction) in [(a, b, Direction::AtoB), (b, a, Direction::BtoA)] {
            if let Some(list) = self.pairs.get(&format!("{connects}>{listens}")) {
                add(list, direction.suffix());
            }
        }
        implementation(all).map(Some)
    }
}

fn implementation(list: Map<String, Value>) -> Result<Implementation, KnownError> {
    Implementation::parse(&Value::Object(list).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_of_two_has_four_parts() {
        let entry = r#"{"verdict":"better","reason":"stop"}"#;
        let known: Known = serde_json::from_str(&format!(
            r#"{{"hostile":{{"x":{{"d2/1":{entry}}},"y":{{}}}},"pairs":{{"y>x":{{"data/1":{entry}}}}}}}"#
        ))
        .unwrap();
        let ids = |a, b| known.pair(a, b).unwrap().map(|list| list.ids().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(ids("x", "y").unwrap(), ["d2/1/a", "data/1/ba"]);
        assert_eq!(ids("y", "x").unwrap(), ["d2/1/b", "data/1/ab"]);
        assert_eq!(ids("x", "z"), None);
        assert!(known.alone("z").unwrap().is_none());
    }
}
