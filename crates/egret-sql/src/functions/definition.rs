//! The shape in which every function of ours is written down: its names, what it takes, gives and does.

use std::hash::{Hash, Hasher};

use arrow::array::{Array, ArrayRef, StringViewArray};
use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::cast::as_string_view_array;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

/// A function of the dialect.
#[derive(Debug)]
pub(crate) struct Function {
    pub name: &'static str,
    pub aliases: Vec<String>,
    pub signature: Signature,
    /// The field that a call gives: its type, and whether it is JSON.
    pub returns: fn(&ReturnFieldArgs) -> Result<FieldRef>,
    /// Computes the call. Arguments may be columns or constants.
    pub evaluate: fn(&ScalarFunctionArgs) -> Result<ColumnarValue>,
}

impl Function {
    pub(crate) fn new(
        name: &'static str,
        signature: Signature,
        returns: fn(&ReturnFieldArgs) -> Result<FieldRef>,
        evaluate: fn(&ScalarFunctionArgs) -> Result<ColumnarValue>,
    ) -> Self {
        Self { name, aliases: Vec::new(), signature, returns, evaluate }
    }

    pub(crate) fn with_aliases(mut self, aliases: &[&str]) -> Self {
        self.aliases = aliases.iter().map(|alias| (*alias).to_owned()).collect();
        self
    }

    pub(crate) fn register(self) -> ScalarUDF {
        ScalarUDF::new_from_impl(self)
    }
}

// A name stands for one function: two with the same name are the same.
impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Function {}

impl Hash for Function {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        datafusion::common::internal_err!("return_field_from_args is asked instead")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        (self.returns)(&args)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        (self.evaluate)(&args)
    }
}

/// The constant text in argument `index`; the inner `None` is null. The outer `None` is no constant.
pub(crate) fn constant_text(args: &ScalarFunctionArgs, index: usize) -> Option<Option<&str>> {
    match args.args.get(index)? {
        ColumnarValue::Scalar(scalar) => scalar.try_as_str(),
        ColumnarValue::Array(_) => None,
    }
}

/// Argument `index` as a column.
pub(crate) fn column(args: &ScalarFunctionArgs, index: usize) -> Result<ArrayRef> {
    args.args[index].to_array(args.number_rows)
}

/// Argument `index` as a column of text. A text of another encoding is converted.
pub(crate) fn text_column(args: &ScalarFunctionArgs, index: usize) -> Result<StringViewArray> {
    let column = column(args, index)?;
    let views = match column.data_type() {
        DataType::Utf8View => column,
        _ => arrow::compute::cast(&column, &DataType::Utf8View)?,
    };
    Ok(as_string_view_array(&views)?.clone())
}

/// Whether every argument is a constant, so that one row is enough.
pub(crate) fn all_constant(args: &ScalarFunctionArgs) -> bool {
    args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)))
}
