//! A conversation with a git server: which references it has, and the objects that are wanted of it.

use std::io::BufRead;
use std::num::NonZeroU32;
use std::sync::atomic::AtomicBool;

use gix::error::{ErrorExt as _, message};
use gix::progress::Discard;
use gix::protocol::fetch::negotiate::{Action, Round, one_round};
use gix::protocol::fetch::{Arguments, Context, Negotiate, Options, Response, Shallow, Tags};
use gix::protocol::handshake::Ref;
use gix::protocol::transport::Protocol;
use gix::protocol::transport::client::blocking_io::Transport;
use gix::protocol::{Handshake, LsRefsCommand, SendFlushOnDrop, ls_refs::RefPrefixes};
use gix::{DynNestedProgress, ObjectId, Repository};
use nprt_core::Result;

use super::cancel::Cancel;
use super::client::Client;
use super::pack;
use super::ssh::Process;

/// What a server says of one of its references.
#[derive(Debug, Clone)]
pub(super) struct Head {
    /// Such as `HEAD`, `refs/heads/main`, `refs/tags/v1`.
    pub(super) name: String,
    /// What the server hands out by that name: of an annotated tag the tag.
    pub(super) object: ObjectId,
    /// What that leads to in the end; of an annotated tag what it points at.
    pub(super) commit: ObjectId,
}

/// A server that has said hello.
pub(super) struct Session<'a> {
    pub(super) client: &'a Client,
    // Dropped first: the server is told that it is over.
    pub(super) transport: SendFlushOnDrop<Box<dyn Transport + Send>>,
    pub(super) process: Option<Process>,
    pub(super) handshake: Handshake,
    pub(super) cancel: &'a Cancel,
}

impl Session<'_> {
    /// All branches and tags of the server, and its `HEAD`, as they are now.
    ///
    /// A name that is no UTF-8 is left out: it is nothing that a [`Reference`](nprt_core::model::Reference) can
    /// name, and must not keep others from theirs.
    pub(super) fn heads(&mut self) -> Result<Vec<Head>> {
        self.cancel.check()?;
        let refs = match self.handshake.refs.clone() {
            Some(refs) => refs,
            None => self.list()?,
        };
        Ok(refs.into_iter().filter_map(head).collect())
    }

    /// Servers of protocol 2 say it when they are asked. What hosts keep of each proposed change (`refs/pull` and
    /// the like, which may be many times as much) is not asked for.
    fn list(&mut self) -> Result<Vec<Ref>> {
        let mut prefixes = RefPrefixes::new();
        prefixes.extend(["HEAD", "refs/heads/", "refs/tags/"].map(Into::into));
        LsRefsCommand::new(Some(prefixes), &self.handshake.capabilities, agent())
            .invoke_blocking(&mut self.transport.inner, &mut Discard, false)
            .map_err(|error| self.client.error(self.process.as_mut(), error))
    }

    /// Fetches what `wanted` reaches into `repository`, which has all that `known` reaches; without a reference
    /// there. `depth` limits the history.
    pub(super) fn fetch(
        &mut self,
        repository: &Repository,
        wanted: &[ObjectId],
        known: &[ObjectId],
        depth: Option<NonZeroU32>,
    ) -> Result<()> {
        self.cancel.check()?;
        let context = Context {
            handshake: &mut self.handshake,
            transport: &mut self.transport.inner,
            user_agent: agent(),
            trace_packetlines: false,
        };
        // Servers of protocol 2 always know that word.
        let protocol = context.handshake.server_protocol_version;
        let quiet = protocol == Protocol::V2 || context.handshake.capabilities.contains("no-progress");
        let shallow = depth.map_or(Shallow::NoChange, Shallow::DepthAtRemote);
        let fetch = |shallow_file| {
            let options =
                Options { shallow_file, shallow: &shallow, tags: Tags::None, reject_shallow_remote: false };
            let store = |pack: &mut dyn BufRead, _: &mut dyn DynNestedProgress, stop: &AtomicBool| {
                pack::store(repository, pack, stop).map(|()| true)
            };
            let (mut demand, stop) = (Demand { wanted, known, quiet }, self.cancel.flag());
            gix::protocol::fetch(&mut demand, store, Discard, stop, context, options)
        };
        let fetched = repository.shallow_file().and_then(fetch);
        fetched.map(drop).map_err(|error| self.client.error(self.process.as_mut(), error))
    }
}

/// Says at once all that there is to say, so that the server answers with the objects.
///
/// git asks step by step which of its commits the server knows too, each step a request. What a cache holds came
/// from that very server.
struct Demand<'a> {
    wanted: &'a [ObjectId],
    known: &'a [ObjectId],
    /// Whether the server can be asked not to tell how far it is, which nobody would read.
    quiet: bool,
}

impl Negotiate for Demand<'_> {
    fn mark_complete_and_common_ref(&mut self) -> gix::Result<Action> {
        Ok(Action::MustNegotiate { remote_ref_target_known: Vec::new() })
    }

    fn add_wants(&mut self, arguments: &mut Arguments, _: &[bool]) -> bool {
        if self.quiet {
            arguments.add_feature("no-progress");
        }
        for object in self.wanted {
            arguments.want(object);
        }
        !self.wanted.is_empty()
    }

    fn one_round(
        &mut self,
        _: &mut one_round::State,
        arguments: &mut Arguments,
        previous: Option<&Response>,
    ) -> gix::Result<(Round, bool)> {
        if previous.is_some() {
            return Err(message("the server sent no objects").raise());
        }
        for commit in self.known {
            arguments.have(commit);
        }
        let sent = self.known.len();
        let round = Round {
            haves_sent: sent,
            in_vain: 0,
            haves_to_send: sent,
            previous_response_had_at_least_one_in_common: false,
        };
        Ok((round, true))
    }
}

fn agent() -> (&'static str, Option<String>) {
    ("agent", Some(gix::protocol::agent(concat!("nprt-", env!("CARGO_PKG_VERSION")))))
}

fn head(reference: Ref) -> Option<Head> {
    let (name, object, commit) = match reference {
        Ref::Peeled { full_ref_name, tag, object } => (full_ref_name, tag, object),
        Ref::Direct { full_ref_name, object } => (full_ref_name, object, object),
        Ref::Symbolic { full_ref_name, tag, object, .. } => (full_ref_name, tag.unwrap_or(object), object),
        Ref::Unborn { .. } => return None,
    };
    Some(Head { name: String::from_utf8(name.into()).ok()?, object, commit })
}
