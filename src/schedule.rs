//! When a call leaves, and with which items: a state machine without threads or clock.
//!
//! Items are packed greedily in source order, up to the batch size, over what is to be bought once everything before it is
//! known. A call leaves when nothing that is still pending could come before its last item or join it. So the calls and
//! their members are a function of what has to be bought alone, never of the order in which answers arrive or of how many
//! calls may be in flight.

use crate::digest::Digest;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A phase in the schedule: dense, in the order in which they were added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhaseNo(pub usize);

/// The place of an item in its phase: the number of its root in source order, and its number within the root.
pub type Place = (u32, u32);

/// Items that must not share a call are in different lanes: by scoped sections, first requests or retries, key contexts.
pub type Lane = (u64, bool, Digest);

/// How a phase's calls are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Items in a call, at most; at least 1.
    pub size: usize,
    /// Bytes of items in a call, at most; a single larger item still goes, alone.
    pub bytes: Option<usize>,
}

/// An item to be bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Want {
    /// Where it stands.
    pub place: Place,
    /// What it must not be mixed with.
    pub lane: Lane,
    /// What it adds to a prompt, in bytes.
    pub bytes: usize,
}

/// A call that may leave now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// Its phase.
    pub phase: PhaseNo,
    /// Its items, in source order.
    pub items: Vec<Place>,
    /// It asks again for items that failed.
    pub retry: bool,
    /// It is the first of its cache group: no other of the group leaves before its answer has begun.
    pub leads: bool,
}

/// The state of all phases.
#[derive(Debug)]
pub struct Schedule {
    jobs: usize,
    in_flight: usize,
    stopped: bool,
    phases: Vec<Queue>,
    retries: VecDeque<Ready>,
    groups: Vec<Warmth>,
    /// While these leave, nothing else does.
    first: Option<VecDeque<Ready>>,
    /// Calls that were cut already: each leaves when one of its phase would.
    cut: Vec<Ready>,
}

/// What calls of a cache group find at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Warmth {
    /// Nothing: the next call leads.
    Cold,
    /// A leader is under way.
    Led,
    /// The prefix.
    Warm,
}

#[derive(Debug)]
struct Queue {
    cut: Cut,
    /// Its calls are not counted among those in flight: they wait elsewhere for one another.
    unbounded: bool,
    /// The cache group, if its calls share a prefix that a provider keeps.
    group: Option<usize>,
    /// Roots of which it is not known yet what has to be bought.
    pending: BTreeSet<u32>,
    /// A call may leave when its first item's root is below: what its prompt shows of other phases is settled.
    gate: u32,
    lanes: BTreeMap<Lane, BTreeMap<Place, usize>>,
    cohorts: Option<Cohorts>,
}

/// Roots whose items are asked for together. Each cohort has lanes of its own.
#[derive(Debug)]
struct Cohorts {
    of_root: Vec<u32>,
    /// By cohort: how many of its roots are pending.
    pending: Vec<usize>,
}

impl Schedule {
    /// Nothing yet; at most `jobs` calls will be in flight (at least 1).
    pub fn new(jobs: usize) -> Self {
        Self {
            jobs: jobs.max(1),
            in_flight: 0,
            stopped: false,
            phases: Vec::new(),
            retries: VecDeque::new(),
            groups: Vec::new(),
            first: None,
            cut: Vec::new(),
        }
    }

    /// Adds a phase of which all roots are pending.
    pub fn add_phase(&mut self, cut: Cut, roots: u32) -> PhaseNo {
        self.add(cut, roots, None)
    }

    /// Adds a phase of which all roots are pending, and whose calls are cohorts: all that is to be bought of one, in one call. Given
    /// is the number of each root's cohort.
    pub fn add_cohorts(&mut self, of_root: &[u32]) -> PhaseNo {
        let cohorts = of_root.iter().max().map_or(0, |last| *last as usize + 1);
        let mut pending = vec![0; cohorts];
        of_root.iter().for_each(|cohort| pending[*cohort as usize] += 1);
        let roots = u32::try_from(of_root.len()).unwrap_or(u32::MAX);
        let cut = Cut { size: usize::MAX, bytes: None };
        self.add(cut, roots, Some(Cohorts { of_root: of_root.to_vec(), pending }))
    }

    fn add(&mut self, cut: Cut, roots: u32, cohorts: Option<Cohorts>) -> PhaseNo {
        let (pending, lanes) = ((0..roots).collect(), BTreeMap::new());
        self.phases.push(Queue {
            cut,
            pending,
            gate: u32::MAX,
            unbounded: false,
            group: None,
            lanes,
            cohorts,
        });
        PhaseNo(self.phases.len() - 1)
    }

    /// Says what has to be bought of a root. Before this it is pending; saying it twice is a mistake and is ignored.
    pub fn settle(&mut self, phase: PhaseNo, root: u32, wants: &[Want]) {
        let queue = &mut self.phases[phase.0];
        if queue.pending.remove(&root) {
            if let Some(cohorts) = &mut queue.cohorts {
                cohorts.pending[cohorts.of_root[root as usize] as usize] -= 1;
            }
            for want in wants {
                queue.lanes.entry(want.lane).or_default().insert(want.place, want.bytes);
            }
        }
    }

    /// Only calls whose first item's root is below `root` may leave. Without it, all may.
    pub fn gate(&mut self, phase: PhaseNo, root: u32) {
        self.phases[phase.0].gate = root;
    }

    /// Asks again for items of a call that has come back; such a call leaves before any other.
    pub fn retry(&mut self, phase: PhaseNo, items: Vec<Place>) {
        self.retries.push_back(Ready { phase, items, retry: true, leads: false });
    }

    /// The phase's calls share what a provider keeps with those of all phases of the same group (numbered from 0).
    pub fn share(&mut self, phase: PhaseNo, group: usize) {
        self.phases[phase.0].group = Some(group);
        if self.groups.len() <= group {
            self.groups.resize(group + 1, Warmth::Cold);
        }
    }

    /// The answer of a leader has begun: the others of its group may follow.
    pub fn warmed(&mut self, group: usize) {
        self.groups[group] = Warmth::Warm;
    }

    /// What the provider kept is gone, or a leader came back with nothing: the next call leads.
    pub fn cooled(&mut self, group: usize) {
        self.groups[group] = Warmth::Cold;
    }

    /// The phase's calls leave however many others are in flight, and are not counted among them.
    pub fn unbounded(&mut self, phase: PhaseNo) {
        self.phases[phase.0].unbounded = true;
    }

    /// A call of a phase has come back.
    pub fn finished(&mut self, phase: PhaseNo) {
        if !self.phases[phase.0].unbounded {
            self.in_flight = self.in_flight.saturating_sub(1);
        }
    }

    /// No call leaves any more.
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    /// The number of calls in flight.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// The next call to leave, if one may. It counts as in flight from now on. Later phases go first: what is begun is
    /// brought to its end, and trouble in a late phase shows early.
    pub fn next_call(&mut self) -> Option<Ready> {
        if self.stopped {
            return None;
        }
        let mut ready = if self.first.is_some() { self.next_of_first() } else { self.next_of_all() }?;
        if let Some(group) = self.phases[ready.phase.0].group
            && self.groups[group] == Warmth::Cold
        {
            self.groups[group] = Warmth::Led;
            ready.leads = true;
        }
        if !self.phases[ready.phase.0].unbounded {
            self.in_flight += 1;
        }
        Some(ready)
    }

    fn next_of_first(&mut self) -> Option<Ready> {
        let at = self.first.as_ref()?.iter().position(|ready| self.may_leave(ready.phase))?;
        self.first.as_mut()?.remove(at)
    }

    fn next_of_all(&mut self) -> Option<Ready> {
        let again = self.retries.iter().position(|retry| self.may_leave(retry.phase));
        again.and_then(|at| self.retries.remove(at)).or_else(|| {
            (0..self.phases.len()).rev().map(PhaseNo).find_map(|phase| {
                if !self.may_leave(phase) {
                    return None;
                }
                let cut = self.cut.iter().position(|ready| ready.phase == phase);
                cut.map(|at| self.cut.remove(at)).or_else(|| self.cut_next(phase))
            })
        })
    }

    fn cut_next(&mut self, phase: PhaseNo) -> Option<Ready> {
        let items = self.phases[phase.0].next_call()?;
        Some(Ready { phase, items, retry: false, leads: false })
    }

    /// Takes out every call that could leave now if there were room for all of them, by phase and in source order. To be given back
    /// with [`Schedule::hold`].
    pub fn take_ready(&mut self) -> Vec<Ready> {
        let mut ready: Vec<Ready> = self.retries.drain(..).collect();
        for phase in (0..self.phases.len()).map(PhaseNo) {
            ready.extend(std::iter::from_fn(|| self.cut_next(phase)));
        }
        ready.sort_by(|a, b| (a.phase, a.items.first()).cmp(&(b.phase, b.items.first())));
        ready
    }

    /// Of calls that were taken out, lets some leave first, and nothing else until [`Schedule::release`].
    pub fn hold(&mut self, first: Vec<Ready>, others: Vec<Ready>) {
        self.first = Some(first.into());
        let (again, cut): (Vec<Ready>, Vec<Ready>) = others.into_iter().partition(|ready| ready.retry);
        self.retries.extend(again);
        self.cut = cut;
    }

    /// Lets everything leave again.
    pub fn release(&mut self) {
        self.first = None;
    }

    /// How many calls wait that ask again.
    pub fn waiting_again(&self) -> usize {
        self.retries.len()
    }

    /// No call leaves any more: somebody has said so.
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Whether there is room for its calls, and they need not wait for a leader.
    fn may_leave(&self, phase: PhaseNo) -> bool {
        let has_room = self.in_flight < self.jobs || self.phases[phase.0].unbounded;
        has_room && self.phases[phase.0].group.is_none_or(|group| self.groups[group] != Warmth::Led)
    }
}

impl Queue {
    fn next_call(&mut self) -> Option<Vec<Place>> {
        let Self { cut, pending, gate, lanes, cohorts, group: _, unbounded: _ } = self;
        let first_pending = pending.first().copied();
        let mut best: Option<(Place, Lane, usize)> = None;
        for (lane, wants) in lanes.iter() {
            let Some((first, _)) = wants.first_key_value() else { continue };
            let limit = match cohorts {
                Some(cohorts) if cohorts.is_known(first.0) => None,
                Some(_) => continue,
                None => first_pending,
            };
            if first.0 < *gate
                && best.is_none_or(|(place, ..)| *first < place)
                && let Some(count) = members(wants, *cut, limit)
            {
                best = Some((*first, *lane, count));
            }
        }
        let (_, lane, count) = best?;
        let wants = lanes.get_mut(&lane)?;
        Some((0..count).filter_map(|_| wants.pop_first()).map(|(place, _)| place).collect())
    }
}

impl Cohorts {
    /// Nothing of the root's cohort is pending.
    fn is_known(&self, root: u32) -> bool {
        self.pending[self.of_root[root as usize] as usize] == 0
    }
}

/// How many items from the front of a lane make a call that may leave now.
fn members(wants: &BTreeMap<Place, usize>, cut: Cut, first_pending: Option<u32>) -> Option<usize> {
    let mut bytes = 0;
    let mut count = 0;
    for (place, size) in wants {
        if first_pending.is_some_and(|root| place.0 > root) {
            return None;
        }
        bytes += size;
        if count > 0 && cut.bytes.is_some_and(|most| bytes > most) {
            return Some(count);
        }
        count += 1;
        if count == cut.size.max(1) {
            return Some(count);
        }
    }
    (first_pending.is_none() && count > 0).then_some(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reproducible randomness for the tests: xorshift64.
    struct Random(u64);
    impl Random {
        fn below(&mut self, n: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            usize::try_from(self.0 % n as u64).unwrap()
        }
    }

    const CUT: Cut = Cut { size: 3, bytes: None };

    fn want(root: u32, index: u32) -> Want {
        Want { place: (root, index), lane: (0, false, Digest::default()), bytes: 1 }
    }

    #[test]
    fn a_full_call_leaves_as_soon_as_nothing_before_it_is_pending() {
        let mut schedule = Schedule::new(8);
        let phase = schedule.add_phase(CUT, 5);
        for root in [0, 2, 3] {
            schedule.settle(phase, root, &[want(root, 0)]);
        }
        assert_eq!(schedule.next_call(), None, "root 1 may come in between");
        schedule.settle(phase, 1, &[]);
        assert_eq!(schedule.next_call().unwrap().items, [(0, 0), (2, 0), (3, 0)]);
        assert_eq!(schedule.next_call(), None);
        schedule.settle(phase, 4, &[want(4, 0)]);
        assert_eq!(schedule.next_call().unwrap().items, [(4, 0)], "nothing pending could still join it");
    }

    #[test]
    fn calls_that_wait_elsewhere_are_not_counted() {
        let mut schedule = Schedule::new(1);
        let [first, second] = [0, 1].map(|_| schedule.add_phase(Cut { size: 1, bytes: None }, 3));
        schedule.unbounded(second);
        for root in 0..3 {
            let wanted = [Want { place: (root, 0), lane: (0, false, Digest::default()), bytes: 0 }];
            schedule.settle(first, root, &wanted);
            schedule.settle(second, root, &wanted);
        }
        let leave = |schedule: &mut Schedule| -> Vec<usize> {
            std::iter::from_fn(|| schedule.next_call()).map(|call| call.phase.0).collect()
        };
        assert_eq!(leave(&mut schedule), [1, 1, 1, 0]);
        schedule.finished(second);
        assert_eq!(leave(&mut schedule), [0; 0], "the place of the other one is still taken");
        schedule.finished(first);
        assert_eq!(leave(&mut schedule), [0]);
    }

    #[test]
    fn lanes_bytes_gates_and_jobs_are_kept() {
        let mut schedule = Schedule::new(2);
        let phase = schedule.add_phase(Cut { size: 10, bytes: Some(100) }, 4);
        schedule.gate(phase, 2);
        let sized =
            |root, lane, bytes| Want { place: (root, 0), lane: (lane, false, Digest::default()), bytes };
        schedule.settle(phase, 0, &[sized(0, 0, 60)]);
        schedule.settle(phase, 1, &[sized(1, 1, 500)]);
        schedule.settle(phase, 2, &[sized(2, 0, 60)]);
        schedule.settle(phase, 3, &[]);
        assert_eq!(schedule.next_call().unwrap().items, [(0, 0)], "a second item would pass the bytes");
        assert_eq!(schedule.next_call().unwrap().items, [(1, 0)], "another lane, and too large: alone");
        assert_eq!(schedule.next_call(), None, "two are in flight");
        schedule.finished(phase);
        assert_eq!(schedule.next_call(), None, "the gate is closed for root 2");
        schedule.gate(phase, 3);
        assert_eq!(schedule.next_call().unwrap().items, [(2, 0)]);
        schedule.finished(phase);
        schedule.retry(phase, vec![(0, 0)]);
        schedule.stop();
        assert_eq!(schedule.next_call(), None);
    }

    #[test]
    fn one_leads_and_the_others_follow() {
        let mut schedule = Schedule::new(8);
        let (first, second) = (schedule.add_phase(CUT, 9), schedule.add_phase(CUT, 3));
        (0..9).for_each(|root| schedule.settle(first, root, &[want(root, 0)]));
        (0..3).for_each(|root| schedule.settle(second, root, &[want(root, 0)]));
        schedule.share(first, 0);
        schedule.share(second, 1);
        let mut leave = || schedule.next_call().map(|ready| (ready.phase, ready.leads));
        assert_eq!(leave(), Some((second, true)), "another group, another leader");
        assert_eq!(leave(), Some((first, true)));
        assert_eq!(leave(), None);
        schedule.retry(second, vec![(0, 0)]);
        assert_eq!(schedule.next_call(), None, "a retry follows, too");
        schedule.cooled(0);
        assert!(schedule.next_call().unwrap().leads, "the leader came back with nothing");
        schedule.warmed(1);
        let retry = schedule.next_call().unwrap();
        assert_eq!((retry.retry, retry.leads), (true, false));
        schedule.warmed(0);
        assert!(!schedule.next_call().unwrap().leads);
    }

    #[test]
    fn a_cohort_leaves_in_one_call_when_nothing_of_it_is_pending() {
        let mut schedule = Schedule::new(8);
        let phase = schedule.add_cohorts(&[0, 0, 1, 1, 0]);
        let of =
            |root: u32, cohort| Want { place: (root, 0), lane: (cohort, false, Digest::default()), bytes: 9 };
        schedule.settle(phase, 0, &[of(0, 0)]);
        schedule.settle(phase, 2, &[of(2, 1)]);
        schedule.settle(phase, 1, &[of(1, 0)]);
        assert_eq!(schedule.next_call(), None, "each has a root that is pending");
        schedule.settle(phase, 3, &[]);
        assert_eq!(schedule.next_call().unwrap().items, [(2, 0)], "whatever of the other cohort is pending");
        schedule.settle(phase, 4, &[of(4, 0)]);
        assert_eq!(schedule.next_call().unwrap().items, [(0, 0), (1, 0), (4, 0)]);
        assert_eq!(schedule.next_call(), None);
    }

    #[test]
    fn what_leaves_first_is_part_of_what_leaves_anyhow() {
        let fill = || {
            let mut schedule = Schedule::new(2);
            let first = schedule.add_phase(Cut { size: 3, bytes: Some(2) }, 9);
            let second = schedule.add_phase(CUT, 9);
            (0..9).for_each(|root| schedule.settle(first, root, &[want(root, 0)]));
            schedule.retry(first, vec![(0, 1)]);
            (schedule, first, second)
        };
        let drain = |schedule: &mut Schedule| {
            let mut left = Vec::new();
            while let Some(ready) = schedule.next_call() {
                schedule.finished(ready.phase);
                left.push((ready.phase, ready.items, ready.retry));
            }
            left
        };
        let (mut whole, ..) = fill();
        let mut all = drain(&mut whole);
        let (mut schedule, first, second) = fill();
        let mut ready = schedule.take_ready();
        assert_eq!(ready.len(), all.len());
        assert_eq!(schedule.next_call(), None, "all of them are taken out");
        let chosen = vec![ready.remove(4), ready.remove(1)];
        schedule.hold(chosen, ready);
        let mut left = drain(&mut schedule);
        assert_eq!(left.iter().map(|(_, items, _)| items[0]).collect::<Vec<_>>(), [(6, 0), (0, 1)]);
        assert!(left[1].2, "a retry is one still");
        // What has become known meanwhile waits, too.
        (0..9).for_each(|root| schedule.settle(second, root, &[]));
        schedule.retry(first, vec![(6, 0)]);
        assert_eq!(schedule.next_call(), None);
        assert_eq!(schedule.waiting_again(), 1);
        schedule.release();
        let rest = drain(&mut schedule);
        assert_eq!(rest[0], (first, vec![(6, 0)], true));
        left.extend_from_slice(&rest[1..]);
        left.sort();
        all.sort();
        assert_eq!(left, all);
    }

    /// Two phases, the second fed by the first; some roots of the second turn out to be fresh; items fail and are retried.
    fn run(seed: u64, jobs: usize, order: u64) -> Vec<(usize, Vec<Place>, bool)> {
        let mut world = Random(seed * 2 + 1);
        let roots = u32::try_from(world.below(40) + 1).unwrap();
        let bought: Vec<bool> = (0..roots).map(|_| world.below(3) > 0).collect();
        let split: Vec<u32> = (0..roots).map(|_| u32::try_from(world.below(4)).unwrap()).collect();
        let fails: Vec<bool> = (0..roots).map(|_| world.below(5) == 0).collect();
        let mut arrivals = Random(order * 2 + 1);
        let mut schedule = Schedule::new(jobs);
        let (first, second) = (schedule.add_phase(CUT, roots), schedule.add_phase(CUT, roots));
        let items = |root: u32| (0..split[root as usize]).map(|index| want(root, index)).collect::<Vec<_>>();
        for root in 0..roots {
            if bought[root as usize] {
                schedule.settle(first, root, &[want(root, 0)]);
            } else {
                schedule.settle(first, root, &[]);
                schedule.settle(second, root, &items(root));
            }
        }
        let (mut flying, mut made) = (Vec::new(), Vec::new());
        loop {
            while let Some(call) = schedule.next_call() {
                made.push((call.phase.0, call.items.clone(), call.retry));
                flying.push(call);
            }
            if flying.is_empty() {
                break;
            }
            let call = flying.swap_remove(arrivals.below(flying.len()));
            schedule.finished(call.phase);
            let (bad, good): (Vec<Place>, Vec<Place>) =
                call.items.iter().partition(|place| !call.retry && fails[place.0 as usize]);
            if !bad.is_empty() {
                schedule.retry(call.phase, bad);
            }
            if call.phase == first {
                good.iter().for_each(|place| schedule.settle(second, place.0, &items(place.0)));
            }
        }
        made.sort();
        made
    }

    #[test]
    fn calls_and_members_do_not_depend_on_jobs_or_arrivals() {
        for seed in 0..200 {
            let expected = run(seed, 1, 0);
            for jobs in 1..=8 {
                for order in 0..4 {
                    assert_eq!(run(seed, jobs, order), expected, "seed {seed}, {jobs} jobs, order {order}");
                }
            }
        }
    }
}
