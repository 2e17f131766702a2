//! The template of a model.

use std::fmt;

use jiff::Zoned;
use jiff::civil::DateTime;
use minijinja::Environment;

use super::environment::{environment, without_generation_tags};
use super::render::render;
use super::sentinel::{Piece, split};
use super::shape::{Shape, probes};
use crate::gguf::Facts;
use crate::{EngineError, Turn};

/// Longest template, in bytes. The longest known have some 20 kB.
const LONGEST: usize = 128 << 10;
/// Name of the template in its environment.
const NAME: &str = "chat";

/// What is used where a model has no template that works: ChatML, which more models know than any other.
const CHATML: &str = "{% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' + message.content + \
                      '<|im_end|>\\n' }}{% endfor %}{{ '<|im_start|>assistant\\n' }}";

/// How a model is told of a conversation.
pub struct Template {
    environment: Environment<'static>,
    source: String,
    /// The texts of special tokens that it may write.
    tokens: Vec<(&'static str, String)>,
    shape: Shape,
    trouble: Option<EngineError>,
}

impl Template {
    /// The template of the model with these `facts`; the date that it may ask for is that of this machine.
    ///
    /// If it has none that works, ChatML takes its place, and [`Self::trouble`] says so.
    pub fn of(facts: &Facts) -> Self {
        let text =
            |token: &Option<crate::gguf::Token>| token.as_ref().map(|token| token.text.clone()).unwrap_or_default();
        Self::new(facts.chat_template.as_deref(), text(&facts.bos), text(&facts.eos), || Zoned::now().datetime())
    }

    /// The template `source`, for a model whose first and last tokens are written as `bos` and `eos`. `clock` tells the date.
    pub fn new(source: Option<&str>, bos: String, eos: String, clock: fn() -> DateTime) -> Self {
        let tokens = vec![("bos_token", bos), ("eos_token", eos)];
        let trouble = match source {
            None => EngineError::NoTemplate,
            Some(source) => match Self::tried(source, &tokens, clock) {
                Ok(template) => return template,
                Err(reason) => EngineError::BadTemplate { reason },
            },
        };
        let shape = Shape { system: true, any_order: true };
        // It is one of ours and compiles, as the tests show; without it, rendering would fail.
        let environment = compiled(CHATML, clock).unwrap_or_default();
        Self { environment, source: CHATML.to_owned(), tokens, shape, trouble: Some(trouble) }
    }

    /// `source` with the first shape in which it renders all probes.
    fn tried(source: &str, tokens: &[(&'static str, String)], clock: fn() -> DateTime) -> Result<Self, String> {
        if source.len() > LONGEST {
            return Err(format!("it has {} bytes", source.len()));
        }
        let source = without_generation_tags(source);
        let environment = compiled(&source, clock)?;
        let mut template = Self { environment, source, tokens: tokens.to_vec(), shape: Shape::ALL[0], trouble: None };
        let mut reason = String::new();
        for shape in Shape::ALL {
            template.shape = shape;
            match probes().iter().try_for_each(|probe| template.pieces(probe).map(drop)) {
                Ok(()) => return Ok(template),
                // The strictest shape fails for what is really wrong.
                Err(why) => reason = why,
            }
        }
        Err(reason)
    }

    /// Why the model's own template is not the one in use.
    pub fn trouble(&self) -> Option<&EngineError> {
        self.trouble.as_ref()
    }

    /// The template that is in use, in Jinja.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The prompt for the model's next turn after `turns`, oldest first.
    ///
    /// All instructions come first, joined to one turn. Where a template cannot take instructions or turns in any order, they
    /// are joined. Blanks around contents are left out.
    ///
    /// # Errors
    ///
    /// [`EngineError::BadTemplate`] if the template does not take this conversation, although it took others.
    pub fn render(&self, turns: &[Turn]) -> Result<Vec<Piece>, EngineError> {
        self.pieces(turns).map_err(|reason| EngineError::BadTemplate { reason })
    }

    fn pieces(&self, turns: &[Turn]) -> Result<Vec<Piece>, String> {
        let turns = self.shape.of(turns);
        let rendered = render(&self.environment, NAME, &self.tokens, &turns)?;
        let contents: Vec<&str> = turns.iter().map(|turn| turn.content.as_str()).collect();
        split(&rendered, &contents).map_err(ToOwned::to_owned)
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template").field("shape", &self.shape).field("trouble", &self.trouble).finish_non_exhaustive()
    }
}

fn compiled(source: &str, clock: fn() -> DateTime) -> Result<Environment<'static>, String> {
    let compile = || {
        let mut environment = environment(clock)?;
        environment.add_template_owned(NAME, source.to_owned())?;
        Ok(environment)
    };
    compile().map_err(|error: minijinja::Error| error.to_string())
}
