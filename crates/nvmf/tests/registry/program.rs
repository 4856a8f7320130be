//! What a child does: the operation with a number follows from seed, slot and number alone, so a
//! killed child is replaced by one that goes on, and a run can be repeated.

/// SplitMix64.
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

/// The seed of this run: `NVMF_TEST_SEED`, or the clock's. It is shown with a failure.
pub(crate) fn seed() -> u64 {
    let given = std::env::var("NVMF_TEST_SEED").ok();
    let seed = given.map_or_else(
        || {
            let now = std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .unwrap();
            now.as_secs() ^ (u64::from(now.subsec_nanos()) << 20)
        },
        |text| text.parse().unwrap(),
    );
    eprintln!("NVMF_TEST_SEED={seed} repeats this run's operations");
    seed
}

/// How many controllers there are.
pub(crate) const DEVICES: u64 = 8;

/// The names of the attributes that are set and removed at random.
pub(crate) const NOTES: [&str; 3] = ["note-a", "note-b", "note-c"];

/// The names of those that are only ever registered, together and with one value.
pub(crate) const PAIR: [&str; 2] = ["pair-a", "pair-b"];

/// One operation.
#[derive(Debug)]
pub(crate) enum Op {
    Claim(String),
    ClaimOf(String),
    Register(Option<String>, String),
    Release(String),
    SetOwner(String),
    RemoveOwner,
    SetNote(&'static str, String),
    RemoveNote(&'static str),
    Delete,
    Owner,
    OwnerAttribute,
    Note(&'static str),
    Entries,
    AllEntries,
    Reap(u64),
    Collect,
}

/// Operation `number` of the child in `slot`: the controller's name and what is done.
pub(crate) fn operation(seed: u64, slot: u64, number: u64) -> (String, Op) {
    let mut dice = Dice::new(seed ^ (slot << 40) ^ (number << 8));
    let device = format!("nvme{}", dice.below(DEVICES));
    // Half the time its usual name, so that it meets itself.
    let me = match dice.below(2) {
        0 => token(&format!("o{slot}"), 0),
        _ => token(&format!("o{slot}-{number}"), 0),
    };
    let word = format!("v{slot}-{number}");
    let length = if dice.below(8) == 0 {
        dice.below(3000)
    } else {
        0
    };
    let value = token(&word, length);
    let note = NOTES[usize::try_from(dice.below(3)).unwrap()];
    let op = match dice.below(100) {
        0..18 => Op::Claim(me),
        18..24 => Op::ClaimOf(me),
        24..28 => Op::Register(Some(me), value),
        28..30 => Op::Register(None, value),
        30..46 => Op::Release(token(&format!("o{slot}"), 0)),
        46..49 => Op::SetOwner(me),
        49..51 => Op::RemoveOwner,
        51..61 => Op::SetNote(note, value),
        61..66 => Op::RemoveNote(note),
        66..69 => Op::Delete,
        69..83 => Op::Owner,
        83..85 => Op::OwnerAttribute,
        85..90 => Op::Note(note),
        90..93 => Op::Entries,
        93..95 => Op::AllEntries,
        95..98 => Op::Reap(dice.below(4711)),
        _ => Op::Collect,
    };
    (device, op)
}

/// What a child that only reads does.
pub(crate) const fn reading(number: u64) -> Op {
    match number % 5 {
        0 => Op::Owner,
        1 => Op::OwnerAttribute,
        2 => Op::Note(PAIR[1]),
        3 => Op::Entries,
        _ => Op::AllEntries,
    }
}

/// A value that shows whether it is complete: one word, some filling, and the word again.
pub(crate) fn token(word: &str, filling: u64) -> String {
    let filling = "x".repeat(usize::try_from(filling).unwrap());
    format!("{word}.{filling}.{word}")
}

/// Whether a value is complete.
pub(crate) fn is_whole(value: &str) -> bool {
    let parts: Vec<&str> = value.split('.').collect();
    matches!(parts.as_slice(), [first, filling, last]
        if first == last && !first.is_empty() && filling.bytes().all(|b| b == b'x'))
}
