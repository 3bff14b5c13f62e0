//! The same expression means the same in the stream and over history: whatever expression over whatever rows,
//! the compiled expression and the query give the same values.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use arrow::array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, ListBuilder, RecordBatch, StringViewArray,
    StringViewBuilder, StructArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Fields};
use egret_model::ExpressionCompiler;
use egret_sql::{Session, SqlCompiler, SqlError};
use proptest::prelude::*;
use tokio::runtime::Runtime;

use crate::events::{compiler, empty_session};

/// Words that are likely to be equal, to be prefixes of each other, to hold JSON or addresses.
fn word() -> impl Strategy<Value = Option<String>> {
    let words = [
        "",
        "a",
        "A",
        "ab",
        "é",
        "日本",
        "a b",
        "x%",
        "10.1.2.3",
        "2001:db8::1",
        "5",
        "-7",
        "true",
        "2024-02-01",
        "{\"a\":1}",
        "{\"a\":{\"b\":\"é\"},\"l\":[1,null,\"x\"]}",
        "[1,2]",
        "{\"a\":\"5\"}",
        "{bad",
        "O'Brien",
    ];
    prop_oneof![1 => Just(None), 6 => proptest::sample::select(words.to_vec()).prop_map(|word| Some(word.to_owned()))]
}

fn row() -> impl Strategy<Value = Row> {
    let number = prop_oneof![Just(None), (-3i64..6).prop_map(Some), Just(Some(1_000_000_007))];
    let ratio = prop_oneof![Just(None), Just(Some(0.5)), Just(Some(-2.0)), Just(Some(0.0))];
    let time =
        prop_oneof![Just(None), (1_706_780_000i64..1_706_980_000).prop_map(|s| Some(s * 1_000_000 + 250))];
    let list = proptest::option::of(proptest::collection::vec(word(), 0..3));
    (word(), word(), number, ratio, proptest::option::of(any::<bool>()), time, list)
}

type Row = (
    Option<String>,
    Option<String>,
    Option<i64>,
    Option<f64>,
    Option<bool>,
    Option<i64>,
    Option<Vec<Option<String>>>,
);

fn batch(rows: &[Row]) -> RecordBatch {
    let words: ArrayRef = Arc::new(StringViewArray::from_iter(rows.iter().map(|row| row.1.as_deref())));
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter(rows.iter().map(|row| row.2)));
    let fields =
        Fields::from(vec![Field::new("w", DataType::Utf8View, true), Field::new("n", DataType::Int64, true)]);
    let mut lists = ListBuilder::new(StringViewBuilder::new());
    for row in rows {
        match &row.6 {
            None => lists.append_null(),
            Some(values) => {
                values.iter().for_each(|value| lists.values().append_option(value.as_deref()));
                lists.append(true);
            }
        }
    }
    RecordBatch::try_from_iter_with_nullable([
        (
            "s",
            Arc::new(StringViewArray::from_iter(rows.iter().map(|row| row.0.as_deref()))) as ArrayRef,
            true,
        ),
        ("n", Arc::clone(&numbers), true),
        ("r", Arc::new(Float64Array::from_iter(rows.iter().map(|row| row.3))), true),
        ("b", Arc::new(BooleanArray::from_iter(rows.iter().map(|row| row.4))), true),
        ("t", Arc::new(TimestampMicrosecondArray::from_iter(rows.iter().map(|row| row.5))), true),
        ("l", Arc::new(lists.finish()), true),
        ("o", Arc::new(StructArray::new(fields, vec![words, numbers], None)), true),
    ])
    .unwrap()
}

/// Text, as SQL.
fn text() -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        Just("s".to_owned()),
        Just("o.w".to_owned()),
        Just("l[1]".to_owned()),
        Just("s->>'a'".to_owned()),
        Just("s->'a'->>'b'".to_owned()),
        Just("o.w->>'$.l[2]'".to_owned()),
        proptest::sample::select(vec![
            "''",
            "'a'",
            "'é日'",
            "'%a_'",
            "'10.1.2.3'",
            "'O''Brien'",
            "null::varchar"
        ])
        .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|a| format!("upper({a})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} || {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("coalesce({a}, {b})")),
            (inner.clone(), -3i8..4).prop_map(|(a, n)| format!("substr({a}, {n}, 2)")),
            inner.clone().prop_map(|a| format!("split_part({a}, 'a', 1)")),
            inner.clone().prop_map(|a| format!("regexp_extract({a}, '[a-z]+')")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("case when b then {a} else {b} end")),
        ]
    })
    .boxed()
}

/// Numbers, as SQL.
fn number() -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        Just("n".to_owned()),
        Just("r".to_owned()),
        Just("o.n".to_owned()),
        Just("len(l)".to_owned()),
        Just("hour(t)".to_owned()),
        Just("epoch(t)".to_owned()),
        Just("try_cast(s as bigint)".to_owned()),
        text().prop_map(|a| format!("length({a})")),
        (-3i64..6).prop_map(|n| format!("({n})")),
    ];
    leaf.prop_recursive(2, 8, 2, |inner| {
        (inner.clone(), proptest::sample::select(vec!["+", "-", "/", "%"]), inner)
            .prop_map(|(a, op, b)| format!("({a} {op} {b})"))
    })
    .boxed()
}

/// Conditions, as SQL.
fn condition() -> BoxedStrategy<String> {
    let compare = || proptest::sample::select(vec!["=", "<>", "<", ">=", "is distinct from"]);
    let leaf = prop_oneof![
        Just("b".to_owned()),
        (text(), compare(), text()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (number(), compare(), number()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (text(), proptest::sample::select(vec!["like", "ilike", "not like"]), Just("'%a%'"))
            .prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        text().prop_map(|a| format!("{a} in l")),
        text().prop_map(|a| format!("{a} not in ('a', 'é', 'x')")),
        text().prop_map(|a| format!("{a} is null")),
        text().prop_map(|a| format!("ip_in_network({a}, ['10.0.0.0/8', '2001:db8::/32'])")),
        text().prop_map(|a| format!("regexp_matches({a}, '^[a-z]')")),
        Just("s->'a' = 1".to_owned()),
        Just("t > now() - interval '2 days'".to_owned()),
        Just("t between '2024-02-01' and timestamp '2024-02-02'".to_owned()),
        Just("strftime(t, '%H') > '10'".to_owned()),
    ];
    leaf.prop_recursive(3, 12, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) and ({b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) or ({b})")),
            inner.prop_map(|a| format!("not ({a})")),
        ]
    })
    .boxed()
}

/// The values of `sql` over `rows` as a query gives them, in the order of the rows.
fn queried(sql: &str, rows: &RecordBatch) -> Result<ArrayRef, SqlError> {
    static ENGINE: LazyLock<Mutex<(Runtime, Session)>> = LazyLock::new(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        Mutex::new((runtime, empty_session()))
    });
    let engine = ENGINE.lock().unwrap_or_else(PoisonError::into_inner);
    let (runtime, session) = &*engine;
    session.context().deregister_table("t").unwrap();
    session.register_batches("t", rows.schema(), vec![rows.clone()])?;
    runtime.block_on(async {
        let result = session.query(sql).await?;
        let schema = Arc::clone(result.schema());
        let batches = result.collect().await?;
        Ok(Arc::clone(arrow::compute::concat_batches(&schema, &batches).unwrap().column(0)))
    })
}

static COMPILER: LazyLock<SqlCompiler> = LazyLock::new(compiler);

proptest! {
    #[test]
    fn an_expression_means_the_same_everywhere(
        rows in proptest::collection::vec(row(), 1..12),
        sql in prop_oneof![condition(), text(), number()],
    ) {
        let rows = batch(&rows);
        let expression = COMPILER.compile(&sql, &rows.schema());
        let from_query = queried(&format!("select {sql} from t"), &rows);
        let Ok(expression) = expression else {
            prop_assert!(from_query.is_err(), "only the query takes {sql}");
            return Ok(());
        };
        match (expression.evaluate(&rows), from_query) {
            (Ok(evaluated), Ok(queried)) => {
                prop_assert_eq!(expression.data_type(), evaluated.data_type());
                let queried = arrow::compute::cast(&queried, evaluated.data_type()).unwrap();
                prop_assert_eq!(&evaluated, &queried, "{}", sql);
                if expression.data_type() == &DataType::Boolean {
                    let kept = queried_count(&sql, &rows);
                    prop_assert_eq!(expression.matches(&rows).unwrap().true_count() as i64, kept, "{}", sql);
                }
            }
            (Err(_), Err(_)) => {}
            (evaluated, queried) => prop_assert!(false, "{sql}: {evaluated:?} and {queried:?}"),
        }
    }
}

/// How many rows a `where` keeps.
fn queried_count(condition: &str, rows: &RecordBatch) -> i64 {
    let counted = queried(&format!("select count(*) from t where {condition}"), rows).unwrap();
    arrow::array::AsArray::as_primitive::<arrow::datatypes::Int64Type>(&counted).value(0)
}

#[test]
fn the_rows_have_all_kinds_of_columns() {
    let rows = batch(&[(None, None, None, None, None, None, None)]);
    assert!(rows.columns().iter().take(6).all(|column| column.null_count() == 1));
}
