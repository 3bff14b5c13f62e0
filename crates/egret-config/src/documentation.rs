//! How components describe what can be configured, for `… show` and the reference.

/// One attribute of a component's block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttributeDocumentation {
    /// Its name.
    pub name: &'static str,
    /// What its value is: `a list of strings`.
    pub value: &'static str,
    /// Whether it must be there.
    pub required: bool,
    /// What it does.
    pub description: &'static str,
}

impl AttributeDocumentation {
    /// An attribute that must be there.
    pub const fn required(name: &'static str, value: &'static str, description: &'static str) -> Self {
        Self { name, value, required: true, description }
    }

    /// An attribute that may be there.
    pub const fn optional(name: &'static str, value: &'static str, description: &'static str) -> Self {
        Self { name, value, required: false, description }
    }
}
