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
    /// What the last leader wrote.
    wrote: Option<u64>,
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
            self.groups.push(Group { cache, prefix, used: None, wrote: None });
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
    pub(super) fn started(&mut self, group: usize) {
        self.groups[group].used = Some(Instant::now());
    }

    /// What to tell once of a phase whose call followed and was not served from the cache.
    pub(super) fn miss(
        &mut self,
        course: usize,
        phase: usize,
        leads: bool,
        meters: &Meters,
    ) -> Option<String> {
        let group = &mut self.groups[self.of[course][phase]?];
        if leads {
            group.wrote = meters.cache_write;
            return None;
        }
        if meters.cache_read != Some(0) || !self.warned.insert((course, phase)) {
            return None;
        }
        let tokens = bytes_as_tokens(group.prefix).round();
        Some(match group.wrote {
            Some(0) => format!("the provider kept nothing of the first call's prefix, which has about {tokens} tokens: models keep a prefix only from 512 to 4,096 tokens on, each its own number"),
            Some(_) => "the provider had kept the prefix and did not find it again: a gateway on the way changed it, or another machine answered".to_owned(),
            None => format!("the provider reports no use of its cache for the prefix of about {tokens} tokens: it is too short for this model, or the server keeps none"),
        })
    }
}

/// A call is sent a little later than it is decided.
const MARGIN: Duration = Duration::from_secs(5);
