//! What playing a scenario ([`crate::scenario`]) and playing a script ([`crate::client::script`]) have in common: one step
//! after the other, the choice between branches, and what is said where something differs.

use std::pin::Pin;
use std::time::Duration;

use crate::report::{Difference, Observation, Verdict};
use crate::scenario::Branch;

/// The difference that ends a conversation.
pub(crate) type Played<T = ()> = Result<T, Difference>;

pub(crate) fn difference(client: &str, expected: impl Into<String>, got: impl Into<String>) -> Difference {
    Difference { client: client.to_owned(), expected: expected.into(), got: got.into() }
}

/// What happens next, compared with what a step waits for.
pub(crate) enum Next {
    /// Something else, or nothing.
    Other,
    /// That.
    This,
    /// That, and it is an end: of whose connection, and how it is described.
    End(String, String),
}

/// One side of a conversation.
pub(crate) trait Play: Send {
    /// What is played.
    type Step: Sync;
    /// Where there can be silence; as a text, how it is called in differences.
    type Place: AsRef<str> + Sync;

    /// What was observed so far.
    fn observation(&mut self) -> &mut Observation;

    /// Plays one step.
    fn step(&mut self, step: &Self::Step) -> impl Future<Output = Played> + Send;

    /// Where and how long a step waits for nothing, if that is what it does.
    fn silence(step: &Self::Step) -> Option<(&Self::Place, Duration)>;

    /// What happens there within `time`, in words. Takes nothing.
    fn happens(&mut self, place: &Self::Place, time: Duration) -> impl Future<Output = Played<Option<String>>> + Send;

    /// Whether what happens next is what this step waits for, which is the first of one of `branches`. Takes nothing.
    fn next(&mut self, step: &Self::Step, branches: &[Branch<Self::Step>])
    -> impl Future<Output = Played<Next>> + Send;

    /// What a step waits for, in words.
    fn due(&self, step: &Self::Step) -> String;
}

/// Plays steps one after the other. Boxed, because branches hold steps again.
pub(crate) fn steps<'a, P: Play>(
    play: &'a mut P,
    steps: &'a [P::Step],
) -> Pin<Box<dyn Future<Output = Played> + Send + 'a>> {
    Box::pin(async move {
        for step in steps {
            play.step(step).await?;
        }
        Ok(())
    })
}

/// Waits for nothing.
pub(crate) async fn quiet<P: Play>(play: &mut P, place: &P::Place, time: Duration) -> Played {
    match play.happens(place, time).await? {
        None => Ok(()),
        Some(got) => Err(difference(place.as_ref(), "nothing", got)),
    }
}

/// Takes the branch whose first step is what happens. Silence is tried first: it takes less time than to wait in vain for
/// what another branch begins with. If no branch begins so, the recorded one is played: that tells what is missing.
pub(crate) async fn either<P: Play>(play: &mut P, branches: &[Branch<P::Step>]) -> Played {
    let Some(recorded) = branches.first() else { return Ok(()) };
    for branch in branches {
        if let Some((first, rest)) = branch.steps.split_first()
            && let Some((place, time)) = P::silence(first)
            && play.happens(place, time).await?.is_none()
        {
            play.observation().note(branch.verdict, branch.reason);
            return steps(play, rest).await;
        }
    }
    for branch in branches {
        let Some(first) = branch.steps.first() else { continue };
        match play.next(first, branches).await? {
            Next::Other => continue,
            // An end in place of the recorded one is written down: a list of what is known holds it word for word.
            Next::End(client, got) if branch.verdict != Verdict::Conforms => {
                let due = recorded.steps.first().map(|step| play.due(step)).unwrap_or_default();
                play.observation().differs(branch.verdict, difference(&client, due, got));
            }
            Next::This | Next::End(..) => {}
        }
        play.observation().note(branch.verdict, branch.reason);
        return steps(play, &branch.steps).await;
    }
    steps(play, &recorded.steps).await
}
