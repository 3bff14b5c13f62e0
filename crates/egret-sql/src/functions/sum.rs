//! `sum` of integers: exact on the way, and an error where the result does not fit, instead of another number.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Int64Array, UInt64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Field, FieldRef, Int64Type, UInt64Type};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::functions_aggregate::sum::Sum;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, ReversedUDAF, SetMonotonicity, Signature,
};

use crate::error::PlanProblem;

/// What integers are summed as.
const EXACT: DataType = DataType::Decimal128(38, 0);

/// The engine's `sum`, but of 64-bit integers in 128 bits.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct IntegerSum {
    engine: Sum,
}

impl IntegerSum {
    pub(super) fn new() -> Self {
        Self { engine: Sum::new() }
    }
}

/// Whether a sum of this type is ours.
fn is_ours(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Int64 | DataType::UInt64)
}

fn exact_field(field: &FieldRef) -> FieldRef {
    Arc::new(Field::clone(field).with_data_type(EXACT))
}

impl AggregateUDFImpl for IntegerSum {
    fn name(&self) -> &str {
        self.engine.name()
    }

    fn signature(&self) -> &Signature {
        self.engine.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.engine.return_type(arg_types)
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        if !is_ours(args.return_type()) {
            return self.engine.accumulator(args);
        }
        let result = args.return_type().clone();
        let return_field = exact_field(&args.return_field);
        let exact = self.engine.accumulator(AccumulatorArgs { return_field, ..args })?;
        Ok(Box::new(ExactSum { exact, result }))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        if !is_ours(args.return_type()) {
            return self.engine.state_fields(args);
        }
        let return_field = exact_field(&args.return_field);
        self.engine.state_fields(StateFieldsArgs { return_field, ..args })
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        self.engine.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        if !is_ours(args.return_type()) {
            return self.engine.create_groups_accumulator(args);
        }
        let result = args.return_type().clone();
        let return_field = exact_field(&args.return_field);
        let exact = self.engine.create_groups_accumulator(AccumulatorArgs { return_field, ..args })?;
        Ok(Box::new(ExactGroupSums { exact, result }))
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        // The engine has a sliding sum of distinct numbers for BIGINT only.
        if !is_ours(args.return_type()) || args.is_distinct {
            return self.engine.create_sliding_accumulator(args);
        }
        let result = args.return_type().clone();
        let return_field = exact_field(&args.return_field);
        let exact = self.engine.create_sliding_accumulator(AccumulatorArgs { return_field, ..args })?;
        Ok(Box::new(ExactSum { exact, result }))
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        self.engine.reverse_expr()
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.engine.order_sensitivity()
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.engine.set_monotonicity(data_type)
    }
}

/// The sum of one group.
#[derive(Debug)]
struct ExactSum {
    exact: Box<dyn Accumulator>,
    result: DataType,
}

impl Accumulator for ExactSum {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.exact.update_batch(&widened(values)?)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let sum = self.exact.evaluate()?.to_array()?;
        ScalarValue::try_from_array(&narrowed(&sum, &self.result)?, 0)
    }

    fn size(&self) -> usize {
        self.exact.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.exact.state()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.exact.merge_batch(states)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.exact.retract_batch(&widened(values)?)
    }

    fn supports_retract_batch(&self) -> bool {
        self.exact.supports_retract_batch()
    }
}

/// The sums of many groups.
struct ExactGroupSums {
    exact: Box<dyn GroupsAccumulator>,
    result: DataType,
}

impl GroupsAccumulator for ExactGroupSums {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.exact.update_batch(&widened(values)?, group_indices, opt_filter, total_num_groups)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        narrowed(&self.exact.evaluate(emit_to)?, &self.result)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        self.exact.state(emit_to)
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.exact.merge_batch(values, group_indices, total_num_groups)
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        self.exact.convert_to_state(&widened(values)?, opt_filter)
    }

    fn size(&self) -> usize {
        self.exact.size()
    }
}

fn widened(values: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
    values.iter().map(|values| widened_column(values)).collect()
}

fn widened_column(values: &ArrayRef) -> Result<ArrayRef> {
    let exact: Decimal128Array = match values.data_type() {
        DataType::Int64 => values.as_primitive::<Int64Type>().unary(i128::from),
        DataType::UInt64 => values.as_primitive::<UInt64Type>().unary(i128::from),
        _ => return Ok(cast(values, &EXACT)?),
    };
    Ok(Arc::new(exact.with_data_type(EXACT)))
}

fn narrowed(sums: &ArrayRef, result: &DataType) -> Result<ArrayRef> {
    let sums = sums.as_primitive::<Decimal128Type>();
    if *result == DataType::UInt64 {
        let sums: UInt64Array = sums.try_unary(|sum| u64::try_from(sum).map_err(|_| too_large(sum)))?;
        return Ok(Arc::new(sums));
    }
    let sums: Int64Array = sums.try_unary(|sum| i64::try_from(sum).map_err(|_| too_large(sum)))?;
    Ok(Arc::new(sums))
}

fn too_large(sum: i128) -> PlanProblem {
    let hint = "sum larger numbers: `sum(x::hugeint)`".to_owned();
    PlanProblem::new(format!("the sum {sum} is too large for a BIGINT"), Some("sum"), Some(hint))
}
