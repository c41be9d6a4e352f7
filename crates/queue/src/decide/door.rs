//! What a run may still send, and what is known of what it has sent: one word, since the gate, the keeper and whoever ends the run
//! change it at the same time.

use std::sync::atomic::{AtomicU8, Ordering};

use longshore_job::JobError;

/// A request may have gone out.
const SENT: u8 = 1;
/// No request may go out any more.
const CLOSED: u8 = 2;
/// It is asked to stop.
const ASKED: u8 = 4;
/// And it is to stop even if a request of it may have been carried out.
const FORCED: u8 = 8;
/// A request was out, and then the fleet's memory could not be asked.
const UNREMEMBERED: u8 = 16;
/// A request was out, and the run went on: another one with an effect followed, or its work was kept, or the next call was not let out.
const WENT_ON: u8 = 32;
/// A request was out, and one that reads followed.
const READ_ON: u8 = 64;

/// The door that each request of a run passes.
#[derive(Debug, Default)]
pub struct Door {
    word: AtomicU8,
    /// A request of an earlier run may have been carried out.
    sent_before: bool,
}

impl Door {
    /// The door of a run that has sent nothing. `sent_before`: a request of an earlier one may have been carried out.
    #[must_use]
    pub fn new(sent_before: bool) -> Self {
        Self {
            word: AtomicU8::new(0),
            sent_before,
        }
    }

    /// Notes that a request goes out now. `false` once it is closed, or the run is to stop: then it must not.
    pub fn send(&self) -> bool {
        self.change(|door| {
            let again = if door & SENT != 0 { WENT_ON } else { 0 };
            (door & CLOSED == 0 && !self.stops(door)).then_some(door | SENT | again)
        })
    }

    /// Whether a request without an effect may go out. If so, it does.
    pub fn read(&self) -> bool {
        self.change(|door| {
            let on = if door & SENT != 0 { READ_ON } else { 0 };
            (door & CLOSED == 0 && !self.stops(door)).then_some(door | on)
        })
    }

    /// Requests may still go out.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.word() & CLOSED == 0
    }

    /// Lets no further request out. Says whether one may have gone out before.
    pub fn close(&self) -> bool {
        self.word.fetch_or(CLOSED, Ordering::AcqRel) & SENT != 0
    }

    /// The run is asked to stop.
    pub fn ask_to_stop(&self, force: bool) {
        let asked = if force { ASKED | FORCED } else { ASKED };
        self.word.fetch_or(asked, Ordering::AcqRel);
    }

    /// Whether the run is to stop before its next request: it is asked to, and no request that this or an earlier run made may have
    /// been carried out, or it is forced.
    #[must_use]
    pub fn is_to_stop(&self) -> bool {
        self.stops(self.word())
    }

    fn stops(&self, door: u8) -> bool {
        let never_sent = door & SENT == 0 && !self.sent_before;
        door & FORCED != 0 || (door & ASKED != 0 && never_sent)
    }

    /// Notes that the last request was surely not carried out, unless others went out before it.
    pub fn note_not_carried_out(&self) {
        self.change(|door| {
            (door & (WENT_ON | UNREMEMBERED) == 0).then_some(door & !(SENT | READ_ON))
        });
    }

    /// Notes that the run goes on after what it has sent.
    pub fn note_going_on(&self) {
        self.change(|door| (door & SENT != 0).then_some(door | WENT_ON));
    }

    /// Notes that the fleet's memory could not be asked.
    pub fn note_unremembered(&self) {
        self.change(|door| (door & SENT != 0).then_some(door | UNREMEMBERED));
    }

    /// Whether a request was out, and then the fleet's memory could not be asked.
    #[must_use]
    pub fn is_unremembered(&self) -> bool {
        self.word() & UNREMEMBERED != 0
    }

    /// Whether a request may have gone out that is not known to be none.
    #[must_use]
    pub fn has_sent(&self) -> bool {
        self.word() & SENT != 0
    }

    /// Whether a request was out, and the run went on after it: then its end is not about all that it sent.
    #[must_use]
    pub fn has_gone_on(&self) -> bool {
        self.word() & (WENT_ON | READ_ON | UNREMEMBERED) != 0
    }

    /// Whether something that the run sent may have been carried out, though its end does not say so: it is about another request, or
    /// about one that may be made again.
    #[must_use]
    pub fn doubts(&self, end: &JobError) -> bool {
        self.has_gone_on() || (self.has_sent() && end.answer().unknown)
    }

    fn word(&self) -> u8 {
        self.word.load(Ordering::Acquire)
    }

    /// Whether it has changed.
    fn change(&self, to: impl FnMut(u8) -> Option<u8>) -> bool {
        let (set, fetch) = (Ordering::AcqRel, Ordering::Acquire);
        self.word.fetch_update(set, fetch, to).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent() -> Door {
        let door = Door::new(false);
        assert!(door.send() && door.has_sent() && !door.has_gone_on());
        door
    }

    #[test]
    fn a_run_that_goes_on_after_a_request_is_not_told_of_by_its_end_alone() {
        let goes_on: [fn(&Door); 4] = [
            |door| assert!(door.send()),
            |door| assert!(door.read()),
            Door::note_going_on,
            Door::note_unremembered,
        ];
        for goes_on in goes_on {
            let door = sent();
            goes_on(&door);
            assert!(door.has_gone_on());
            // Of nothing that was sent there is nothing to tell.
            let door = Door::new(false);
            goes_on(&door);
            assert!(!door.has_gone_on());
        }
    }

    #[test]
    fn what_was_surely_not_carried_out_was_not_sent_and_can_be_stopped() {
        let door = sent();
        door.ask_to_stop(false);
        assert!(!door.is_to_stop());
        door.note_not_carried_out();
        assert!(!door.has_sent() && door.is_to_stop() && !door.send() && !door.read());
        let door = sent();
        assert!(door.read());
        door.note_not_carried_out();
        assert!(!door.has_gone_on() && door.send() && !door.has_gone_on());
    }

    #[test]
    fn what_went_out_before_the_last_request_stays_sent() {
        let door = sent();
        assert!(door.send());
        door.note_not_carried_out();
        assert!(door.has_sent() && door.has_gone_on());
        let earlier = Door::new(true);
        earlier.ask_to_stop(false);
        assert!(!earlier.is_to_stop());
        earlier.ask_to_stop(true);
        assert!(earlier.is_to_stop() && !earlier.read());
    }
}
