//! What was measured, for people to read.

use std::io::IsTerminal;

use crate::http::histogram;
use crate::process::Cores;
use crate::startup::{Memory, Startup};
use crate::subject::{Sample, Subject};
use crate::{Failed, Settings};

/// Subjects that are measured in turn, round after round, so that a noisy moment meets all of
/// them; and what is compared among them.
pub struct Group {
    pub title: &'static str,
    pub rows: Vec<Row>,
    comparisons: Vec<Comparison>,
}

pub struct Row {
    pub name: String,
    pub subject: Subject,
    /// One for each round.
    pub samples: Vec<Sample>,
}

struct Comparison {
    name: String,
    row: usize,
    against: usize,
    target: Target,
}

pub enum Target {
    AtLeast(f64),
    /// As fast as the other, as far as anybody can tell.
    About1,
    /// For information.
    None,
}

/// Two figures of one run that differ by less than this are the same.
const TELLABLE: f64 = 0.05;

impl Group {
    pub fn new(title: &'static str) -> Self {
        Self {
            title,
            rows: Vec::new(),
            comparisons: Vec::new(),
        }
    }

    /// Gives the row's number, for [`Self::compare`].
    pub fn add(&mut self, name: impl Into<String>, subject: Subject) -> usize {
        self.rows.push(Row {
            name: name.into(),
            subject,
            samples: Vec::new(),
        });
        self.rows.len() - 1
    }

    /// The rate of one row over that of another.
    pub fn compare(&mut self, name: impl Into<String>, row: usize, against: usize, target: Target) {
        self.comparisons.push(Comparison {
            name: name.into(),
            row,
            against,
            target,
        });
    }

    /// Measures each row once: every other round from the last to the first, so that what slowly
    /// gets slower or faster does not favour one of them.
    pub async fn measure(
        &mut self,
        round: usize,
        settings: &Settings,
        cores: &Cores,
    ) -> Result<(), Failed> {
        let is_watched = std::io::stderr().is_terminal();
        let count = self.rows.len();
        for turn in 0..count {
            let row = &mut self.rows[if round % 2 == 1 {
                turn
            } else {
                count - 1 - turn
            }];
            if is_watched {
                eprint!("\r\x1b[K{}, round {round}: {}", self.title, row.name);
            }
            row.samples
                .push(row.subject.measure(settings, cores).await?);
        }
        if is_watched {
            eprint!("\r\x1b[K");
        }
        Ok(())
    }

    pub fn print(&self) -> Result<(), Failed> {
        println!(
            "\n{:<44} {:>10}  {:<17} {:>8} {:>8} {:>6}",
            self.title, "per second", "least - most", "p50 ms", "p99 ms", "busy"
        );
        for row in &self.rows {
            row.print()?;
        }
        Ok(())
    }

    pub fn print_comparisons(&self) {
        for comparison in &self.comparisons {
            comparison.print(&self.rows);
        }
    }
}

impl Row {
    fn print(&self) -> Result<(), Failed> {
        let rates = || self.samples.iter().map(|sample| sample.per_second);
        let (least, most) = spread(rates());
        let spread = format!("{} - {}", thousands(least), thousands(most));
        let mut all = None;
        for latency in self.samples.iter().filter_map(|s| s.latency.as_ref()) {
            all.get_or_insert(histogram()?).add(latency)?;
        }
        let quantile = |quantile| match &all {
            Some(all) => format!("{:.2}", all.value_at_quantile(quantile) as f64 / 1000.0),
            None => String::new(),
        };
        let busy: Vec<f64> = self.samples.iter().filter_map(|s| s.busy).collect();
        let busy = match busy.as_slice() {
            [] => String::new(),
            busy => format!("{:.0} %", median(busy.iter().copied()) * 100.0),
        };
        println!(
            "  {:<42} {:>10}  {spread:<17} {:>8} {:>8} {busy:>6}",
            self.name,
            thousands(median(rates())),
            quantile(0.5),
            quantile(0.99),
        );
        Ok(())
    }
}

impl Comparison {
    fn print(&self, rows: &[Row]) {
        // Each round's own ratio: what disturbed one of a pair most likely disturbed both.
        let pairs = rows[self.row]
            .samples
            .iter()
            .zip(&rows[self.against].samples);
        let ratios = || {
            pairs
                .clone()
                .map(|(row, other)| row.per_second / other.per_second)
        };
        let ratio = median(ratios());
        let (least, most) = spread(ratios());
        let (target, needed) = match self.target {
            Target::AtLeast(needed) => (format!("at least {needed:.2}"), Some(needed)),
            Target::About1 => ("about 1".to_owned(), Some(1.0 - TELLABLE)),
            Target::None => (String::new(), None),
        };
        print_target(
            &self.name,
            &format!("{ratio:.3}"),
            &format!("{least:.3} - {most:.3}"),
            &target,
            needed.map(|needed| ratio >= needed),
        );
    }
}

pub fn print_startup(startup: &Startup) {
    println!("\nlocum dev, from exec, in memory, on any core");
    let millis = |at: usize| startup.to_first_token[at].as_secs_f64() * 1000.0;
    let last = startup.to_first_token.len() - 1;
    println!(
        "  {:<42} {:>7.1} ms  {:.1} - {:.1}, of {}",
        "to the first token",
        startup.median().as_secs_f64() * 1000.0,
        millis(0),
        millis(last),
        startup.to_first_token.len()
    );
    if let Some(memory) = &startup.memory {
        println!(
            "  {:<42} {:>6.1} MiB  {:.1} after the first token, {:.1} after {}",
            "resident when ready",
            mib(memory.when_ready),
            mib(memory.after_first_token),
            mib(memory.after_more_tokens),
            Memory::MORE_TOKENS
        );
    }
}

pub fn print_targets_header() {
    println!(
        "\n{:<44} {:>10}  {:<17} {:<15}",
        "Targets", "reached", "least - most", "target"
    );
}

pub fn print_startup_targets(startup: &Startup) {
    const MOST_MILLIS: f64 = 50.0;
    const MOST_MIB: f64 = 20.0;
    let millis = startup.median().as_secs_f64() * 1000.0;
    let is_met = Some(millis < MOST_MILLIS);
    let reached = format!("{millis:.1} ms");
    print_target("start to first token", &reached, "", "under 50 ms", is_met);
    if let Some(memory) = &startup.memory {
        let after_tokens = mib(memory.after_more_tokens);
        let is_met = Some(after_tokens < MOST_MIB);
        let reached = format!("{after_tokens:.1} MiB");
        print_target("resident", &reached, "", "under 20 MiB", is_met);
    }
}

fn print_target(name: &str, reached: &str, spread: &str, target: &str, is_met: Option<bool>) {
    let verdict = match is_met {
        Some(true) => "met",
        Some(false) => "MISSED",
        None => "",
    };
    let line = format!("  {name:<42} {reached:>10}  {spread:<17} {target:<15} {verdict}");
    println!("{}", line.trim_end());
}

pub fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

/// `12,345`
fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

pub fn median(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut numbers: Vec<f64> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    match numbers.len() {
        0 => f64::NAN,
        even if even % 2 == 0 => f64::midpoint(numbers[middle - 1], numbers[middle]),
        _ => numbers[middle],
    }
}

fn spread(numbers: impl Iterator<Item = f64>) -> (f64, f64) {
    numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), one| {
        (least.min(one), most.max(one))
    })
}
