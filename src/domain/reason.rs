//! Reason codes: why a decision is what it is. They are part of the JSON output
//! and of the log, so a code, once released, keeps its meaning.

use std::fmt;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)+) => {
        /// Why something leaves, waits, is held or is done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason { $($(#[$doc])* $name,)+ }

        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Reason] = &[$(Reason::$name,)+];

            /// The stable code in JSON and in the store.
            pub fn code(self) -> &'static str {
                match self { $(Reason::$name => $code,)+ }
            }

            /// One short sentence for people.
            pub fn text(self) -> &'static str {
                match self { $(Reason::$name => $text,)+ }
            }

            /// Reads a code.
            pub fn parse(code: &str) -> Option<Reason> {
                Reason::ALL.iter().copied().find(|r| r.code() == code)
            }
        }
    };
}

reasons! {
    /// A step is due and nothing stands against it.
    Due = "due", "a step is due and nothing stands against it";
    /// No step is due yet.
    NotYet = "not_yet", "no step is due yet";
    /// The step's own condition does not hold (R22).
    RuledOut = "ruled_out", "the step's own condition does not hold";
    /// Something is not known that the step needs (R22).
    NeedsData = "needs_data", "something is not known that the step needs; a person adds it in the ledger";
    /// A person has to say yes (R22).
    AwaitsApproval = "awaits_approval", "waits for a person's yes: `relance approve`";
    /// The owner was told and may hold it (R22).
    OwnerTold = "owner_told", "the owner was told and may still hold it";
    /// The owner could not be told yet, so silence is no yes (R22).
    OwnerUntold = "owner_untold", "the owner has not been told yet, so it does not leave";
    /// Nothing firm leaves on Friday afternoon, on the eve of a holiday or in quiet weeks (R20).
    QuietTime = "quiet_time", "nothing of rank firm or higher leaves at this time";
    /// The customer pays in these days anyway (R22).
    PayRun = "pay_run", "the customer pays on a fixed day that is near; the step waits until that is booked";
    /// The channel's hours or days are closed (R9, R21).
    OutsideWindow = "outside_window", "outside the hours in which this channel may be used";
    /// Too soon after the last contact (R6).
    Spacing = "spacing", "too soon after the last contact";
    /// As many contacts as allowed in the period (R6).
    Ceiling = "ceiling", "as many contacts as allowed in this period have been made";
    /// Receipts are not yet in the ledger up to the day needed (R10).
    PaymentsNotBooked = "payments_not_booked", "payments are not yet booked up to the day needed";
    /// Receipts and credit notes that the ledger has not set off cover what is overdue (R11).
    UnallocatedCovers = "unallocated_covers", "payments or credit notes that are not booked against it cover what is overdue; please allocate them";
    /// A part payment was just seen (R12).
    PartPaid = "part_paid", "a part payment was just received, the next step waits";
    /// The bank has the money, and the ledger does not know yet.
    PaidUnbooked = "paid_unbooked", "paid by bank and not in the ledger yet";
    /// The bank has money that is likely meant for it.
    PaidPerhaps = "paid_perhaps", "likely paid by bank, which a person is to say";
    /// What the step would ask for is below the cadence's minimum (R12).
    BelowMinimum = "below_minimum", "what is asked for is below the minimum of the cadence";
    /// Only a rounding difference remains (R12).
    Rounding = "rounding", "only a rounding difference remains";
    /// The lower step was not accepted, so a firmer one may not leave (R2).
    CannotReach = "cannot_reach", "a step could not be delivered, so nothing firmer may leave";
    /// A person passed over the lower step, so a firmer one may not leave (R2).
    PassedOver = "passed_over", "a step was passed over by your word, so nothing firmer leaves by itself";
    /// There is no contact point for the step.
    NoAddress = "no_address", "there is no usable address for this step";
    /// A message may or may not have left; a person must say (crash or time-out).
    Uncertain = "uncertain", "a message may or may not have left; please resolve it with `relance uncertain`";
    /// A message is in hand already.
    InHand = "in_hand", "a message of this case is already in hand";
    /// A person put a hold.
    Held = "held", "held by a person";
    /// The debtor promised to pay.
    Promised = "promised", "the customer promised to pay";
    /// The debtor was reached by phone.
    Answered = "answered", "the customer was reached by phone; it goes on from the day that was agreed";
    /// The debtor wrote, and nobody has read it yet.
    ReplyUnread = "reply_unread", "the customer has written and nobody has read it yet; `relance inbox` shows it";
    /// The debtor answered on the answer page, and nobody has decided on it yet.
    PageAnswered = "page_answered", "the customer has answered on the answer page and nobody has decided yet; `relance proposals` shows it";
    /// Old debt first seen late, waiting for `release DEBTOR` (R3).
    OldDebt = "old_debt", "an old debt, first seen late; waits for `relance release DEBTOR`";
    /// First contact may not speak firmly (R3).
    FirstContact = "first_contact", "the first contact may not speak above a reminder";
    /// The invoice is in dispute.
    Disputed = "disputed", "in dispute";
    /// The customer's state forbids messages (R15).
    DebtorState = "debtor_state", "the customer's state forbids messages; a person decides";
    /// A direct debit may still come (R15).
    DirectDebit = "direct_debit", "the customer pays by direct debit, which was neither returned nor is late yet";
    /// On the way to paid: entered or begun, and not confirmed by the bank yet.
    Pending = "pending", "a payment is under way; it counts as paid for five bank days";
    /// Not known whether firm or private person (R16).
    KindUnknown = "kind_unknown", "not known whether this is a firm or a private person, so nothing above a reminder leaves";
    /// A draft is no invoice yet.
    Draft = "draft", "a draft, not an invoice yet";
    /// The invoice was not there when it was read again (R13).
    Missing = "missing", "not in the ledger when it was read again; the next poll decides";
    /// The row could not be read.
    Unreadable = "unreadable", "its row in the ledger cannot be read";
    /// No cadence takes the invoice (R16).
    NoCadence = "no_cadence", "no cadence takes this invoice";
    /// Every step has been had; a person decides.
    Finished = "finished", "every step of the cadence has been had; a person decides";
    /// Nothing is open any more.
    Paid = "paid", "nothing is open any more";
    /// The data is older than allowed (R14).
    StaleData = "stale_data", "the invoice data is older than allowed";
    /// The last poll failed.
    PollFailed = "poll_failed", "the last poll of the ledger failed";
    /// The ledger shrank by more than allowed (R14).
    LedgerShrunk = "ledger_shrunk", "the ledger shrank by more than allowed; waits for `relance release --ledger`";
    /// More messages than allowed; waits for release.
    TooMany = "too_many", "more messages than allowed are waiting; waits for `relance release`";
    /// A channel's other side cannot be reached, or does not let us in.
    ChannelStopped = "channel_stopped", "this channel cannot be used now; it is tried again by itself";
    /// The account that letters print is another than the one last confirmed (R23).
    IbanChanged = "iban_changed", "the account in letters was changed; waits for `relance release --iban`";
    /// The configuration says to send nothing.
    DryRun = "dry_run", "dry_run is set: nothing is sent";
    /// The operator dropped it.
    Dropped = "dropped", "dropped by the operator";
    /// Its age passed the limit for retries.
    Expired = "expired", "could not be delivered within the time allowed for retries";
    /// The message could not be made.
    BadMessage = "bad_message", "the message could not be made";
    /// Superseded: the case has moved on since the message was planned.
    Changed = "changed", "the case has changed since the message was planned";
}

impl Reason {
    /// Whether only the time is wrong: the hour, the day, or that it is too soon after another contact.
    pub fn is_about_time(self) -> bool {
        use Reason::{Ceiling, OutsideWindow, PayRun, QuietTime, Spacing};
        matches!(self, Spacing | Ceiling | PayRun | OutsideWindow | QuietTime)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_read_back() {
        for reason in Reason::ALL {
            assert_eq!(Reason::parse(reason.code()), Some(*reason));
        }
    }
}
