//! Functions over IP addresses in text.

use std::net::IpAddr;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, Signature, Volatility};
use ipnet::IpNet;

use super::definition::{Function, column, text_column};
use crate::describe::type_name;
use crate::error::PlanProblem;

const IP_IN_NETWORK: &str = "ip_in_network";

/// All functions of this file.
pub(super) fn functions() -> Vec<Function> {
    vec![Function::new(
        IP_IN_NETWORK,
        Signature::any(2, Volatility::Immutable),
        ip_in_network_returns,
        ip_in_network,
    )]
}

fn ip_in_network_returns(args: &ReturnFieldArgs) -> Result<FieldRef> {
    let address = args.arg_fields[0].data_type();
    if !address.is_string() && !address.is_null() {
        let message =
            format!("`{IP_IN_NETWORK}` takes an address as text, not {}", type_name(&args.arg_fields[0]));
        return Err(PlanProblem::new(message, Some(IP_IN_NETWORK), None).into());
    }
    // A constant network that is none is a mistake to be told before any row is seen.
    if let Some(Some(constant)) = args.scalar_arguments.get(1) {
        networks_of(&constant.to_array()?, 0)?;
    }
    Ok(Arc::new(Field::new(IP_IN_NETWORK, DataType::Boolean, true)))
}

/// Whether an address is in a network, or in one of a list of networks. Null gives null; text that is no
/// address is in no network. An IPv4 address written as IPv6 (`::ffff:10.0.0.1`) counts as IPv4.
fn ip_in_network(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let addresses = text_column(args, 0)?;
    let found: BooleanArray = match &args.args[1] {
        ColumnarValue::Scalar(constant) => match networks_of(&constant.to_array()?, 0)? {
            None => BooleanArray::new_null(addresses.len()),
            Some(networks) => addresses.iter().map(|text| text.map(|text| is_in(text, &networks))).collect(),
        },
        ColumnarValue::Array(_) => {
            let networks = column(args, 1)?;
            let rows = addresses.iter().enumerate().map(|(row, text)| {
                let networks = networks_of(&networks, row)?;
                Ok(text.zip(networks).map(|(text, networks)| is_in(text, &networks)))
            });
            rows.collect::<Result<Vec<Option<bool>>>>()?.into()
        }
    };
    Ok(ColumnarValue::Array(Arc::new(found)))
}

fn is_in(text: &str, networks: &[IpNet]) -> bool {
    let Ok(address) = text.trim().parse::<IpAddr>() else { return false };
    let address = address.to_canonical();
    networks.iter().any(|network| network.contains(&address))
}

/// The networks of one row: of one text, or of a list of texts. `None` for null.
fn networks_of(values: &ArrayRef, row: usize) -> Result<Option<Vec<IpNet>>> {
    if values.is_null(row) || values.data_type().is_null() {
        return Ok(None);
    }
    if let Some(lists) = values.as_list_opt::<i32>() {
        let texts = arrow::compute::cast(&lists.value(row), &DataType::Utf8View)?;
        let networks = texts.as_string_view().iter().flatten().map(parse_network);
        return networks.collect::<Result<_>>().map(Some);
    }
    match ScalarValue::try_from_array(values, row)?.try_as_str() {
        Some(Some(text)) => Ok(Some(vec![parse_network(text)?])),
        Some(None) => Ok(None),
        None => {
            let message =
                format!("a network is text like '10.0.0.0/8', or a list of them, not {}", values.data_type());
            Err(PlanProblem::new(message, Some(IP_IN_NETWORK), None).into())
        }
    }
}

/// A network, or a single address for a network of one.
fn parse_network(text: &str) -> Result<IpNet> {
    let trimmed = text.trim();
    let parsed = trimmed.parse::<IpNet>().or_else(|_| trimmed.parse::<IpAddr>().map(IpNet::from));
    parsed.map_err(|_| {
        let message = format!("`{text}` is not a network");
        let hint = "write it like '10.0.0.0/8' or '2001:db8::/32'".to_owned();
        PlanProblem::new(message, Some(IP_IN_NETWORK), Some(hint)).into()
    })
}
