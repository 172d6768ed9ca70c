/// What is wrong with what was typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The field's name, which is also its element's ID; empty for what is no one field's fault.
    pub field: String,
    /// A sentence that says how to put it right.
    pub words: String,
}

impl Problems {
    pub fn add(&mut self, field: impl Into<String>, words: impl Into<String>) {
        self.0.push(Problem {
            field: field.into(),
            words: words.into(),
        });
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn of(&self, field: impl AsRef<str>) -> Option<&str> {
        let field = field.as_ref();
        let problem = self.0.iter().find(|problem| problem.field == field);
        problem.map(|problem| problem.words.as_str())
    }

    /// Whether something is wrong with any field whose name begins so.
    pub fn is_in(&self, prefix: &str) -> bool {
        self.0
            .iter()
            .any(|problem| problem.field.starts_with(prefix))
    }

    /// Whether something is wrong with any of these fields.
    pub fn is_among(&self, fields: &[&str]) -> bool {
        fields.iter().any(|field| self.of(field).is_some())
    }
}
