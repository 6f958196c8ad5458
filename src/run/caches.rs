//! What calls share at providers: who leads a cache group, how long it stays warm, and whether the followers were served.

use crate::generate::{Generator, Meters};
use crate::money::bytes_as_tokens;
use crate::prompt::Prompts;
use crate::schedule::{PhaseNo, Schedule};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The cache groups of a run.
#[derive(Debug, Default)]
pub(super) struct Caches {
    groups: Vec<Group>,
    /// By course and phase.
    of: Vec<Vec<Option<usize>>>,
    warned: BTreeSet<(usize, usize)>,
}

#[derive(Debug)]
struct Group {
    cache: crate::generate::Cache,
    /// Bytes of the prefix.
    prefix: usize,
    /// When a call that wrote or read the entry last started.
    used: Option<Instant>,
    leader: Leader,
    /// The label of the first call that was not served while its leader was under way: why is known when that ends.
    missed: Option<String>,
}

/// The last call that led a group.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Leader {
    UnderWay,
    /// So much it wrote, where the provider says.
    Wrote(Option<u64>),
}

impl Caches {
    /// Finds the groups and tells the schedule of them.
    pub(super) fn new(
        prompts: &[Vec<Prompts>],
        generators: &[Vec<Arc<dyn Generator>>],
        numbers: &[Vec<PhaseNo>],
        schedule: &mut Schedule,
    ) -> Self {
        let mut caches = Self::default();
        for ((prompts, generators), numbers) in prompts.iter().zip(generators).zip(numbers) {
            let mut of_course = Vec::new();
            for ((prompts, generator), number) in prompts.iter().zip(generators).zip(numbers) {
                let prefix = prompts.prefix();
                let group = generator.cache(&prefix).map(|cache| caches.number(cache, prefix.len()));
                if let Some(group) = group {
                    schedule.share(*number, group);
                }
                of_course.push(group);
            }
            caches.of.push(of_course);
        }
        caches
    }

    fn number(&mut self, cache: crate::generate::Cache, prefix: usize) -> usize {
        let known = self.groups.iter().position(|group| group.cache.group == cache.group);
        known.unwrap_or_else(|| {
            let leader = Leader::Wrote(None);
            self.groups.push(Group { cache, prefix, used: None, leader, missed: None });
            self.groups.len() - 1
        })
    }

    /// The group of a phase.
    pub(super) fn of(&self, course: usize, phase: usize) -> Option<usize> {
        self.of[course][phase]
    }

    /// Groups of which nothing has started for as long as an entry lives are cold again.
    pub(super) fn cool(&mut self, schedule: &mut Schedule) {
        for (number, group) in self.groups.iter_mut().enumerate() {
            if group.used.is_some_and(|used| used.elapsed() + MARGIN > group.cache.lives) {
                group.used = None;
                schedule.cooled(number);
            }
        }
    }

    /// A call of the group leaves.
    pub(super) fn started(&mut self, group: usize, leads: bool) {
        let group = &mut self.groups[group];
        group.used = Some(Instant::now());
        if leads {
            group.leader = Leader::UnderWay;
        }
    }

    /// What to tell once of a phase whose call followed and was not served from the cache.
    pub(super) fn miss(
        &mut self,
        (course, phase): (usize, usize),
        leads: bool,
        label: &str,
        meters: &Meters,
    ) -> Option<String> {
        let group = &mut self.groups[self.of[course][phase]?];
        let label = if leads {
            group.leader = Leader::Wrote(meters.cache_write);
            group.missed.take()?
        } else if meters.cache_read == Some(0) && self.warned.insert((course, phase)) {
            label.to_owned()
        } else {
            return None;
        };
        let Leader::Wrote(wrote) = group.leader else {
            group.missed = Some(label);
            return None;
        };
        let tokens = bytes_as_tokens(group.prefix).round();
        let why = match wrote {
            Some(0) => format!("the provider kept nothing of the first call's prefix, which has about {tokens} tokens: models keep a prefix only from 512 to 4,096 tokens on, each its own number"),
            Some(_) => "the provider had kept the prefix and did not find it again: a gateway on the way changed it, or another machine answered".to_owned(),
            None => format!("the provider reports no use of its cache for the prefix of about {tokens} tokens: it is too short for this model, or the server keeps none"),
        };
        Some(format!("`{label}` paid for the prefix again: {why}"))
    }
}

/// A call is sent a little later than it is decided.
const MARGIN: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::Cache;

    fn one_group() -> Caches {
        let cache = Cache { group: crate::digest::Digest::default(), lives: Duration::from_secs(300) };
        let mut caches = Caches::default();
        caches.number(cache, 2000);
        caches.of = vec![vec![Some(0), Some(0)]];
        caches
    }

    fn meters(cache_write: Option<u64>, cache_read: Option<u64>) -> Meters {
        Meters { cache_write, cache_read, ..Meters::default() }
    }

    #[test]
    fn the_cause_of_a_miss_is_told_when_it_is_known() {
        for (wrote, why) in
            [(Some(0), "kept nothing"), (Some(500), "did not find it again"), (None, "no use of its cache")]
        {
            for leader_first in [false, true] {
                let mut caches = one_group();
                caches.started(0, true);
                caches.started(0, false);
                let mut ended =
                    [(true, "leads", meters(wrote, Some(0))), (false, "follows", meters(Some(0), Some(0)))];
                if !leader_first {
                    ended.reverse();
                }
                let told: Vec<_> = ended
                    .iter()
                    .map(|(leads, label, meters)| caches.miss((0, 0), *leads, label, meters))
                    .collect();
                assert_eq!(told[0], None);
                let told = told[1].as_ref().unwrap();
                assert!(told.starts_with("`follows` paid") && told.contains(why), "{told}");
                assert_eq!(
                    caches.miss((0, 0), false, "another", &meters(None, Some(0))),
                    None,
                    "once a phase"
                );
                assert!(caches.miss((0, 1), false, "of another phase", &meters(None, Some(0))).is_some());
            }
        }
    }
}
