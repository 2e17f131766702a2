//! Our things for the peer: the services 1 to 8 and 10.
//!
//! Requests wait in a queue of bounded length, and each is answered when the connection has taken everything before: what waits for
//! the network is never more than one answer.

mod announced;
mod denied;
mod list;
mod stream;

use std::collections::VecDeque;

use ratatosk_objects::{BlobHash, ClobHash, IdHash, ObjectHash, Reference};
use ratatosk_protocol::message::Payload;

use self::announced::Announced;
use self::denied::Denied;
use self::list::{Job, Progress};
use self::stream::Stream;
use crate::event::Event;
use crate::fault::Fault;
use crate::library::Library;
use crate::message::{Arguments, PROTOCOL_VERSION, Service, answer_data, answer_undefined, stream_error};
use crate::root::Root;
use crate::settings::Settings;

struct Request {
    id: i64,
    asked: Asked,
}

enum Asked {
    /// For something of ours.
    Service {
        /// The number of a service, known or not.
        service: i64,
        arguments: Arguments,
    },
    /// To show a draft, which was taken or not.
    Draft { taken: bool },
}

/// What came of asking for something to send.
pub(crate) enum Next {
    /// A message to send.
    Send(Payload),
    /// Nothing to do.
    Idle,
    /// Something is at work; ask again soon.
    Busy,
}

/// The exporter's side of a connection.
#[derive(Default)]
pub(crate) struct Exporter {
    requests: VecDeque<Request>,
    streams: VecDeque<Stream>,
    waiting_streams: VecDeque<Stream>,
    stream_is_next: bool,
    job: Option<Job>,
    announced: Announced,
    /// The roots as they were last written, and their generation.
    written: Option<(u64, String)>,
    finished: bool,
    events: VecDeque<Event>,
}

impl Exporter {
    /// Takes a request.
    pub(crate) fn request(
        &mut self,
        id: i64,
        service: i64,
        arguments: Arguments,
        settings: &Settings,
    ) -> Result<(), Fault> {
        self.queue(Request { id, asked: Asked::Service { service, arguments } }, settings)
    }

    /// Takes a piece of a draft, which somebody else looks at: here it is answered.
    pub(crate) fn draft(&mut self, id: i64, taken: bool, settings: &Settings) -> Result<(), Fault> {
        self.queue(Request { id, asked: Asked::Draft { taken } }, settings)
    }

    fn queue(&mut self, request: Request, settings: &Settings) -> Result<(), Fault> {
        if self.requests.len() + self.streams.len() + self.waiting_streams.len() >= settings.max_requests {
            return Err(Fault::TooManyRequests);
        }
        self.requests.push_back(request);
        Ok(())
    }

    /// The peer cannot write a stream any more.
    pub(crate) fn stop_stream(&mut self, id: i64, outbox: &mut VecDeque<Payload>) {
        let before = self.streams.len() + self.waiting_streams.len();
        self.streams.retain(|stream| stream.id != id);
        self.waiting_streams.retain(|stream| stream.id != id);
        if self.streams.len() + self.waiting_streams.len() < before {
            // As the reference does: whoever waits for an end gets one.
            outbox.push_back(Payload::text(stream_error(id)));
        }
    }

    /// The generation of the roots that the peer was last told, if it asked.
    pub(crate) fn told(&self) -> Option<u64> {
        if self.finished { None } else { self.written.as_ref().map(|(generation, _)| *generation) }
    }

    /// What happened.
    pub(crate) fn event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The next message for the peer.
    pub(crate) fn next<L: Library>(&mut self, library: &mut L, settings: &Settings) -> Result<Next, L::Error> {
        if let Some(mut job) = self.job.take() {
            let mut budget = settings.step;
            return Ok(match job.step(library, &mut budget, &mut self.announced, settings)? {
                Progress::Answer(message) => Next::Send(Payload::Text(message)),
                Progress::More => {
                    self.job = Some(job);
                    Next::Busy
                }
            });
        }
        // Answers and pieces of streams take turns: neither has to wait for all of the other.
        self.stream_is_next = !self.stream_is_next;
        if self.stream_is_next || self.requests.is_empty() {
            let piece = self.piece(library, settings)?;
            if !matches!(piece, Next::Idle) {
                return Ok(piece);
            }
        }
        let Some(request) = self.requests.pop_front() else { return Ok(Next::Idle) };
        Ok(match self.answer(library, settings, &request)? {
            Some(message) => Next::Send(Payload::Text(message)),
            None => Next::Busy,
        })
    }

    fn piece<L: Library>(&mut self, library: &L, settings: &Settings) -> Result<Next, L::Error> {
        while self.streams.len() < settings.max_streams.max(1)
            && let Some(stream) = self.waiting_streams.pop_front()
        {
            self.streams.push_back(stream);
        }
        let Some(mut stream) = self.streams.pop_front() else { return Ok(Next::Idle) };
        let (message, is_last) = stream.next(library, settings.chunk)?;
        if !is_last {
            self.streams.push_back(stream);
        }
        Ok(Next::Send(message))
    }

    /// Answers a request; none if that takes longer.
    fn answer<L: Library>(
        &mut self,
        library: &mut L,
        settings: &Settings,
        request: &Request,
    ) -> Result<Option<String>, L::Error> {
        let (number, arguments) = match &request.asked {
            Asked::Service { service, arguments } => (*service, arguments),
            Asked::Draft { taken: true } => return Ok(Some(answer_data(request.id, true))),
            Asked::Draft { taken: false } => return Ok(Some(Denied::draft().answer(request.id))),
        };
        let service = Service::of(number).filter(|service| !self.finished || *service == Service::NewRoot);
        let Some(service) = service else { return Ok(Some(Denied::unknown(number).answer(request.id))) };
        let hash = match service {
            Service::Version => return Ok(Some(answer_data(request.id, PROTOCOL_VERSION))),
            Service::Roots => return self.roots(library, settings, request.id).map(Some),
            // The importer was told already.
            Service::NewRoot => return Ok(Some(answer_undefined(request.id))),
            Service::Fin => {
                self.finished = true;
                return Ok(Some(answer_undefined(request.id)));
            }
            _ => match denied::hash(service, arguments) {
                Ok(hash) => hash,
                Err(denied) => return Ok(Some(denied.answer(request.id))),
            },
        };
        let named = named(service, &hash).into_iter().find(|reference| self.announced.contains(reference));
        let Some(named) = named else { return Ok(Some(Denied::unannounced(service, &hash).answer(request.id))) };
        match service {
            Service::ObjectChildren | Service::IdChildren => self.start_list(library, settings, request.id, named),
            Service::Blob => {
                let is_text = match arguments.second() {
                    None => false,
                    Some("utf8") => true,
                    Some(_) => return Ok(Some(Denied::encoding().answer(request.id))),
                };
                self.waiting_streams.push_back(Stream::new(
                    request.id,
                    BlobHash::from_bytes(*hash.as_bytes()),
                    is_text,
                ));
                Ok(None)
            }
            _ => self.object(library, request.id, service, named).map(Some),
        }
    }

    fn roots<L: Library>(&mut self, library: &L, settings: &Settings, id: i64) -> Result<String, L::Error> {
        let generation = library.generation()?;
        if let Some((written, json)) = &self.written
            && *written == generation
        {
            return Ok(answer_data(id, json));
        }
        let mut roots = library.roots()?;
        roots.truncate(settings.max_roots);
        let json = Root::write_list(&roots);
        self.announced.roots(&roots);
        let answer = answer_data(id, &json);
        self.written = Some((generation, json));
        Ok(answer)
    }

    fn start_list<L: Library>(
        &mut self,
        library: &mut L,
        settings: &Settings,
        id: i64,
        root: Reference,
    ) -> Result<Option<String>, L::Error> {
        self.job = Some(Job::new(library, &mut self.announced, id, root, settings.max_children)?);
        Ok(None)
    }

    fn object<L: Library>(
        &mut self,
        library: &mut L,
        id: i64,
        service: Service,
        named: Reference,
    ) -> Result<String, L::Error> {
        for lacked in self.announced.cut_at(&named) {
            library.set_known(&lacked, None)?;
        }
        let object = match &named {
            Reference::Object(hash) => library.object(hash)?,
            Reference::Id(id) => library.id_object(id)?,
            Reference::Blob(_) | Reference::Clob(_) => None,
        };
        let Some(microdata) = object else {
            return Ok(Denied::not_there(service, &ObjectHash::from_bytes(*named.hash_bytes())).answer(id));
        };
        // Whoever asks for a root after its children has all of them.
        if let Reference::Object(hash) = named
            && let Some(list) = self.announced.take(&named)
            && let Some(of) = list.version_of
        {
            library.set_known(&of, Some(hash))?;
            self.events.push_back(Event::Delivered { id: of, node: hash });
        }
        Ok(answer_data(id, microdata.as_str()))
    }
}

/// As what a hash has to be named for this service to give it.
fn named(service: Service, hash: &ObjectHash) -> Vec<Reference> {
    let bytes = *hash.as_bytes();
    match service {
        Service::IdChildren | Service::IdObject => vec![Reference::Id(IdHash::from_bytes(bytes))],
        Service::Blob => {
            vec![Reference::Blob(BlobHash::from_bytes(bytes)), Reference::Clob(ClobHash::from_bytes(bytes))]
        }
        _ => vec![Reference::Object(*hash)],
    }
}
