//! What the supervisor has seen of the target's family, made into facts.

use crate::exit::{Event, What};
use crate::launch::wire::{Delivered, Fate as Seen, Relatives};
use crate::signal::Signal;
use crate::sys::clock::Moment;
use crate::tree::{Fate, Member, Received, Sender, Tree};

use super::conclude::ending_of;

pub(super) fn tree(relatives: Relatives, base: Moment) -> Tree {
    let members = relatives.list.into_iter().map(|relative| Member {
        pid: relative.pid,
        parent: relative.parent,
        command: relative.command,
        born: relative.born.map(|at| at.since(base)),
        died: relative.died.map(|at| at.since(base)),
        fate: match relative.fate {
            Seen::Ended { raw_status } => Fate::Ended(ending_of(raw_status)),
            Seen::Zombie { raw_status } => Fate::NeverWaitedFor(ending_of(raw_status)),
            Seen::LeftBehind => Fate::LeftBehind,
        },
    });
    Tree {
        complete: relatives.followed,
        members: members.collect(),
        left_out: relatives.left_out as usize,
        signals_left_out: relatives.received_left_out as usize,
    }
}

/// The signals that were not the harness's.
pub(super) fn received(relatives: &Relatives, target: i32, base: Moment) -> Vec<Event> {
    let is_relative = |pid| relatives.list.iter().any(|relative| relative.pid == pid);
    let event = |received: &Delivered| {
        let from = match received.from {
            None => Sender::Kernel,
            Some(pid) if pid == received.to => Sender::Itself,
            Some(pid) if pid == target => Sender::Target,
            Some(pid) if is_relative(pid) => Sender::Relative { pid },
            Some(pid) => Sender::Stranger { pid },
        };
        let signal = Signal::from_status(received.number);
        Event {
            at: received.at.since(base),
            what: What::Received(Received { signal, to: received.to, from }),
        }
    };
    relatives.received.iter().map(event).collect()
}
