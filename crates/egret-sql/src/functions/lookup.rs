//! `lookup(name, key)`: the value that a lookup of the configuration has for a key, or null.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::StringViewArray;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use egret_model::Lookups;
use egret_model::lookup::LOOKUP;

use super::definition::{constant_text, text_column};
use crate::describe::type_name;
use crate::error::{PlanProblem, hint_for_name};

/// The function, with the entries that it asks.
#[derive(Debug)]
pub(crate) struct Lookup {
    lookups: Arc<Lookups>,
    signature: Signature,
}

impl Lookup {
    /// For queries: they are planned when the entries are there, which stay as they are until the query has run.
    pub(crate) fn in_queries(lookups: Arc<Lookups>) -> Self {
        Self { lookups, signature: Signature::any(2, Volatility::Stable) }
    }

    /// For expressions, which are compiled before the entries are there, and stay when these change: a call is never
    /// replaced by what it gives, even if all of it is constant.
    pub(crate) fn in_expressions(lookups: Arc<Lookups>) -> Self {
        Self { lookups, signature: Signature::any(2, Volatility::Volatile) }
    }

    /// The name that a call says, if there is such a lookup.
    fn check_name(&self, name: Option<&str>) -> Result<(), PlanProblem> {
        let Some(name) = name else {
            let message = format!("the first argument of `{LOOKUP}` is the name of a lookup, as a text");
            let hint = format!("write it out, such as {LOOKUP}('known_admins', key)");
            return Err(PlanProblem::new(message, Some(LOOKUP), Some(hint)));
        };
        let names = self.lookups.names();
        if names.clone().any(|declared| declared == name) {
            return Ok(());
        }
        let hint = hint_for_name(name, names, "the lookups are").unwrap_or_else(|| {
            format!("the configuration has none: add a block `lookup \"{name}\" {{ … }}`")
        });
        Err(PlanProblem::new(format!("there is no lookup `{name}`"), Some(name), Some(hint)))
    }
}

/// The same entries.
impl PartialEq for Lookup {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.lookups, &other.lookups) && self.signature == other.signature
    }
}

impl Eq for Lookup {}

impl Hash for Lookup {
    fn hash<H: Hasher>(&self, state: &mut H) {
        LOOKUP.hash(state);
    }
}

impl ScalarUDFImpl for Lookup {
    fn name(&self) -> &str {
        LOOKUP
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        datafusion::common::internal_err!("return_field_from_args is asked instead")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let name = args.scalar_arguments.first().copied().flatten();
        self.check_name(name.and_then(ScalarValue::try_as_str).flatten())?;
        let key = &args.arg_fields[1];
        let kind = key.data_type();
        if !kind.is_string() && !kind.is_integer() && !kind.is_null() {
            let message = format!("`{LOOKUP}` takes a text as its key, not {}", type_name(key));
            let hint = "cast it, such as `key::text`".to_owned();
            return Err(PlanProblem::new(message, Some(LOOKUP), Some(hint)).into());
        }
        Ok(Arc::new(Field::new(LOOKUP, DataType::Utf8View, true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        // One snapshot for all rows.
        let entries = constant_text(&args, 0).flatten().and_then(|name| self.lookups.snapshot(name));
        let Some(entries) = entries else {
            return datafusion::common::internal_err!("names of lookups are checked before");
        };
        if let Some(key) = constant_text(&args, 1) {
            let value = key.and_then(|key| entries.get(key)).map(str::to_owned);
            return Ok(ColumnarValue::Scalar(ScalarValue::Utf8View(value)));
        }
        let keys = text_column(&args, 1)?;
        let values: StringViewArray = keys.iter().map(|key| entries.get(key?)).collect();
        Ok(ColumnarValue::Array(Arc::new(values)))
    }
}
