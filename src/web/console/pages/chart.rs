/// Numbers over time, as bars.
#[derive(Debug, Clone)]
pub struct Chart {
    /// "Sign-ins"
    pub title: &'static str,
    /// For the element's ID: `sign-ins`.
    pub id: &'static str,
    /// Whether more of it is worse.
    pub is_bad: bool,
    /// Where they are listed.
    pub href: Option<String>,
    /// From the earliest to the latest.
    pub bars: Vec<Bar>,
}

#[derive(Debug, Clone)]
pub struct Bar {
    /// When: "14:00", "Mon 3".
    pub label: String,
    pub value: u64,
}

/// A bar as it is drawn.
pub struct Drawn {
    pub x: usize,
    pub y: u64,
    pub height: u64,
    pub is_empty: bool,
}

/// Units of the drawing between the beginnings of two bars, and of a bar's width.
const STEP: usize = 10;
pub const WIDTH: usize = 7;
pub const HEIGHT: u64 = 48;
/// Of a bar that stands for something, however little beside the others.
const LEAST: u64 = 4;
/// Of a bar that stands for nothing: a line on the ground.
const GROUND: u64 = 1;

impl Chart {
    pub fn total(&self) -> String {
        let total = self
            .bars
            .iter()
            .fold(0u64, |total, bar| total.saturating_add(bar.value));
        super::words::thousands(total)
    }

    pub fn is_quiet(&self) -> bool {
        self.bars.iter().all(|bar| bar.value == 0)
    }

    pub fn width(&self) -> usize {
        self.bars.len().max(1) * STEP - (STEP - WIDTH)
    }

    pub fn drawn(&self) -> Vec<Drawn> {
        let most = self.bars.iter().map(|bar| bar.value).max().unwrap_or(0);
        let draw = |(index, bar): (usize, &Bar)| {
            let height = match bar.value {
                0 => GROUND,
                value => {
                    let share = u128::from(value) * u128::from(HEIGHT) / u128::from(most.max(1));
                    u64::try_from(share).unwrap_or(HEIGHT).clamp(LEAST, HEIGHT)
                }
            };
            Drawn {
                x: index * STEP,
                y: HEIGHT - height,
                height,
                is_empty: bar.value == 0,
            }
        };
        self.bars.iter().enumerate().map(draw).collect()
    }

    /// The chart in a sentence.
    pub fn summary(&self) -> String {
        let highest = self.bars.iter().max_by_key(|bar| bar.value);
        match highest {
            Some(bar) if bar.value > 0 => {
                let most = super::words::thousands(bar.value);
                format!("{} in all, at most {most} at {}", self.total(), bar.label)
            }
            _ => "none".to_owned(),
        }
    }

    pub fn first_label(&self) -> &str {
        self.bars.first().map_or("", |bar| bar.label.as_str())
    }

    pub fn last_label(&self) -> &str {
        self.bars.last().map_or("", |bar| bar.label.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(values: &[u64]) -> Chart {
        let bar = |&value| Bar {
            label: format!("at {value}"),
            value,
        };
        Chart {
            title: "Sign-ins",
            id: "sign-ins",
            is_bad: false,
            href: None,
            bars: values.iter().map(bar).collect(),
        }
    }

    #[test]
    fn bars_fit_whatever_they_stand_for() {
        let heights = |values: &[u64]| -> Vec<u64> {
            let drawn = chart(values).drawn();
            assert!(drawn.iter().all(|bar| bar.y + bar.height == HEIGHT));
            drawn.iter().map(|bar| bar.height).collect()
        };
        assert!(heights(&[]).is_empty());
        assert_eq!(heights(&[0, 0]), [GROUND, GROUND]);
        assert_eq!(heights(&[0, 1, 2]), [GROUND, HEIGHT / 2, HEIGHT]);
        assert_eq!(heights(&[1, u64::MAX]), [LEAST, HEIGHT]);
        assert_eq!(chart(&[u64::MAX, 1]).total(), "18,446,744,073,709,551,615");
    }

    #[test]
    fn a_chart_can_be_told() {
        assert_eq!(chart(&[]).summary(), "none");
        assert_eq!(chart(&[0, 0]).summary(), "none");
        assert_eq!(
            chart(&[2, 1200]).summary(),
            "1,202 in all, at most 1,200 at at 1200"
        );
    }
}
