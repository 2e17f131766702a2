//! What a template can use: the functions and settings that templates of models expect, and nothing of this machine but the
//! date.

use jiff::civil::DateTime;
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error, ErrorKind};

/// Longest format of a date, in bytes.
const FORMAT: usize = 64;

/// Jinja as `transformers` sets it up.
pub(super) fn environment(clock: fn() -> DateTime) -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_debug(false);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.add_function("raise_exception", |reason: String| -> Result<String, Error> {
        Err(Error::new(ErrorKind::InvalidOperation, reason))
    });
    environment.add_function("strftime_now", move |format: String| date(&format, clock()));
    Ok(environment)
}

fn date(format: &str, now: DateTime) -> Result<String, Error> {
    let refused = |reason: String| Error::new(ErrorKind::InvalidOperation, reason);
    if format.len() > FORMAT {
        return Err(refused("the format of a date is too long".to_owned()));
    }
    jiff::fmt::strtime::format(format, now).map_err(|error| refused(error.to_string()))
}

/// The template without the tags with which it marks what models are trained on: they change nothing, and only the library they
/// were made for knows them.
pub(super) fn without_generation_tags(source: &str) -> String {
    let mut clean = String::with_capacity(source.len());
    let mut rest = source;
    while let Some((before, after)) = rest.split_once("{%") {
        clean.push_str(before);
        let Some((tag, behind)) = after.split_once("%}") else {
            clean.push_str("{%");
            rest = after;
            continue;
        };
        let name = tag.trim_matches(['-', '+']).trim();
        if matches!(name, "generation" | "endgeneration") {
            // A comment takes the same whitespace away.
            let (left, right) = (tag.starts_with('-'), tag.ends_with('-'));
            clean.push_str(if left { "{#-" } else { "{#" });
            clean.push_str(if right { "-#}" } else { "#}" });
        } else {
            clean.push_str("{%");
            clean.push_str(tag);
            clean.push_str("%}");
        }
        rest = behind;
    }
    clean.push_str(rest);
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_tags_of_training_go() {
        for (source, clean) in [
            ("a{% generation %}b{%- endgeneration -%}c", "a{##}b{#--#}c"),
            ("{% if generation %}x{% endif %}", "{% if generation %}x{% endif %}"),
            ("open {% generation", "open {% generation"),
            ("{{ '{%' }}", "{{ '{%' }}"),
        ] {
            assert_eq!(without_generation_tags(source), clean);
        }
    }
}
