//! As much of HTML as it takes to read Locum's own pages: tags, their attributes, and forms.

/// A start tag.
#[derive(Debug, Clone)]
pub struct Tag {
    pub name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    /// The attribute's value; `""` for one that only stands there.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    fn text(&self, name: &str) -> String {
        self.get(name).unwrap_or_default().to_owned()
    }
}

/// Every tag of a page in its order, end tags as `/name`.
pub fn tags(html: &str) -> Vec<Tag> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        if rest.starts_with('!') {
            continue;
        }
        let mut attributes = Vec::new();
        let end = rest
            .find(|c: char| c.is_ascii_whitespace() || c == '>')
            .unwrap_or(rest.len());
        let name = rest[..end].to_ascii_lowercase();
        rest = &rest[end..];
        loop {
            rest = rest.trim_start();
            if rest.is_empty() || rest.starts_with('>') {
                break;
            }
            let end = rest
                .find(|c: char| c.is_ascii_whitespace() || c == '=' || c == '>')
                .unwrap_or(rest.len());
            let attribute = rest[..end].to_ascii_lowercase();
            rest = &rest[end..];
            let mut value = String::new();
            if let Some(quoted) = rest.strip_prefix("=\"") {
                let end = quoted.find('"').expect("a closed attribute");
                value = unescape(&quoted[..end]);
                rest = &quoted[end + 1..];
            } else {
                assert!(!rest.starts_with('='), "an attribute without quotes");
            }
            attributes.push((attribute, value));
        }
        found.push(Tag { name, attributes });
    }
    found
}

/// Undoes the escapes that the pages' templates make.
pub fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let end = rest.find(';').expect("an entity that ends");
        out.push(match &rest[..=end] {
            "&amp;" | "&#38;" => '&',
            "&lt;" | "&#60;" => '<',
            "&gt;" | "&#62;" => '>',
            "&quot;" | "&#34;" => '"',
            "&#x27;" | "&#39;" => '\'',
            other => panic!("an entity nobody expects: {other}"),
        });
        rest = &rest[end + 1..];
    }
    out + rest
}

/// The text of the element with this ID, which holds no other element.
pub fn text_of(html: &str, id: &str) -> Option<String> {
    let (_, after) = html.split_once(&format!(" id=\"{id}\""))?;
    let (_, after) = after.split_once('>')?;
    Some(unescape(after.split('<').next()?))
}

/// A form as a browser would send it.
#[derive(Debug, Clone)]
pub struct Form {
    pub action: String,
    pub method: String,
    /// What is sent whichever button is pressed, without the boxes.
    pub fields: Vec<(String, String)>,
    pub boxes: Vec<Box>,
    pub buttons: Vec<Button>,
}

#[derive(Debug, Clone)]
pub struct Box {
    pub name: String,
    pub value: String,
    pub is_checked: bool,
    pub is_disabled: bool,
}

#[derive(Debug, Clone)]
pub struct Button {
    pub id: String,
    pub name: String,
    pub value: String,
}

impl Form {
    /// Every form of a page.
    pub fn all(html: &str) -> Vec<Self> {
        let mut forms: Vec<Self> = Vec::new();
        let mut is_open = false;
        for tag in tags(html) {
            match tag.name.as_str() {
                "form" => {
                    is_open = true;
                    forms.push(Self {
                        action: tag.text("action"),
                        method: tag.text("method"),
                        fields: Vec::new(),
                        boxes: Vec::new(),
                        buttons: Vec::new(),
                    });
                    continue;
                }
                "/form" => is_open = false,
                _ => {}
            }
            let Some(form) = forms.last_mut().filter(|_| is_open) else {
                continue;
            };
            let (name, value) = (tag.text("name"), tag.text("value"));
            match (tag.name.as_str(), tag.get("type")) {
                ("input", Some("checkbox")) => form.boxes.push(Box {
                    name,
                    value,
                    is_checked: tag.has("checked"),
                    is_disabled: tag.has("disabled"),
                }),
                ("input", _) => form.fields.push((name, value)),
                ("button", _) => form.buttons.push(Button {
                    id: tag.text("id"),
                    name,
                    value,
                }),
                _ => {}
            }
        }
        forms
    }

    /// The form with a button of this ID.
    pub fn with_button(html: &str, id: &str) -> Option<Self> {
        let has = |form: &Self| form.buttons.iter().any(|button| button.id == id);
        Self::all(html).into_iter().find(has)
    }

    pub fn field(&self, name: &str) -> &str {
        let found = self.fields.iter().find(|(known, _)| known == name);
        let (_, value) = found.unwrap_or_else(|| panic!("no field {name} in {self:?}"));
        value
    }

    /// The values of the boxes of this name, in their order.
    pub fn choices(&self, name: &str) -> Vec<&str> {
        let own = self.boxes.iter().filter(|one| one.name == name);
        own.map(|one| one.value.as_str()).collect()
    }

    /// Puts text into a field.
    pub fn fill(&mut self, name: &str, value: &str) {
        let found = self.fields.iter_mut().find(|(known, _)| known == name);
        let Some(field) = found else {
            panic!("no field {name} in {self:?}");
        };
        value.clone_into(&mut field.1);
    }

    /// Ticks these boxes of a name and no others; a locked one stays.
    pub fn tick(&mut self, name: &str, values: &[&str]) {
        for one in self.boxes.iter_mut().filter(|one| one.name == name) {
            if !one.is_disabled {
                one.is_checked = values.contains(&one.value.as_str());
            }
        }
    }

    /// What is sent when the button of this ID is pressed.
    pub fn pressed(&self, id: &str) -> Vec<(String, String)> {
        let mut sent = self.fields.clone();
        let ticked = |one: &&Box| one.is_checked && !one.is_disabled;
        let boxes = self.boxes.iter().filter(ticked);
        sent.extend(boxes.map(|one| (one.name.clone(), one.value.clone())));
        let pressed = self.buttons.iter().find(|button| button.id == id);
        let button = pressed.unwrap_or_else(|| panic!("no button {id} in {self:?}"));
        if !button.name.is_empty() {
            sent.push((button.name.clone(), button.value.clone()));
        }
        sent
    }
}
