//! Models that answer in the name of a person.

use super::field::{Scalar, typed};
use crate::hash::{IdHash, PersonId};
use crate::value::Value;

/// A word of a short list.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$word_doc])* $variant,)*
        }

        impl Scalar for $name {
            fn to_value(&self) -> Value {
                Value::String(match self { $(Self::$variant => $word,)* }.to_owned())
            }

            fn from_value(value: &Value) -> Option<Self> {
                match value {
                    $(Value::String(text) if text == $word => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

words! {
    /// Where a model runs.
    ModelType {
        /// On this machine.
        Local = "local",
        /// With a provider.
        Remote = "remote",
    }
}

words! {
    /// What a model is good for.
    Capability {
        /// Conversations.
        Chat = "chat",
        /// Going on with a text.
        Inference = "inference",
    }
}

typed! {
    /// A model with an identity: which Person it answers as. It never leaves the node. Names and kinds of properties are those
    /// of real applications of the network; `relationships` is of this node.
    Llm as "LLM" [Versioned] {
        /// What it is called on this node. Identity.
        name: String = One "name",
        /// The file of the model.
        filename: String = One "filename",
        /// Where it runs.
        model_type: ModelType = One "modelType",
        /// Whether it answers.
        active: bool = One "active",
        /// When it last answered, as RFC 3339; empty: never.
        last_used: String = One "lastUsed",
        /// How often it has answered.
        usage_count: Option<u64> = One "usageCount",
        /// As whom.
        person_id: Option<PersonId> = One "personId",
        /// What it is good for.
        capabilities: Option<Vec<Capability>> = Array "capabilities",
        /// How freely it chooses words.
        temperature: Option<f64> = One "temperature",
        /// The longest answer, in tokens.
        max_tokens: Option<u64> = One "maxTokens",
        /// How much of a conversation it sees, in tokens.
        context_size: Option<u64> = One "contextSize",
        /// Who runs it.
        provider: Option<String> = One "provider",
        /// Persons that it belongs to: the owner of the node.
        relationships: Option<Vec<IdHash>> = Bag "relationships",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ReadError;
    use crate::typed::{Typed, Versioned};
    use crate::{Limits, Microdata};

    fn model() -> Llm {
        Llm {
            name: "helper-01234567".to_owned(),
            filename: "smollm2.gguf".to_owned(),
            model_type: ModelType::Local,
            active: true,
            last_used: String::new(),
            usage_count: Some(3),
            person_id: None,
            capabilities: Some(vec![Capability::Chat, Capability::Inference]),
            temperature: Some(0.7),
            max_tokens: Some(512),
            context_size: Some(2048),
            provider: None,
            relationships: None,
        }
    }

    #[test]
    fn a_model_is_written_and_read() {
        let text = model().microdata().unwrap();
        assert_eq!(
            text.as_str(),
            "<div itemscope itemtype=\"//refin.io/LLM\"><span itemprop=\"name\">helper-01234567</span>\
             <span itemprop=\"filename\">smollm2.gguf</span><span itemprop=\"modelType\">local</span>\
             <span itemprop=\"active\">true</span><span itemprop=\"lastUsed\"></span>\
             <span itemprop=\"usageCount\">3</span>\
             <ol itemprop=\"capabilities\"><li>chat</li><li>inference</li></ol>\
             <span itemprop=\"temperature\">0.7</span><span itemprop=\"maxTokens\">512</span>\
             <span itemprop=\"contextSize\">2048</span></div>"
        );
        assert_eq!(Llm::read(&text).unwrap(), model());
        let other = Llm { active: false, usage_count: None, ..model() };
        assert_eq!(other.id_hash().unwrap(), model().id_hash().unwrap());
    }

    #[test]
    fn other_words_are_refused() {
        let text = model().microdata().unwrap();
        for (from, to, field) in
            [(">local<", ">nowhere<", "modelType"), ("<li>chat</li>", "<li>magic</li>", "capabilities")]
        {
            let changed = Microdata::check(&text.as_str().replace(from, to), &Limits::DEFAULT).unwrap();
            assert_eq!(Llm::read(&changed).unwrap_err(), ReadError::Field(field));
        }
    }
}
