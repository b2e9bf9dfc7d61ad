//! The rules of the trade by short names, for people who know them by what they do and not by their numbers.

use crate::domain::decision::RuleWeighed;

/// A rule's short name.
pub(super) fn name(rule: &str) -> &'static str {
    match rule {
        "R1" => "under way",
        "R2" => "milder step first",
        "R3" => "first contact",
        "R4" => "step and date",
        "R6" => "spacing, ceilings",
        "R9" => "days and hours",
        "R10" => "payments read in",
        "R11" => "credits set off",
        "R12" => "amount",
        "R13" => "read again",
        "R14" => "guards of sending",
        "R15" => "customer's state",
        "R16" => "firm or person",
        "R17" => "way to reach",
        "R18" => "dispute",
        "R19" => "hold, promise",
        "R20" => "calm days",
        "R21" => "hours of SMS",
        "R22" => "condition, yes",
        "R23" => "account in letters",
        _ => "row of the ledger",
    }
}

/// Prints all rules that were weighed: those that stop first, each group in the order in which it was weighed.
pub(super) fn print(rules: &[RuleWeighed]) {
    let (hold, stop): (Vec<&RuleWeighed>, Vec<&RuleWeighed>) = rules.iter().partition(|r| r.holds);
    stop.into_iter().for_each(|r| line("✗", r.rule, &r.text));
    hold.into_iter().for_each(|r| line("✓", r.rule, &r.text));
}

/// A rule on a line.
pub(super) fn line(mark: &str, rule: &str, text: &str) {
    say!("  {mark} {:<18}  {text} ({rule})", name(rule));
}
