//! Functions that somebody else gives: an expression over rows, called with its columns.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};
use egret_model::Expression;

/// A function of the columns of an expression, in the order that it names them.
#[derive(Debug)]
pub(crate) struct GivenFunction {
    name: String,
    expression: Arc<dyn Expression>,
    signature: Signature,
}

impl GivenFunction {
    pub(crate) fn new(name: &str, expression: Arc<dyn Expression>) -> Self {
        let arguments = TypeSignature::Any(expression.columns().len());
        Self {
            name: name.to_owned(),
            expression,
            signature: Signature::new(arguments, Volatility::Immutable),
        }
    }
}

/// The same expression under the same name.
impl PartialEq for GivenFunction {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && Arc::ptr_eq(&self.expression, &other.expression)
    }
}

impl Eq for GivenFunction {}

impl Hash for GivenFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for GivenFunction {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.expression.data_type().clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let names = self.expression.columns().iter();
        let (fields, columns): (Vec<Field>, Vec<_>) = names
            .zip(&args.args)
            .map(|(name, column)| {
                let column = column.to_array(args.number_rows)?;
                Ok((Field::new(name, column.data_type().clone(), true), column))
            })
            .collect::<Result<Vec<_>>>()?
            .into_iter()
            .unzip();
        let options = RecordBatchOptions::new().with_row_count(Some(args.number_rows));
        let rows = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)?;
        let values = self
            .expression
            .evaluate(&rows)
            .map_err(|error| DataFusionError::Execution(format!("`{}`: {error}", self.name)))?;
        Ok(ColumnarValue::Array(values))
    }
}
